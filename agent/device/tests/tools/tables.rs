//! Lists and tables of the queue: what is asked for, nothing lost on the way, and nothing half-written.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::support::station::{BUCKET, text};
use crate::support::{S3, Station, hydrocam, jpeg};

/// Names that a table has to carry through: with its own signs in them, and one that is not text.
fn names() -> Vec<Vec<u8>> {
    vec![
        hydrocam(0).into_bytes(),
        b"comma, \"quote\".jpg".to_vec(),
        b"line\nbreak.jpg".to_vec(),
        b"latin-\xe9.jpg".to_vec(),
    ]
}

/// A station whose agent has brought one image of each name up and was stopped.
fn done(s3: &S3) -> Station {
    let station = Station::new(s3);
    for (seed, name) in (0..).zip(names()) {
        station.drop_file(OsStr::from_bytes(&name), jpeg(seed));
    }
    let agent = station.start();
    station.until("verified", names().len() as u64);
    agent.drain();
    station
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.chars().collect();
    let pairs = digits.chunks(2).map(|pair| pair.iter().collect::<String>());
    pairs
        .map(|pair| u8::from_str_radix(&pair, 16).unwrap())
        .collect()
}

#[test]
fn a_table_holds_every_row_and_every_path_byte_by_byte() {
    let s3 = S3::start();
    let station = done(&s3);
    let path = station.home().join("queue.csv");
    let output = station.weir(&["queue", "export", "--output", path.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let written = fs::read(&path).unwrap();
    assert!(written.ends_with(b"\r\n"), "RFC 4180 ends lines with CRLF");
    let mut table = csv::Reader::from_reader(written.as_slice());
    let columns = table.headers().unwrap().clone();
    let rows: Vec<_> = table.records().map(Result::unwrap).collect();
    let field = |row: &csv::StringRecord, name: &str| {
        let at = columns.iter().position(|column| column == name).unwrap();
        row[at].to_owned()
    };
    let mut paths: Vec<_> = rows
        .iter()
        .map(|row| match field(row, "path_hex").as_str() {
            "" => field(row, "path").into_bytes(),
            hex => unhex(hex),
        })
        .collect();
    let camera = station.camera();
    let mut expected: Vec<_> = names()
        .iter()
        .map(|name| {
            camera
                .join(OsStr::from_bytes(name))
                .as_os_str()
                .as_bytes()
                .to_vec()
        })
        .collect();
    paths.sort();
    expected.sort();
    assert_eq!(paths, expected);
    for row in &rows {
        assert_eq!(field(row, "state"), "verified");
        assert_eq!(field(row, "bucket"), BUCKET);
        let object = s3
            .objects()
            .into_iter()
            .find(|object| object.key == field(row, "key"));
        assert_eq!(object.unwrap().sha256, field(row, "sha256"));
    }
    // As JSON the same, under the same names and in the same order.
    let objects = station.json(&["queue", "export"]);
    assert_eq!(objects.len(), rows.len());
    for (object, row) in objects.iter().zip(&rows) {
        for name in &columns {
            let value = match &object[name] {
                Value::Null => String::new(),
                Value::String(words) => words.clone(),
                Value::Array(codes) => codes
                    .iter()
                    .map(|code| code.as_str().unwrap())
                    .collect::<Vec<_>>()
                    .join(" "),
                other => other.to_string(),
            };
            assert_eq!(value, field(row, name), "{name}");
        }
        assert_eq!(object.as_object().unwrap().len(), columns.len());
    }
}

#[test]
fn conditions_choose_and_orders_order() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let hour = |hour: u32| hydrocam(3600 * hour);
    for (seed, at) in (0..).zip([5, 1, 23]) {
        station.drop_file(hour(at), jpeg(seed));
    }
    let agent = station.start();
    station.until("verified", 3);
    agent.drain();
    let listed = |arguments: &[&str]| -> Vec<String> {
        let rows = station.json(&[&["queue", "list"], arguments].concat());
        let names = rows.iter().map(|row| {
            row["path"]
                .as_str()
                .unwrap()
                .rsplit('/')
                .next()
                .unwrap()
                .to_owned()
        });
        names.collect()
    };
    assert_eq!(listed(&["--order", "oldest"]), [hour(1), hour(5), hour(23)]);
    assert_eq!(
        listed(&["--order", "newest", "--limit", "2"]),
        [hour(23), hour(5)]
    );
    // A date is the camera's, seven hours behind UTC: 23:00 there is the next day's morning in UTC.
    assert_eq!(
        listed(&["--since", "2024-08-09", "--until", "2024-08-10"]).len(),
        3
    );
    assert_eq!(listed(&["--since", "2024-08-10T00:00:00Z"]), [hour(23)]);
    assert_eq!(listed(&["--since", "7d"]), [""; 0]);
    assert_eq!(listed(&["--path", "*_05-00-00.jpg"]), [hour(5)]);
    assert_eq!(
        listed(&["--key", "2024/August/image_capture_2024-08-09_01"]),
        [hour(1)]
    );
    assert_eq!(
        listed(&["--source", "filename"]).len() + listed(&["--source", "exif"]).len(),
        3
    );
    assert_eq!(listed(&["--state", "parked", "--state", "queued"]), [""; 0]);
    assert_eq!(listed(&["--failed"]), [""; 0]);
    assert_eq!(listed(&["--site", "elsewhere"]), [""; 0]);
    for bad in [
        ["--since", "yesterday"],
        ["--state", "lost"],
        ["--source", "hearsay"],
        ["--order", "random"],
    ] {
        let output = station.weir(&[&["queue", "list"], bad.as_slice()].concat());
        assert_eq!(output.status.code(), Some(2), "{bad:?}");
    }
}

#[test]
fn an_export_that_cannot_be_written_leaves_what_was_there() {
    let s3 = S3::start();
    let station = done(&s3);
    let folder = station.home().join("there");
    fs::create_dir_all(folder.join("queue.csv")).unwrap();
    let taken = folder.join("queue.csv");
    let output = station.weir(&["queue", "export", "--output", taken.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("cannot write"),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(
        fs::read_dir(&folder).unwrap().count(),
        1,
        "a draft was left"
    );
    let nowhere = station.home().join("nowhere/queue.csv");
    let output = station.weir(&["queue", "export", "--output", nowhere.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_list_for_people_stands_in_columns_and_obeys_nobody() {
    let s3 = S3::start();
    let station = done(&s3);
    let said = text(&station.weir(&["queue", "list"]).stdout);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), names().len(), "a name broke its line\n{said}");
    let columns: Vec<_> = lines.iter().map(|line| line.find("/").unwrap()).collect();
    assert!(columns.iter().all(|column| *column == columns[0]), "{said}");
    assert!(!said.contains('\u{1b}'), "{said}");
    let painted = text(&station.weir(&["queue", "list", "--color", "always"]).stdout);
    assert!(painted.contains("\u{1b}[32mverified"), "{painted}");
}
