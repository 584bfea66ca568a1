//! Opening after a crash, and after damage.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use proptest::prelude::*;

/// Set-aside databases in a state directory.
fn set_aside(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains(".corrupt-"))
        .filter(|path| {
            !path.to_string_lossy().ends_with("-wal") && !path.to_string_lossy().ends_with("-shm")
        })
        .collect();
    found.sort();
    found
}

/// A state directory with 40 images in a closed database.
async fn closed() -> tempfile::TempDir {
    let bench = Bench::new().await;
    for number in 0..40 {
        bench.accept(number).await;
    }
    bench.close().await
}

#[tokio::test]
async fn files_are_private() {
    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path().join("a/state");
    let queue = open(&dir).await.queue;
    queue.site_id(site_name("a")).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for name in ["queue.db", "queue.db-wal", "queue.db-shm"] {
        assert_eq!(mode(&dir.join(name)), 0o600, "{name}");
    }
    drop(queue);
    fs::set_permissions(dir.join("queue.db"), fs::Permissions::from_mode(0o644)).unwrap();
    open(&dir).await;
    assert_eq!(mode(&dir.join("queue.db")), 0o600);
}

#[tokio::test]
async fn claims_of_a_killed_run_are_queued_and_unsure() {
    let bench = Bench::new().await;
    for number in 0..3 {
        bench.accept(number).await;
    }
    let claimed = bench.claim(Order::Oldest, 2).await;
    let copy = tempfile::tempdir().unwrap();
    // What lies on the disk while the process lives is what a SIGKILL leaves.
    for name in ["queue.db", "queue.db-wal"] {
        fs::copy(bench.dir.path().join(name), copy.path().join(name)).unwrap();
    }
    let queue = open(copy.path()).await.queue;
    for image in queue
        .claim(bench.site, Order::Oldest, 9, target)
        .await
        .unwrap()
    {
        assert_eq!(image.image.unsure, claimed.contains(&image.image.id));
    }
    // Whoever opens beside the daemon takes nothing back.
    drop(
        Queue::open_beside(bench.dir.path().to_owned())
            .await
            .unwrap(),
    );
    assert_eq!(bench.state(claimed[0]).await, State::Uploading);
}

#[tokio::test]
async fn what_is_no_database_is_set_aside_under_a_dated_name() {
    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path();
    for (round, content) in [
        &b""[..],
        b"no database",
        &[0; 8192],
        b"SQLite format 3\0 or not",
    ]
    .into_iter()
    .enumerate()
    {
        fs::write(dir.join("queue.db"), content).unwrap();
        let opened = open(dir).await;
        let rebuilt = opened.rebuilt.unwrap();
        let aside = rebuilt.aside.unwrap();
        assert_eq!(fs::read(&aside).unwrap(), content);
        assert!(
            aside
                .to_string_lossy()
                .contains("queue.db.corrupt-2026-11-21T05-10-00Z")
        );
        assert_eq!(set_aside(dir).len(), round + 1, "none overwrites another");
        let site = opened.queue.site_id(site_name("a")).await.unwrap();
        opened.queue.accept(image(site, 1)).await.unwrap();
        drop(opened.queue);
        tidied(dir).await;
        assert_eq!(open(dir).await.rebuilt, None);
    }
}

#[tokio::test]
async fn after_a_rebuild_images_are_unsure_until_all_was_scanned() {
    let outer = tempfile::tempdir().unwrap();
    fs::write(outer.path().join("queue.db"), "no database").unwrap();
    drop(open(outer.path()).await);
    // A restart does not end it.
    let queue = open(outer.path()).await.queue;
    let site = queue.site_id(site_name("a")).await.unwrap();
    queue.accept(image(site, 1)).await.unwrap();
    queue.rebuilt_done().await.unwrap();
    queue.accept(image(site, 2)).await.unwrap();
    let claimed = queue.claim(site, Order::Oldest, 9, target).await.unwrap();
    let unsure: Vec<_> = claimed.iter().map(|dossier| dossier.image.unsure).collect();
    assert_eq!(unsure, [true, false]);
}

