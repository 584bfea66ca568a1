//! A run's folder is written whole, read as it was, and what is wrong with it is said in one line.

use std::fs;

use crate::report::synthetic::{Weather, run};
use crate::report::{FilesError, Run, Summary, files};

fn written(run: &Run) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    files::write(directory.path(), run, "<html/>").expect("written");
    directory
}

#[test]
fn what_is_read_is_what_was_written_and_gives_the_same_figures() {
    for weather in [Weather::Calm, Weather::Outage, Weather::Overload] {
        let run = run(weather, 5, 30);
        let directory = written(&run);
        let read = files::read(directory.path()).expect("a run");
        assert_eq!(read.summary, run.summary);
        assert!(read == run, "{weather:?}: records differ");
        let again = Summary::of(
            read.summary.told.clone(),
            &read.images,
            &read.sites,
            &read.samples,
        );
        assert_eq!(again, run.summary);
    }
}

#[test]
fn a_run_of_nothing_is_written_and_read() {
    let run = Run::of(crate::report::Told::default(), vec![], vec![], vec![]);
    let read = files::read(written(&run).path()).expect("a run");
    assert_eq!(read, run);
    assert_eq!(read.summary.latency_s, None);
}

#[test]
fn the_summary_has_the_names_that_are_promised() {
    let directory = written(&run(Weather::Outage, 5, 30));
    let text = fs::read(directory.path().join(files::SUMMARY)).expect("a summary");
    let summary: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    for pointer in "sites captured accepted stored lost duplicates max_concurrent_sites cap cap_violations retries \
        latency_s/p50 latency_s/p95 latency_s/p99 wall_s peak_rss_mib scenario seed clock hours start end version \
        completed verdict/ok verdict/failures quarantined wrong_capture_time wrong_key unsure \
        event_to_done_s/p50 event_to_done_s/p95 event_to_done_s/max capture_to_done_s/p50 cold warm executions \
        throttles events events_dropped event_age_max_s peak_to_mean_requests requests_by_operation \
        cost_usd/by_service cost_usd/total cost_usd/prices images_per_s shard"
        .split_whitespace()
    {
        assert!(summary.pointer(&format!("/{pointer}")).is_some(), "{pointer}");
    }
    assert_eq!(summary["clock"], "virtual");
}

#[test]
fn each_damage_is_told_in_one_line_that_names_the_file() {
    let run = run(Weather::Calm, 2, 3);
    for name in [files::SUMMARY, files::IMAGES, files::SITES, files::SAMPLES] {
        let directory = written(&run);
        let path = directory.path().join(name);
        let whole = fs::read(&path).expect("a file");
        fs::write(&path, &whole[..whole.len() - 20]).expect("cut short");
        let fault = files::read(directory.path()).expect_err("cut short");
        assert!(matches!(fault, FilesError::Damaged { .. }), "{fault}");
        let line = fault.to_string();
        assert!(line.contains(name) && !line.contains('\n'), "{line}");
        fs::remove_file(&path).expect("removed");
        let fault = files::read(directory.path()).expect_err("removed");
        assert!(matches!(fault, FilesError::Missing { .. }), "{fault}");
        assert!(fault.to_string().contains(name), "{fault}");
    }
}

#[test]
fn a_file_that_cannot_be_written_leaves_the_old_one_and_nothing_else() {
    let run = run(Weather::Calm, 1, 1);
    let directory = written(&run);
    fs::remove_file(directory.path().join(files::SITES)).expect("removed");
    fs::create_dir(directory.path().join(files::SITES)).expect("in the way");
    let fault = files::write(directory.path(), &run, "").expect_err("a folder is in the way");
    assert!(fault.to_string().contains(files::SITES), "{fault}");
    let names = fs::read_dir(directory.path()).expect("a folder");
    let names = names.map(|entry| entry.expect("an entry").file_name());
    assert!(
        names
            .into_iter()
            .all(|name| !name.to_string_lossy().ends_with(".part")),
        "nothing is left over"
    );
}

#[test]
fn a_week_of_300_sites_is_a_small_page() {
    let run = run(Weather::Calm, 300, 168);
    let began = std::time::Instant::now();
    let page = crate::report::page::of(&run);
    let shown = began.elapsed();
    assert_eq!(run.images.len(), 50_400);
    assert!(page.len() < 1_500_000, "{} bytes", page.len());
    let began = std::time::Instant::now();
    let directory = written(&run);
    let wrote = began.elapsed();
    let began = std::time::Instant::now();
    files::read(directory.path()).expect("a run");
    println!(
        "page {shown:?}, {} bytes; written in {wrote:?}, read in {:?}",
        page.len(),
        began.elapsed()
    );
}
