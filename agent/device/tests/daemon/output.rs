//! What the program writes: no secret anywhere, nothing that breaks a pipe or the journal.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::Stdio;

use weir_store::Operation;
use weir_store::faults::{Action, Refusal, Rule};

use crate::support::http::get;
use crate::support::oracle::Oracle;
use crate::support::s3::SECRET_KEY;
use crate::support::station::{BUCKET, text};
use crate::support::{Picture, S3, Station, hydrocam, jpeg, wait};

/// Every file below `folder` that holds `words`.
fn holding(words: &str, folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(words, &path));
        } else if let Ok(bytes) = fs::read(&path)
            && bytes
                .windows(words.len())
                .any(|window| window == words.as_bytes())
        {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn the_secret_key_is_nowhere_but_in_its_file() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    station.environment("RUST_LOG", "trace");
    station.set("upload.multipart_above", "5MiB");
    station.set("upload.park_probe_first", "1s");
    station.set("upload.park_probe_max", "1s");
    s3.faults().set([
        Rule::new(Action::Error(Refusal::SignatureDoesNotMatch)).requests(1..=1),
        Rule::new(Action::Cut { after_bytes: 10 }).requests(2..=3),
        Rule::new(Action::Error(Refusal::InternalError))
            .on(Operation::UploadPart)
            .requests(1..=1),
    ]);
    let agent = station.start();
    let pictures = [jpeg(1), Picture::new(2).sized(6 << 20).mp4()];
    for (second, picture) in (0..).zip(&pictures) {
        station.drop_file(hydrocam(second), picture);
    }
    Oracle::of(BUCKET, &pictures).agrees(&s3);
    station.until("verified", 2);
    for page in ["/status", "/health", "/metrics"] {
        let answer = get(station.port, page).unwrap();
        assert!(!answer.body.contains(SECRET_KEY), "{page}");
    }
    for command in [
        &["status"][..],
        &["config", "show"],
        &["config", "check"],
        &["queue", "list", "--json"],
        &["queue", "stats"],
        &["queue", "show", "1"],
    ] {
        let output = station.weir(command);
        let all = text(&output.stdout) + &text(&output.stderr);
        assert!(!all.contains(SECRET_KEY), "{command:?}:\n{all}");
    }
    agent.drain();
    let keys = station.home().join("keys").display().to_string();
    assert_eq!(holding(SECRET_KEY, station.home()), [keys]);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    for second in 0..300 {
        station.drop_file(hydrocam(second), jpeg(u64::from(second)));
    }
    let agent = station.start();
    wait::until("all are accepted", || station.images().len() == 300);
    // As `weir queue list --json | head -1`, with far more lines than a pipe holds.
    let mut listing = station
        .command(&["queue", "list", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut reader = BufReader::new(listing.stdout.take().unwrap());
    reader.read_line(&mut line).unwrap();
    drop(reader);
    let mut complaint = String::new();
    let mut stderr = listing.stderr.take().unwrap();
    stderr.read_to_string(&mut complaint).unwrap();
    let status = listing.wait().unwrap();
    assert!(
        status.success() && complaint.is_empty(),
        "{status}: {complaint}"
    );
    assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok());
    agent.drain();
}

#[test]
fn the_journal_gets_priorities_and_no_times_of_ours() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    station.environment("JOURNAL_STREAM", "8:12345");
    station.drop_file("page.jpg", "<html>");
    let mut agent = station.start();
    agent.hears("is set aside");
    let log = agent.log();
    agent.drain();
    for line in log.lines() {
        let levels = ["<3>", "<4>", "<6>", "<7>"];
        assert!(levels.iter().any(|level| line.starts_with(level)), "{line}");
        assert!(!line.contains('\u{1b}'), "{line:?}");
    }
    assert!(
        log.lines()
            .any(|line| line.starts_with("<4>") && line.contains("set aside")),
        "{log}"
    );
}

#[test]
fn a_json_log_is_one_object_a_line() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    station.set("daemon.log_format", "json");
    let agent = station.start();
    station.drop_file(hydrocam(0), jpeg(1));
    station.until("verified", 1);
    agent.drain();
    let log = fs::read_to_string(station.log()).unwrap();
    assert!(log.lines().count() >= 2, "{log}");
    for line in log.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(value["level"].is_string(), "{line}");
    }
}

#[test]
fn a_storm_of_one_error_is_one_line_with_a_count() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    s3.down();
    let mut agent = station.start();
    for second in 0..100 {
        station.drop_file(hydrocam(second), jpeg(u64::from(second)));
    }
    agent.hears("the store does not answer");
    wait::until("all are accepted", || station.images().len() == 100);
    s3.up();
    agent.hears("the link works again");
    station.until("verified", 100);
    let lines = agent.log().lines().count();
    assert!(lines <= 12, "{lines} lines:\n{}", agent.log());
    agent.drain();
}
