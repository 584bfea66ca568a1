//! A damaged queue is set aside and rebuilt from the camera folders and the bucket; nothing is lost or sent twice.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use weir_store::Operation;

use crate::support::agent::Agent;
use crate::support::oracle::Oracle;
use crate::support::station::BUCKET;
use crate::support::{S3, Station, hydrocam, jpeg, wait};

const STORED: u32 = 40;
const OWED: u32 = 10;

/// A queue with images that the store has and images that it has not; damaged; then started until all is well.
fn survives(damage: impl Fn(&Path)) {
    let s3 = S3::start();
    let mut created = s3.subscribe();
    let station = Station::new(&s3);
    let mut oracle = Oracle::default();
    let mut drop_some = |seconds: std::ops::Range<u32>| {
        for second in seconds {
            let picture = jpeg(u64::from(second));
            oracle.expect(BUCKET, &picture);
            station.drop_file(hydrocam(second), picture);
        }
    };
    drop_some(0..STORED);
    let agent = station.start();
    station.until("verified", u64::from(STORED));
    s3.down();
    drop_some(STORED..STORED + OWED);
    wait::until("the last ones are accepted", || {
        station.images().len() == (STORED + OWED) as usize
    });
    agent.drain();
    damage(&station.state().join("queue.db"));
    s3.up();
    let before = s3.stats().answered(Operation::PutObject, 412);
    let agent = as_systemd_would(&station);
    wait::until("all are known and verified again", || {
        station.count("verified") == u64::from(STORED + OWED)
    });
    oracle.agrees(&s3);
    agent.drain();
    let aside = fs::read_dir(station.state())
        .unwrap()
        .filter_map(Result::ok)
        .filter(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.starts_with("queue.db.corrupt-")
                && !name.ends_with("-wal")
                && !name.ends_with("-shm")
        });
    assert!(aside.count() >= 1, "the damaged database was not kept");
    let log = fs::read_to_string(station.log()).unwrap();
    assert!(log.contains("queue.db.corrupt-"), "nobody was told:\n{log}");
    let stats = s3.stats();
    assert_eq!(
        stats.answered(Operation::PutObject, 200),
        u64::from(STORED + OWED),
        "some image was stored twice"
    );
    let refused = stats.answered(Operation::PutObject, 412) - before;
    assert!(
        refused <= 1,
        "{refused} bodies were sent for objects that were there: only the probe of the store may be"
    );
    let events = std::iter::from_fn(|| created.try_recv().ok()).count();
    assert_eq!(events, (STORED + OWED) as usize);
    assert_eq!(station.json(&["queue", "check"])[0]["sound"], true);
}

/// Starts the agent, and again when it ends because it found damage on the way: that is systemd's part.
fn as_systemd_would(station: &Station) -> Agent {
    for _ in 0..3 {
        let mut agent = station.begin();
        let ended = wait::find("the agent runs or ends", || match agent.ended() {
            Some(status) => Some(Some(status)),
            None => agent.log().contains(" watches ").then_some(None),
        });
        match ended {
            None => return agent,
            Some(status) => assert!(!status.success()),
        }
    }
    panic!("the agent does not come up");
}

#[test]
fn a_garbled_database_is_rebuilt() {
    survives(|database| {
        let length = fs::metadata(database).unwrap().len();
        let noise: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..))
            .take(length as usize)
            .collect();
        fs::write(database, noise).unwrap();
    });
}

#[test]
fn a_database_garbled_behind_its_first_page_is_rebuilt() {
    survives(|database| {
        let length = fs::metadata(database).unwrap().len();
        let file = File::options().write(true).open(database).unwrap();
        let noise: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..))
            .take(length as usize - 4096)
            .collect();
        file.write_all_at(&noise, 4096).unwrap();
    });
}

#[test]
fn a_truncated_database_is_rebuilt() {
    survives(|database| {
        let length = fs::metadata(database).unwrap().len();
        let file = File::options().write(true).open(database).unwrap();
        file.set_len(length / 2 + 100).unwrap();
    });
}

#[test]
fn an_emptied_database_is_rebuilt() {
    survives(|database| {
        File::create(database).unwrap();
    });
}

#[test]
fn a_database_of_zeros_is_rebuilt() {
    survives(|database| {
        let length = fs::metadata(database).unwrap().len();
        fs::write(database, vec![0; length as usize]).unwrap();
    });
}
