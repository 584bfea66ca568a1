//! Labels to print, cut and stick on: one page for all devices, which needs no network and no colour.

use std::fmt::Write as _;

use chrono::{DateTime, Datelike as _, TimeZone as _, Utc};
use qrcode::{Color, EcLevel, QrCode};
use weir::config::TimeZoneName;

use super::Device;
use super::place::Place;

/// The page. The year is that whose offsets from UTC are told.
pub(super) fn page(devices: &[Device<'_>], now: DateTime<Utc>) -> String {
    let labels: String = devices
        .iter()
        .flat_map(|device| device.sites.iter().map(move |site| (device.name, *site)))
        .map(|(device, site)| label(device, site, now))
        .collect();
    include_str!("labels.html").replace("<!-- labels -->\n", &labels)
}

fn label(device: &str, site: &Place, now: DateTime<Utc>) -> String {
    let zone = format!("{} ({})", site.timezone, offsets(&site.timezone, now));
    let position = site.position.as_ref();
    let position = position.map(|(latitude, longitude)| format!("{latitude}, {longitude}"));
    let rows = [
        ("site", Some(site.name.to_string())),
        ("device", Some(device.to_owned())),
        ("bucket", Some(site.bucket.to_string())),
        ("camera\u{2019}s clock", Some(zone)),
        ("folder", Some(site.directory.clone())),
        ("place", position),
    ];
    let rows: String = rows
        .into_iter()
        .filter_map(|(what, value)| Some((what, value?)))
        .map(|(what, value)| format!("<dt>{what}</dt><dd>{}</dd>", escape(&value)))
        .collect();
    let note = match site.note.as_str() {
        "" => String::new(),
        note => format!("<p class=\"note\">{}</p>\n", escape(note)),
    };
    // What a telephone reads: the same words, plain.
    let told = format!(
        "device {device}\nsite {}\nbucket {}",
        site.name, site.bucket
    );
    format!(
        "<section class=\"label\">\n<h2>{}</h2>\n{}<dl>{rows}</dl>\n{note}<ul>\
         <li>the camera\u{2019}s clock is right, in that zone</li>\
         <li><code>weir check</code> says that nothing failed</li>\
         <li>a picture was taken, and <code>weir queue stats</code> counts it as verified</li></ul>\n\
         <p class=\"who\">date and name</p>\n</section>\n",
        escape(site.title()),
        code(&told),
    )
}

/// How far the zone is from UTC, winter and summer.
fn offsets(zone: &TimeZoneName, now: DateTime<Utc>) -> String {
    let at = |month| {
        let moment = Utc.with_ymd_and_hms(now.year(), month, 1, 12, 0, 0);
        let moment = moment.single().unwrap_or(now);
        format!("UTC{}", zone.zone().at(moment).offset())
    };
    match (at(1), at(7)) {
        (january, july) if january == july => january,
        (january, july) => format!("{january}; in July {july}"),
    }
}

/// A QR code as a drawing; nothing for what is too long for one, which no label is.
fn code(text: &str) -> String {
    let Ok(code) = QrCode::with_error_correction_level(text, EcLevel::M) else {
        return String::new();
    };
    // Four modules of white on every side belong to a code.
    const QUIET: usize = 4;
    let width = code.width();
    let mut path = String::new();
    for (row, modules) in code.to_colors().chunks(width).enumerate() {
        let mut column = 0;
        for run in modules.chunk_by(|one, next| one == next) {
            if run[0] == Color::Dark {
                let (x, y, length) = (column + QUIET, row + QUIET, run.len());
                // Writing to a string cannot fail.
                let _ = write!(path, "M{x} {y}h{length}v1h-{length}z");
            }
            column += run.len();
        }
    }
    let side = width + 2 * QUIET;
    format!(
        "<svg viewBox=\"0 0 {side} {side}\" role=\"img\" aria-label=\"{}\"><path d=\"{path}\"/></svg>\n",
        escape(&text.replace('\n', ", "))
    )
}

/// Text as HTML has it.
fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_those_of_winter_and_summer() {
        let now = "2026-11-21T12:00:00Z".parse().unwrap();
        let told = |zone: &str| offsets(&zone.parse().unwrap(), now);
        assert_eq!(told("Etc/GMT+7"), "UTC-07:00");
        assert_eq!(told("America/Denver"), "UTC-07:00; in July UTC-06:00");
        assert_eq!(told("+05:45"), "UTC+05:45");
    }

    #[test]
    fn a_code_is_black_squares_with_a_quiet_zone() {
        let drawn = code("device a");
        // Version 1 has 21 modules a side; its first row begins with the 7 of a corner's square.
        assert!(drawn.contains("viewBox=\"0 0 29 29\""), "{drawn}");
        assert!(drawn.contains("d=\"M4 4h7v1h-7z"), "{drawn}");
    }
}
