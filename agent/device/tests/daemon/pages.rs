//! `/health`, `/status`, `/metrics` and `weir status`: for loopback only, and nothing can be changed through them.

use std::net::TcpListener;

use serde_json::Value;

use crate::support::http::{get, request};
use crate::support::station::text;
use crate::support::{S3, Station, hydrocam, jpeg, wait};

#[test]
fn health_and_status_tell_when_somebody_has_to_look() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let agent = station.start();
    station.drop_file(hydrocam(0), jpeg(1));
    station.until("verified", 1);
    let health = get(station.port, "/health").unwrap();
    assert_eq!(health.status, 200, "{health:?}");
    let output = station.weir(&["status"]);
    assert_eq!(output.status.code(), Some(0));
    let words = text(&output.stdout);
    assert!(
        words.contains("is running") && words.contains("all is well"),
        "{words}"
    );
    std::fs::remove_dir_all(station.camera()).unwrap();
    let health = wait::find("the folder is missed", || {
        get(station.port, "/health").filter(|health| health.status == 503)
    });
    let body: Value = serde_json::from_str(&health.body).unwrap();
    assert_eq!(body["healthy"], false);
    assert!(body["troubles"].to_string().contains("is not there"));
    let output = station.weir(&["status", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(status["running"], true);
    agent.drain();
}

#[test]
fn the_status_without_an_agent_says_so_and_still_counts_the_queue() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let before = station.weir(&["status"]);
    assert_eq!(before.status.code(), Some(1), "{}", text(&before.stderr));
    assert!(text(&before.stdout).contains("is not running"));
    station.drop_file(hydrocam(0), jpeg(1));
    let agent = station.start();
    station.until("verified", 1);
    agent.drain();
    let after = station.weir(&["status", "--json"]);
    assert_eq!(after.status.code(), Some(1));
    let status: Value = serde_json::from_slice(&after.stdout).unwrap();
    assert_eq!(status["running"], false);
    assert_eq!(status["sites"][0]["images"]["verified"], 1, "{status}");
}

/// Samples of an OpenMetrics text (its grammar as far as it is used here), by name and labels.
fn samples(page: &str) -> Vec<(&str, f64)> {
    assert!(page.ends_with("# EOF\n"), "no end: {page}");
    page.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
            let bare = name.split_once('{').map_or(name, |(bare, labels)| {
                assert!(labels.ends_with("\"}"), "{line}");
                bare
            });
            let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
            assert!(
                bare.starts_with("weir_") && bare.chars().all(allowed),
                "{line}"
            );
            (name, value.parse().unwrap_or_else(|_| panic!("{line}")))
        })
        .collect()
}

#[test]
fn metrics_are_openmetrics_text_and_count_what_happened() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let agent = station.start();
    for second in 0..3 {
        station.drop_file(hydrocam(second), jpeg(u64::from(second)));
    }
    station.drop_file("page.jpg", "<html>");
    station.until("verified", 3);
    wait::until("the page is set aside", || {
        station.status()["quarantined"]["not-an-image"] == 1
    });
    let page = get(station.port, "/metrics").unwrap();
    assert_eq!(page.status, 200);
    assert!(
        page.head
            .contains("content-type: application/openmetrics-text; version=1.0.0"),
        "{}",
        page.head
    );
    let samples = samples(&page.body);
    for (name, value) in [
        ("weir_accepted_total{site=\"first-dam\"}", 3.0),
        ("weir_verified_total{site=\"first-dam\"}", 3.0),
        ("weir_accepted_to_verified_seconds_count", 3.0),
        ("weir_images{site=\"first-dam\",state=\"verified\"}", 3.0),
        ("weir_quarantined_files{reason=\"not-an-image\"}", 1.0),
        ("weir_link_up", 1.0),
        ("weir_healthy", 1.0),
    ] {
        assert!(
            samples.contains(&(name, value)),
            "{name} is not {value} in\n{}",
            page.body
        );
    }
    agent.drain();
}

#[test]
fn nothing_but_reading_is_offered() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let agent = station.start();
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let answer = request(station.port, method, "/status").unwrap();
        assert_eq!(answer.status, 405, "{method}");
    }
    for path in ["/", "/../etc/passwd", "/queue", "/status/x"] {
        assert_eq!(get(station.port, path).unwrap().status, 404, "{path}");
    }
    agent.drain();
}

#[test]
fn an_address_that_others_could_reach_is_refused_and_a_taken_port_is_named() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    station.set("daemon.listen", "0.0.0.0:9185");
    let output = station.weir(&["run"]);
    assert_eq!(output.status.code(), Some(2));
    let words = text(&output.stderr);
    assert!(
        words.contains("0.0.0.0:9185") && words.contains("loopback"),
        "{words}"
    );
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    station.set("daemon.listen", &address);
    let output = station.weir(&["run"]);
    assert_eq!(output.status.code(), Some(1));
    let words = text(&output.stderr);
    assert!(
        words.contains(&address) && words.contains("daemon.listen"),
        "{words}"
    );
}
