//! One site, complete: what its row says, and the options where it says nothing.

use weir::config::{BucketName, TimeZoneName};
use weir_journey::identity::SiteName;

use super::super::args;
use super::table::Row;

/// One site, complete.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    /// Its line in the table; 0 where there is none.
    pub(super) line: u64,
    pub(super) name: SiteName,
    /// The host name of the device that carries it.
    pub(super) device: String,
    /// The camera's folder on the device.
    pub(super) directory: String,
    pub(super) timezone: TimeZoneName,
    pub(super) bucket: BucketName,
    /// What looks at its images.
    pub(super) models: Vec<String>,
    /// Where what they find goes; there when there are models.
    pub(super) results: Option<BucketName>,
    /// Where its pipeline leaves results that the device waits for.
    pub(super) awaited: Option<BucketName>,
    /// What people call it.
    pub(super) label: String,
    pub(super) note: String,
    /// Latitude and longitude, in degrees, as they were written.
    pub(super) position: Option<(String, String)>,
}

impl Place {
    /// What people call it.
    pub(super) fn title(&self) -> &str {
        or(&self.label, self.name.as_str())
    }
}

/// The site of a row, or all that is wrong with it.
pub(super) fn of(row: &Row, asked: &args::Provision) -> Result<Place, Vec<String>> {
    let mut faults = Vec::new();
    let name = row.site.parse::<SiteName>();
    let name = name
        .map_err(|wrong| faults.push(format!("{:?}: {wrong}", row.site)))
        .ok();
    let directory = or(&row.directory, &asked.directory).replace("{site}", &row.site);
    faults.extend(wrong_folder(&directory, asked.device.devices));
    let timezone = timezone(row, asked)
        .map_err(|wrong| faults.push(wrong))
        .ok();
    let mut bucket = |template: &str| {
        let bucket = template.replace("{site}", &row.site);
        let parsed = bucket.parse::<BucketName>();
        let wrong = |wrong| {
            faults.push(format!(
                "{bucket:?} {wrong}: it is 3 to 63 of a-z, 0-9, - and ., beginning and ending with a letter or digit"
            ));
        };
        parsed.map_err(wrong).ok()
    };
    let images = bucket(or(&row.bucket, &asked.bucket));
    let models: Vec<String> = row
        .model
        .split(';')
        .map(str::trim)
        .map(Into::into)
        .collect();
    let models = if row.model.is_empty() { vec![] } else { models };
    let results = if models.is_empty() {
        None
    } else {
        bucket(&asked.result_bucket)
    };
    let waits = asked.hold == Some(crate::weather::scenario::Hold::Result);
    let awaited = if waits {
        bucket(&asked.pipeline_result_bucket)
    } else {
        None
    };
    faults.extend(models.iter().filter_map(|model| wrong_model(model)));
    let device = device(row, asked).map_err(|wrong| faults.push(wrong));
    let position = position(row).map_err(|wrong| faults.extend(wrong));
    for (what, text, most) in [("label", &row.label, 60), ("note", &row.note, 300)] {
        if text.chars().count() > most || !is_one_line(text) {
            faults.push(format!("a {what} is one line of at most {most} characters"));
        }
    }
    match (name, timezone, images, device, position) {
        (Some(name), Some(timezone), Some(bucket), Ok(device), Ok(position))
            if faults.is_empty() =>
        {
            Ok(Place {
                line: row.line,
                name,
                device,
                directory,
                timezone,
                bucket,
                models,
                results,
                awaited,
                label: row.label.clone(),
                note: row.note.clone(),
                position,
            })
        }
        _ => Err(faults),
    }
}

/// Whether nothing in it ends a line or is no character, for TOML and YAML: a comment of a configuration stays one.
pub(super) fn is_one_line(text: &str) -> bool {
    let breaks = |c: char| {
        c.is_control()
            || matches!(
                c,
                '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
            )
    };
    !text.chars().any(breaks)
}

fn timezone(row: &Row, asked: &args::Provision) -> Result<TimeZoneName, String> {
    match row.timezone.as_str() {
        "" => asked.timezone.clone().ok_or_else(|| {
            "which zone is the camera's clock set to? Fill timezone, or give --timezone".into()
        }),
        text => text
            .parse::<TimeZoneName>()
            .map_err(|wrong| format!("{text:?} {wrong}")),
    }
}

/// What is wrong with a camera's folder. Those of devices are written into units and scripts, too.
fn wrong_folder(folder: &str, of_device: bool) -> Option<String> {
    if !folder.starts_with('/') {
        return Some(format!("the folder {folder:?} must begin with /"));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    let mut parts = folder[1..].trim_end_matches('/').split('/');
    let whole = parts.all(|part| !matches!(part, "" | "." | ".."));
    (of_device && !(whole && folder.chars().all(plain))).then(|| {
        format!(
            "the folder {folder:?} must be a path of letters, digits, ., _ and -, without . and .."
        )
    })
}

/// What is wrong with a model's name.
fn wrong_model(model: &str) -> Option<String> {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_name = !model.is_empty() && model.chars().all(known);
    let is_path = model.starts_with('/') && is_one_line(model);
    (!is_name && !is_path).then(|| {
        format!("the model {model:?} is neither a name such as water-demo nor a path that begins with /; several are separated by ;")
    })
}

/// The name of a device: one label of a host name, since it is that, and a folder, and the subject of a certificate.
fn device(row: &Row, asked: &args::Provision) -> Result<String, String> {
    let name = or(&row.device, &row.site);
    if row.device.is_empty() && !asked.device.devices {
        return Ok(name.to_owned());
    }
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = (1..=63).contains(&name.len())
        && name.chars().all(inner)
        && !name.starts_with('-')
        && !name.ends_with('-');
    fits.then(|| name.to_owned()).ok_or_else(|| {
        format!("{name:?} cannot be a device's name: it is 1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit; fill device")
    })
}

fn position(row: &Row) -> Result<Option<(String, String)>, Vec<String>> {
    let (latitude, longitude) = (&row.latitude, &row.longitude);
    if latitude.is_empty() && longitude.is_empty() {
        return Ok(None);
    }
    let within = |what: &str, text: &str, most: f64| {
        let degrees = text.parse::<f64>();
        let fits = degrees.is_ok_and(|degrees| degrees.abs() <= most);
        (!fits)
            .then(|| format!("{what} {text:?} is not a number of degrees from -{most} to {most}"))
    };
    let faults = [
        within("latitude", latitude, 90.0),
        within("longitude", longitude, 180.0),
    ];
    let faults: Vec<_> = faults.into_iter().flatten().collect();
    if faults.is_empty() {
        Ok(Some((latitude.clone(), longitude.clone())))
    } else {
        Err(faults)
    }
}

fn or<'a>(cell: &'a str, option: &'a str) -> &'a str {
    if cell.is_empty() { option } else { cell }
}
