//! What the shared gate costs, and how long sites wait at it: 300 sites, 50 slots, 50 ms a request, in virtual time.
//!
//! ```text
//! cargo test -p weir --test gate -- --ignored --nocapture figures
//! ```

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use tokio::time::{Instant, sleep};
use weir::clock::Clock;
use weir::gate::{self, Gate};
use weir_store::faults::{Action, Rule};
use weir_store::{Operation, Store};

use super::fleet::{CONTROL, config};

const SITES: usize = 300;
const UPLOAD: Duration = Duration::from_secs(3);

/// Every site has `images`, the first after a wait of up to `spread`; gives its waits.
async fn measure(name: &str, images: usize, spread: Duration, settings: &str) {
    let start: DateTime<Utc> = "2026-03-01T00:00:00Z".parse().unwrap();
    let time = weir_store::Clock::tokio(SystemTime::from(start));
    let control = Store::memory().clock(time).open().unwrap();
    control.create_bucket(CONTROL).await.unwrap();
    let wait = Action::Delay { milliseconds: 50 };
    control.faults().set([Rule::new(wait)]);
    let mut random = fastrand::Rng::with_seed(1);
    let mut gates = Vec::new();
    let folder = tempfile::tempdir().unwrap();
    for number in 0..SITES {
        let config = config(&folder, number, settings);
        let settings = gate::settings(&config, CONTROL, number as u64 + 1);
        let clock = Clock::simulated(start);
        let gate = gate::connect(&config, settings, control.http_client(), clock);
        gate.prove().await.unwrap();
        gates.push(Arc::new(gate));
    }
    let before = control.stats();
    let began = Instant::now();
    let sites: Vec<_> = gates
        .iter()
        .enumerate()
        .map(|(number, gate)| {
            let (gate, late) = (Arc::clone(gate), spread.mul_f64(random.f64()));
            tokio::spawn(async move {
                let site = format!("site{number}").parse().unwrap();
                let mut waits = Vec::new();
                sleep(late).await;
                for _ in 0..images {
                    let asked = Instant::now();
                    let permit = loop {
                        match gate.try_admit(&site) {
                            Some(permit) => break permit,
                            None => gate.freed().await,
                        }
                    };
                    waits.push(asked.elapsed().as_secs_f64());
                    sleep(UPLOAD).await;
                    drop(permit);
                }
                gate.withdraw(&site);
                waits
            })
        })
        .collect();
    let mut waits = Vec::new();
    for site in sites {
        waits.extend(site.await.unwrap());
    }
    let took = began.elapsed().as_secs_f64();
    waits.sort_by(f64::total_cmp);
    let at = |part: f64| waits[((waits.len() - 1) as f64 * part) as usize];
    let mean = waits.iter().sum::<f64>() / waits.len() as f64;
    let after = control.stats();
    let per_image =
        |operation| (after.count(operation) - before.count(operation)) as f64 / waits.len() as f64;
    let (put, get, delete) = (
        per_image(Operation::PutObject),
        per_image(Operation::GetObject),
        per_image(Operation::DeleteObject),
    );
    println!(
        "{name}: {} images in {took:.0} s; wait mean {mean:.2} p50 {:.2} p95 {:.2} max {:.2} s, max/mean {:.1}; \
         a image: {put:.2} PUT {get:.2} GET {delete:.2} DELETE = ${:.7}",
        waits.len(),
        at(0.5),
        at(0.95),
        at(1.0),
        at(1.0) / mean,
        put * 0.005 / 1000.0 + get * 0.0004 / 1000.0,
    );
}

#[tokio::test(start_paused = true)]
#[ignore = "a measurement"]
async fn figures() {
    let fifty = "max_concurrent_sites = 50\n";
    let hour = Duration::from_secs(3600);
    measure("an image a site, spread over an hour", 1, hour, fifty).await;
    measure("an image a site, all at once", 1, Duration::ZERO, fifty).await;
    measure(
        "as many slots as sites, all at once",
        1,
        Duration::ZERO,
        "max_concurrent_sites = 300\n",
    )
    .await;
    measure("40 images a site, all at once", 40, Duration::ZERO, fifty).await;
}
