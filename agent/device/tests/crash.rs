//! SIGKILL of the real program at random moments, while a camera writes and the store misbehaves.
//!
//! Afterwards, with the store well and the program left in peace: every whole file was accepted, every accepted
//! image is in the bucket exactly once with its own bytes, was announced there once, and nothing else is.
//!
//! `WEIR_CRASH_ROUNDS` is the number of kills (200 without it), `WEIR_CRASH_SEED` repeats a run's choices (its
//! moments are the machine's). `scripts/crash ROUNDS [SEED]` sets both.

mod support;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use fastrand::Rng;
use weir_store::Operation;
use weir_store::faults::{Action, Refusal, Rule};

use support::oracle::Oracle;
use support::{Picture, S3, Station, hydrocam, wait};

const SITES: [&str; 2] = ["north", "south"];
const MIB: usize = 1024 * 1024;

fn number(variable: &str, otherwise: impl FnOnce() -> u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{variable}={text} is no number")),
        Err(_) => otherwise(),
    }
}

#[test]
fn nothing_is_lost_or_doubled_by_kills_at_random_moments() {
    let rounds = number("WEIR_CRASH_ROUNDS", || 200);
    let seed = number("WEIR_CRASH_SEED", || {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        since.map_or(0, |since| since.as_secs())
    });
    println!("{rounds} kills, WEIR_CRASH_SEED={seed}");
    let s3 = S3::start();
    let mut created = s3.subscribe();
    let mut station = Station::with_sites(&s3, &SITES);
    for (setting, value) in [
        ("daemon.listen", ""),
        ("upload.timeout", "1s"),
        ("upload.backoff_max", "200ms"),
        ("upload.multipart_above", "5MiB"),
        ("upload.part_size", "5MiB"),
    ] {
        station.set(setting, value);
    }
    s3.faults().set(misbehaviour(seed));
    let stop = AtomicBool::new(false);
    let oracle = std::thread::scope(|scope| {
        let cameras = SITES.map(|site| {
            let camera = Camera::new(&station, site, seed);
            scope.spawn(|| camera.work(&stop))
        });
        // The cameras must stop even when a round fails, or the scope would wait for them for ever.
        let stopping = StopOnDrop(&stop);
        kill_again_and_again(&station, rounds, seed);
        drop(stopping);
        let mut oracle = Oracle::default();
        for camera in cameras {
            oracle.expect_all(camera.join().unwrap());
        }
        oracle
    });
    s3.faults().clear();
    arrives(&s3, &station, &oracle);
    let events = std::iter::from_fn(|| created.try_recv().ok()).count();
    assert_eq!(
        events,
        oracle.len(),
        "some object was announced twice to the pipeline behind the bucket"
    );
    let stats = s3.stats();
    println!(
        "{} images, {} requests, of them {} PutObject and {} UploadPart",
        oracle.len(),
        stats.requests,
        stats.count(Operation::PutObject),
        stats.count(Operation::UploadPart)
    );
}

struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What the store does wrong, all the time, repeatably by its own requests' numbers.
fn misbehaviour(seed: u64) -> Vec<Rule> {
    let refusal = |refusal| Rule::new(Action::Error(refusal));
    vec![
        Rule::new(Action::LostAnswer).rate(0.06, seed),
        refusal(Refusal::InternalError).rate(0.04, seed + 1),
        refusal(Refusal::SlowDown).rate(0.04, seed + 2),
        Rule::new(Action::Cut { after_bytes: 150 }).rate(0.05, seed + 3),
        Rule::new(Action::Hang).rate(0.01, seed + 4),
        Rule::new(Action::WrongEtag).rate(0.05, seed + 5),
        Rule::new(Action::WrongChecksum)
            .on(Operation::PutObject)
            .rate(0.05, seed + 6),
        Rule::new(Action::Slow {
            bytes_per_second: 20 * MIB as u64,
        })
        .on(Operation::UploadPart),
        Rule::new(Action::Delay { milliseconds: 15 }).rate(0.3, seed + 7),
    ]
}

/// Starts the agent and kills it 5 to 600 ms later, so often; what was accepted once stays accepted.
fn kill_again_and_again(station: &Station, rounds: u64, seed: u64) {
    let mut chance = Rng::with_seed(seed ^ 0x0006_b111);
    let mut accepted = BTreeSet::new();
    for round in 1..=rounds {
        let life = Duration::from_millis(chance.u64(5..=600));
        let born = Instant::now();
        let mut agent = station.begin();
        while born.elapsed() < life {
            if let Some(status) = agent.ended() {
                panic!("round {round}: the agent ended by itself: {status}");
            }
            std::thread::sleep((life - born.elapsed().min(life)).min(Duration::from_millis(10)));
        }
        agent.kill();
        if round % 25 == 0 {
            let now = accepted_by(station);
            let lost: Vec<_> = accepted.difference(&now).collect();
            assert!(
                lost.is_empty(),
                "round {round}: no longer accepted: {lost:?}"
            );
            accepted = now;
        }
    }
}