#[tokio::test]
async fn what_is_owed_is_copied_out_of_a_damaged_database() {
    let bench = Bench::new().await;
    for number in 0..=255 {
        bench.accept(number).await;
    }
    let claimed = bench.claim(Order::Oldest, 2).await;
    bench.queue.verified(claimed[0], stored()).await.unwrap();
    bench
        .queue
        .drop_image(ImageId(9), "no".into(), 1)
        .await
        .unwrap();
    let dir = bench.close().await;
    let file = dir.path().join("queue.db");
    let back = Connection::open(&file).unwrap();
    // Every leaf of the table but the outer ones.
    let leaves =
        "SELECT pageno FROM dbstat WHERE name = 'images' AND pagetype = 'leaf' ORDER BY path";
    let pages: Result<Vec<u32>, _> = back
        .prepare(leaves)
        .and_then(|mut select| select.query_map((), |row| row.get(0))?.collect());
    drop(back);
    let pages = pages.unwrap();
    let mut bytes = fs::read(&file).unwrap();
    let middle = usize::try_from(pages[pages.len() / 2] - 1).unwrap() * 4096;
    bytes[middle..middle + 4096].fill(0xa5);
    fs::write(&file, bytes).unwrap();
    fs::write(dir.path().join("queue.db.suspect"), "the disk said so").unwrap();

    let opened = open(dir.path()).await;
    let rebuilt = opened.rebuilt.unwrap();
    let stats = opened.queue.view().stats().await.unwrap();
    let states = &stats.sites[&site_name("first-dam")].states;
    assert_eq!(
        states.keys().collect::<Vec<_>>(),
        [&State::Queued],
        "nothing is taken for verified"
    );
    let queued = states[&State::Queued].images;
    assert_eq!(queued, rebuilt.salvaged);
    assert!(
        (200..254).contains(&queued),
        "both ends of the damage: {queued}"
    );
    let site = opened.queue.site_id(site_name("first-dam")).await.unwrap();
    for number in [1, 255] {
        let shown = opened
            .queue
            .view()
            .show(Selector::Digest(digest(number).to_string()))
            .await;
        assert!(shown.unwrap()[0].image.unsure, "{number}");
        // Its file is read again, and known.
        assert_eq!(
            opened
                .queue
                .view()
                .known(vec![place(number)])
                .await
                .unwrap(),
            [Known::New]
        );
        let again = opened.queue.accept(image(site, number)).await.unwrap();
        assert!(matches!(again, Accepted::Duplicate(_)));
    }
    assert!(!dir.path().join("queue.db.suspect").exists());
    assert_eq!(opened.queue.view().check().await.unwrap(), []);
}

#[tokio::test]
async fn damage_that_is_met_leaves_word_for_the_next_start() {
    let dir = closed().await;
    let file = dir.path().join("queue.db");
    let mut bytes = fs::read(&file).unwrap();
    for page in bytes.chunks_exact_mut(4096).skip(1) {
        // The first page holds the header and the schema: a quick look finds nothing.
        page.fill(0xa5);
    }
    fs::write(&file, &bytes).unwrap();
    let first = Queue::open(dir.path().to_owned(), now()).await;
    let rebuilt = match first {
        Ok(Opened {
            rebuilt: Some(rebuilt),
            ..
        }) => rebuilt,
        Ok(Opened {
            queue,
            rebuilt: None,
        }) => {
            let error = queue.site_id(site_name("first-dam")).await.unwrap_err();
            assert_eq!(error.class(), Class::Fatal, "{error}");
            assert!(dir.path().join("queue.db.suspect").exists());
            drop(queue);
            open(dir.path()).await.rebuilt.unwrap()
        }
        Err(error) => panic!("a damaged database is no reason not to start: {error}"),
    };
    assert_eq!(rebuilt.salvaged, 0);
    assert_eq!(set_aside(dir.path()), [rebuilt.aside.unwrap()]);
}

#[tokio::test]
async fn a_false_alarm_costs_nothing_but_looking() {
    let dir = closed().await;
    fs::write(dir.path().join("queue.db.suspect"), "a glitch").unwrap();
    let opened = open(dir.path()).await;
    assert_eq!(opened.rebuilt, None);
    let stats = opened.queue.view().stats().await.unwrap();
    assert_eq!(
        stats.sites[&site_name("first-dam")].states[&State::Queued].images,
        40
    );
    assert!(!dir.path().join("queue.db.suspect").exists());
    assert!(set_aside(dir.path()).is_empty());
}

#[tokio::test]
async fn a_rebuild_that_was_killed_is_finished() {
    let dir = closed().await;
    // It had left the marker and moved the database away.
    fs::write(dir.path().join("queue.db.suspect"), "torn").unwrap();
    fs::rename(
        dir.path().join("queue.db"),
        dir.path().join("queue.db.corrupt-x"),
    )
    .unwrap();
    let opened = open(dir.path()).await;
    assert_eq!(opened.rebuilt.unwrap().reason, "torn");
    let site = opened.queue.site_id(site_name("a")).await.unwrap();
    opened.queue.accept(image(site, 1)).await.unwrap();
    let claimed = opened
        .queue
        .claim(site, Order::Oldest, 1, target)
        .await
        .unwrap();
    assert!(claimed[0].image.unsure);
}

#[tokio::test]
async fn a_log_without_its_database_is_kept() {
    let outer = tempfile::tempdir().unwrap();
    fs::write(outer.path().join("queue.db-wal"), "something").unwrap();
    let rebuilt = open(outer.path()).await.rebuilt.unwrap();
    assert_eq!(rebuilt.aside, None);
    let kept = outer
        .path()
        .join("queue.db.corrupt-2026-11-21T05-10-00Z-wal");
    assert_eq!(fs::read(kept).unwrap(), b"something");
}

