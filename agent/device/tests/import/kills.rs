//! SIGKILL at random moments: nothing is lost, and every file that is gone is in the store with its bytes.

use std::time::{Duration, Instant};

use weir_store::faults::{Action, Rule};

use crate::card::{Card, files, upload};
use crate::support::agent::Agent;
use crate::support::oracle::{Oracle, sha256};
use crate::support::station::{BUCKET, SITE};
use crate::support::{S3, Station};

/// Kills of one run; `scripts/crash` is for more.
const KILLS: u32 = 25;

#[test]
fn kills_at_random_moments_lose_nothing_and_delete_nothing_that_is_not_stored() {
    let seed = std::time::SystemTime::now()
        .duration_since(std::time::SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    println!("seed {seed}");
    let mut chance = fastrand::Rng::with_seed(seed);
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    station.set("upload.timeout", "1s");
    let card = Card::with(&station, "card", 120);
    s3.faults().set([
        Rule::new(Action::LostAnswer).rate(0.05, seed),
        Rule::new(Action::Delay { milliseconds: 25 }).rate(0.7, seed + 1),
        Rule::new(Action::Cut { after_bytes: 100 }).rate(0.03, seed + 2),
    ]);
    let all = files(&card.root);
    let digests: Vec<_> = card
        .pictures
        .iter()
        .map(|picture| sha256(picture))
        .collect();
    let arguments = [
        "upload",
        "--json",
        card.path(),
        "--site",
        SITE,
        "--delete-after-verify",
    ];
    for kill in 0..KILLS {
        let life = Duration::from_millis(chance.u64(5..500));
        let born = Instant::now();
        let mut agent = Agent::spawn(
            station.command(&arguments),
            station.home().join("upload.log"),
        );
        while born.elapsed() < life && agent.ended().is_none() {
            std::thread::sleep(Duration::from_millis(2));
        }
        let early = agent.ended().is_some();
        drop(agent);
        let left = files(&card.root);
        let stored: Vec<String> = s3
            .objects()
            .into_iter()
            .map(|object| object.sha256)
            .collect();
        for (name, digest) in all
            .iter()
            .zip(&digests)
            .filter(|(name, _)| !left.contains(name))
        {
            assert!(
                stored.contains(digest),
                "kill {kill}: {name} is deleted and not stored"
            );
        }
        if early && left.is_empty() {
            break;
        }
    }
    s3.faults().clear();
    let report = upload(&station, &arguments[2..]);
    assert_eq!(report.code, 0, "{}\n{}", report.summary, report.errors);
    assert!(files(&card.root).is_empty(), "{:?}", files(&card.root));
    Oracle::of(BUCKET, &card.pictures).agrees(&s3);
    let findings = station.json(&["queue", "check"]);
    assert_eq!(findings[0]["sound"], true, "{findings:?}");
}