/// Every image of the queue, by site and digest.
fn accepted_by(station: &Station) -> BTreeSet<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    station
        .images()
        .iter()
        .map(|image| (text(&image["site"]), text(&image["sha256"])))
        .collect()
}

/// Left in peace, the agent brings everything home; it may take as long as it goes forward.
fn arrives(s3: &S3, station: &Station, oracle: &Oracle) {
    let agent = station.begin();
    let mut best = usize::MAX;
    let mut deadline = Instant::now() + wait::BOUND;
    loop {
        let faults = oracle.faults(s3);
        let open = not_verified(station);
        let left = faults.len() + open.len();
        if left == 0 {
            break;
        }
        if left < best {
            best = left;
            deadline = Instant::now() + wait::BOUND;
        }
        assert!(
            Instant::now() < deadline,
            "left in peace, the agent did not bring everything home:\n{}",
            faults
                .iter()
                .chain(&open)
                .take(20)
                .cloned()
                .collect::<Vec<_>>()
                .join("\n")
        );
        std::thread::sleep(Duration::from_millis(500));
    }
    agent.drain();
    let findings = station.json(&["queue", "check"]);
    assert_eq!(findings[0]["sound"], true, "{findings:?}");
}

/// Images that are not verified, and files that are set aside.
fn not_verified(station: &Station) -> Vec<String> {
    let mut rows = station.images();
    rows.retain(|image| image["state"] != "verified");
    rows.extend(station.json(&["queue", "list", "--quarantined"]));
    rows.iter().map(ToString::to_string).collect()
}

/// A camera that writes pictures in all the ways that cameras do, and knows what it wrote.
struct Camera {
    bucket: String,
    folder: PathBuf,
    chance: Rng,
    oracle: Oracle,
    written: u32,
}

impl Camera {
    fn new(station: &Station, site: &str, seed: u64) -> Self {
        Self {
            bucket: format!("{site}-image"),
            folder: station.camera_of(site),
            chance: Rng::with_seed(seed ^ site.bytes().map(u64::from).sum::<u64>()),
            oracle: Oracle::default(),
            written: 0,
        }
    }

    /// Writes until it is told to stop, and leaves only whole files behind.
    fn work(mut self, stop: &AtomicBool) -> Oracle {
        while !stop.load(Ordering::Relaxed) {
            self.take();
            self.rest(60);
        }
        self.oracle
    }

    /// A pause of up to so many milliseconds, as a camera has them.
    fn rest(&mut self, most: u64) {
        std::thread::sleep(Duration::from_millis(self.chance.u64(0..=most)));
    }

    fn take(&mut self) {
        self.written += 1;
        let picture = Picture::new(u64::from(self.written)).sized(self.chance.usize(0..60_000));
        let bytes = match self.chance.u8(0..50) {
            0 => picture.sized(6 * MIB).mp4(),
            _ => picture.jpeg(),
        };
        self.oracle.expect(&self.bucket, &bytes);
        // Some seconds have two pictures, in folders of their own.
        let second = self.written - u32::from(self.chance.u8(0..10) == 0);
        let (ten, parity) = (self.written / 10, self.written % 2);
        let folder = self.folder.join(format!("{ten:03}/{parity}"));
        fs::create_dir_all(&folder).unwrap();
        self.write(&folder.join(hydrocam(second)), &bytes);
    }

    fn write(&mut self, path: &Path, bytes: &[u8]) {
        let half = self.chance.usize(1..bytes.len());
        match self.chance.u8(0..8) {
            0..4 => fs::write(path, bytes).unwrap(),
            4 => {
                let mut file = File::create(path).unwrap();
                for piece in bytes.chunks(bytes.len() / 4 + 1) {
                    file.write_all(piece).unwrap();
                    self.rest(120);
                }
            }
            5 => {
                let temporary = path.with_extension("jpg.tmp");
                fs::write(&temporary, bytes).unwrap();
                self.rest(30);
                fs::rename(temporary, path).unwrap();
            }
            6 => {
                // Cut short and closed, as by a camera that lost its power; whole some time later.
                fs::write(path, &bytes[..half]).unwrap();
                self.rest(1500);
                fs::write(path, bytes).unwrap();
            }
            _ => {
                fs::write(path, &bytes[..half]).unwrap();
                self.rest(300);
                let mut file = File::options().append(true).open(path).unwrap();
                file.write_all(&bytes[half..]).unwrap();
            }
        }
    }
}