#[tokio::test]
async fn what_is_not_ours_to_move_is_a_clear_error() {
    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path().join("state");
    fs::create_dir_all(dir.join("queue.db")).unwrap();
    let error = Queue::open(dir.clone(), now()).await.err().unwrap();
    assert!(error.to_string().contains("it is a directory"), "{error}");

    let file = outer.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Queue::open(file.join("state"), now()).await.err().unwrap();
    assert!(matches!(error, QueueError::Io { .. }), "{error}");

    fs::remove_dir(dir.join("queue.db")).unwrap();
    let other = Connection::open(dir.join("queue.db")).unwrap();
    other.execute_batch("CREATE TABLE filestatus (x)").unwrap();
    let error = Queue::open(dir.clone(), now()).await.err().unwrap();
    assert!(error.to_string().contains("another program"), "{error}");
    assert_eq!(error.class(), Class::Fatal);
    assert!(set_aside(&dir).is_empty());
}

#[tokio::test]
async fn a_newer_database_is_refused_and_left_as_it_is() {
    let dir = closed().await;
    let file = dir.path().join("queue.db");
    Connection::open(&file)
        .unwrap()
        .pragma_update(None, "user_version", 1000)
        .unwrap();
    for error in [
        Queue::open(dir.path().to_owned(), now())
            .await
            .err()
            .unwrap(),
        Queue::open_beside(dir.path().to_owned())
            .await
            .err()
            .unwrap(),
        View::open(dir.path().to_owned()).await.err().unwrap(),
        Queue::repair(dir.path().to_owned(), now())
            .await
            .unwrap_err(),
    ] {
        assert!(
            matches!(error, QueueError::Newer { found: 1000, .. }),
            "{error}"
        );
    }
    assert!(set_aside(dir.path()).is_empty());
}

#[tokio::test]
async fn repair_replaces_what_cannot_be_mended() {
    let dir = closed().await;
    fs::write(dir.path().join("queue.db"), "no database").unwrap();
    let repaired = Queue::repair(dir.path().to_owned(), now()).await.unwrap();
    let Repaired::Rebuilt(rebuilt) = repaired else {
        panic!("{repaired:?}")
    };
    assert_eq!(set_aside(dir.path()), [rebuilt.aside.unwrap()]);
    assert_eq!(open(dir.path()).await.rebuilt, None);
}

#[derive(Debug, Clone)]
enum Harm {
    Flip(Vec<(usize, u8)>),
    Truncate(usize),
    Zero(usize, usize),
}

fn harm() -> impl Strategy<Value = Harm> {
    let at = 0usize..200_000;
    prop_oneof![
        proptest::collection::vec((at.clone(), 1u8..), 1..40).prop_map(Harm::Flip),
        at.clone().prop_map(Harm::Truncate),
        (at, 1usize..9000).prop_map(|(at, len)| Harm::Zero(at, len)),
    ]
}

fn inflict(bytes: &mut Vec<u8>, harm: &Harm) {
    let length = bytes.len();
    match harm {
        Harm::Flip(flips) => {
            for &(at, mask) in flips {
                bytes[at % length] ^= mask;
            }
        }
        Harm::Truncate(at) => bytes.truncate(at % length),
        Harm::Zero(at, len) => {
            let from = at % length;
            bytes[from..(from + len).min(length)].fill(0);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    /// Whatever happens to the file: after a bounded number of starts the queue works, or the error says why
    /// it will not, and the damaged file is still there.
    #[test]
    fn no_damage_makes_a_crash_loop(harm in harm()) {
        let work = async {
            let dir = closed().await;
            let file = dir.path().join("queue.db");
            let mut bytes = fs::read(&file).unwrap();
            inflict(&mut bytes, &harm);
            fs::write(&file, &bytes).unwrap();
            let mut met = Vec::new();
            for _ in 0..4 {
                match Queue::open(dir.path().to_owned(), now()).await {
                    Ok(opened) => {
                        match works(&opened.queue).await {
                            Ok(()) => return,
                            Err(error) => met.push(error),
                        }
                    }
                    // The header's version and application are not covered by any check.
                    Err(QueueError::Newer { .. } | QueueError::Foreign(_)) => return,
                    Err(error) => met.push(error),
                }
                let last = met.last().map(QueueError::class);
                assert_eq!(last, Some(Class::Fatal), "{met:?}");
            }
            panic!("still no queue: {met:?}");
        };
        block_on(work);
    }
}

/// A day's work.
async fn works(queue: &Queue) -> Result<(), QueueError> {
    let site = queue.site_id(site_name("first-dam")).await?;
    for number in 30..60 {
        queue.accept(image(site, number)).await?;
    }
    loop {
        let claimed = queue.claim(site, Order::Oldest, 7, target).await?;
        if claimed.is_empty() {
            return Ok(());
        }
        for dossier in claimed {
            queue.verified(dossier.image.id, stored()).await?;
        }
    }
}
