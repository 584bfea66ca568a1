//! Shards make the run that they are shards of, or it is said why not.

use std::path::{Path, PathBuf};

use crate::report::shards::MergeError;
use crate::report::synthetic::{Weather, run, shard};
use crate::report::{Run, Shard, files, merge, rebuild, write};

fn shards(weather: Weather, of: u32, at: &Path) -> Vec<PathBuf> {
    let made = (1..=of).map(|index| {
        let folder = at.join(format!("shard{index}"));
        write(&folder, &shard(weather, 11, 30, Some(Shard { index, of }))).expect("written");
        folder
    });
    made.collect()
}

/// What merging cannot know: which command was the whole run's.
fn but_the_command(mut run: Run) -> Run {
    run.summary.told.command.clear();
    run
}

#[test]
fn shards_merged_are_the_whole_run() {
    for weather in [Weather::Calm, Weather::Outage] {
        let directory = tempfile::tempdir().expect("a directory");
        let mut folders = shards(weather, 3, directory.path());
        folders.rotate_left(1);
        let out = directory.path().join("whole");
        let merged = but_the_command(merge(&folders, &out).expect("merged"));
        let whole = but_the_command(run(weather, 11, 30));
        assert_eq!(merged.summary, whole.summary, "{weather:?}");
        assert!(merged.images == whole.images, "{weather:?}: images differ");
        assert!(merged.sites == whole.sites, "{weather:?}: sites differ");
        assert_eq!(
            but_the_command(files::read(&out).expect("a run")).summary,
            merged.summary
        );
        assert_eq!(
            but_the_command(rebuild(&out).expect("a run")).summary,
            merged.summary
        );
    }
}

/// Why merging is refused after `spoil` has changed the second of three shards.
fn refused(spoil: impl Fn(&mut Run)) -> MergeError {
    let directory = tempfile::tempdir().expect("a directory");
    let folders = shards(Weather::Calm, 3, directory.path());
    let mut second = files::read(&folders[1]).expect("a shard");
    spoil(&mut second);
    write(&folders[1], &second).expect("written");
    merge(&folders, &directory.path().join("whole")).expect_err("refused")
}

#[test]
fn what_is_not_one_run_is_refused_with_the_reason() {
    for (what, spoil) in [
        ("seed", (|run| run.summary.told.seed += 1) as fn(&mut Run)),
        ("scenario", |run| run.summary.told.scenario.push('x')),
        ("length", |run| run.summary.told.hours += 1.0),
        ("settings", |run| run.summary.told.settings.clear()),
        ("version of Weir", |run| run.summary.told.version.push('x')),
        ("number of shards", |run| {
            run.summary.told.shard = Some(Shard { index: 2, of: 4 })
        }),
    ] {
        let fault = refused(spoil);
        assert!(
            matches!(&fault, MergeError::Differs { what: found, .. } if *found == what),
            "{fault}"
        );
    }
    let twice = refused(|run| run.summary.told.shard = Some(Shard { index: 1, of: 3 }));
    assert!(
        matches!(twice, MergeError::Twice { index: 1, .. }),
        "{twice}"
    );
    let whole = refused(|run| run.summary.told.shard = None);
    assert!(matches!(whole, MergeError::Whole(_)), "{whole}");
    let site = refused(|run| run.sites[0].site = 1);
    assert!(matches!(site, MergeError::Site(1)), "{site}");
}

#[test]
fn missing_shards_are_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let folders = shards(Weather::Calm, 4, directory.path());
    let fault = merge(&folders[1..3], &directory.path().join("whole")).expect_err("refused");
    assert_eq!(fault.to_string(), "of 4 shards these are missing: 1, 4");
    assert!(
        !directory.path().join("whole").exists(),
        "nothing is written"
    );
    let nothing = merge(&[], directory.path()).expect_err("refused");
    assert!(matches!(nothing, MergeError::Nothing));
}
