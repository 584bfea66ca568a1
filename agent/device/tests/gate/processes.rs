//! Processes of the real program that share a SeaweedFS, killed and stopped in the middle. The judge stands between
//! them and the store, and sees the PUTs.
//!
//! What a process can still do that was stopped in the middle of a PUT, past its lease: finish that one PUT, if all of its
//! bytes were with the kernel already. A PUT that needs another byte of the file is broken off, and no PUT begins.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::proxy::{Proxy, Put};
use crate::support::agent::Agent;
use crate::support::foreign::{Foreign, Keys};
use crate::support::seaweed::seaweedfs;
use crate::support::{Picture, Station, hydrocam, wait};

const CONTROL: &str = "weir-control";
const LEASE: Duration = Duration::from_secs(10);
/// What a store's whole seconds, and two looks of one who waits, add to it.
const SLACK: Duration = Duration::from_secs(8);

/// A device that sends through the proxy, and its pictures, already taken.
fn device(proxy: &Proxy, keys: &Keys, number: usize, cap: u32, pictures: &[usize]) -> Station {
    let site = format!("site{number}");
    let mut station = Station::at(&proxy.endpoint, &keys.access, &keys.secret, &[&site]);
    station.set("pipeline.gate", "s3");
    station.set("pipeline.control_bucket", CONTROL);
    station.set("pipeline.lease", "10s");
    station.set_number("pipeline.max_concurrent_sites", cap);
    station.set("upload.multipart_above", "64MiB");
    station.set("upload.timeout", "60s");
    for (second, size) in pictures.iter().enumerate() {
        let seed = (number * 1000 + second) as u64;
        let picture = Picture::new(seed).sized(*size).jpeg();
        station.drop_file(hydrocam(second as u32), picture);
    }
    station
}

fn bucket(number: usize) -> String {
    format!("site{number}-image")
}

/// When a process was stopped, and when it went on.
type Stops = BTreeMap<String, (Instant, Option<Instant>)>;

/// The most buckets that had a PUT under way at one moment, without those PUTs that began before their process was
/// stopped, from the end of their lease on.
fn peak(puts: &[Put], stops: &Stops) -> usize {
    let now = Instant::now();
    let mut moments: Vec<_> = puts.iter().map(|put| put.began).collect();
    moments.sort();
    let under_way = |at: Instant| -> BTreeSet<&str> {
        puts.iter()
            .filter(|put| put.began <= at && put.ended.unwrap_or(now) > at)
            .filter(|put| {
                stops
                    .get(&put.bucket)
                    .is_none_or(|(stopped, _)| put.began > *stopped || at < *stopped + LEASE / 2)
            })
            .map(|put| put.bucket.as_str())
            .collect()
    };
    moments
        .into_iter()
        .map(|at| under_way(at).len())
        .max()
        .unwrap_or(0)
}

fn all_stored(server: &Foreign, devices: usize, pictures: usize) -> bool {
    (0..devices).all(|number| server.count(&bucket(number)) == pictures)
}

#[test]
fn twenty_processes_never_exceed_the_cap_through_kills_and_stops() {
    const DEVICES: usize = 20;
    const PICTURES: usize = 4;
    const CAP: u32 = 5;
    let folder = tempfile::tempdir().unwrap();
    let (server, keys) = seaweedfs(folder.path());
    server.make(CONTROL);
    (0..DEVICES).for_each(|number| server.make(&bucket(number)));
    // A second and a half a PUT: much longer than what passes between one holder of a slot and the next.
    let proxy = Proxy::start(&keys.endpoint, 200_000);
    let stations: Vec<_> = (0..DEVICES)
        .map(|number| device(&proxy, &keys, number, CAP, &[300_000; PICTURES]))
        .collect();
    let mut agents: Vec<Option<Agent>> = stations.iter().map(|one| Some(one.start())).collect();
    let mut stops = Stops::new();
    let sending = |not: &Stops| {
        let puts = proxy.puts();
        let mut open = puts
            .iter()
            .filter(|put| put.ended.is_none() && !not.contains_key(&put.bucket));
        open.next_back().map(|put| {
            let number = put
                .bucket
                .trim_start_matches("site")
                .trim_end_matches("-image");
            number.parse::<usize>().unwrap()
        })
    };
    // Two are stopped in the middle of a PUT, for longer than the lease.
    let mut stopped = Vec::new();
    for _ in 0..2 {
        let number = wait::find("a PUT is under way", || sending(&stops));
        agents[number].as_ref().unwrap().signal(Signal::STOP);
        stops.insert(bucket(number), (Instant::now(), None));
        stopped.push(number);
    }
    // Four are killed in the middle of one, and started again.
    let mut killed = stops.clone();
    for _ in 0..4 {
        let number = wait::find("a PUT is under way", || sending(&killed));
        agents[number].take().unwrap().kill();
        killed.insert(bucket(number), (Instant::now(), None));
        agents[number] = Some(stations[number].start());
    }
    let longest = stops.values().map(|(at, _)| *at).max().unwrap();
    wait::until("the stopped ones are past their lease", || {
        longest.elapsed() > LEASE + SLACK
    });
    for &number in &stopped {
        agents[number].as_ref().unwrap().signal(Signal::CONT);
        stops.get_mut(&bucket(number)).unwrap().1 = Some(Instant::now());
    }
    // Half a minute on a machine that does nothing else; other tests run beside it. What is promised is the cap.
    wait::find_within(Duration::from_secs(180), "everything is stored", || {
        all_stored(&server, DEVICES, PICTURES).then_some(())
    });
    let puts = proxy.puts();
    let most = peak(&puts, &stops);
    assert!(most <= CAP as usize, "{most} at once");
    // How many coincide is the machine's affair; that far fewer do would be a test of nothing.
    assert!(most + 1 >= CAP as usize, "only {most} at once");
    // Those who were stopped: the one PUT under way, and no other until they had a slot again.
    for (bucket, (at, went_on)) in &stops {
        let during = puts
            .iter()
            .filter(|put| put.bucket == *bucket && put.began > *at && Some(put.began) < *went_on);
        assert_eq!(during.count(), 0);
    }
    for agent in agents.into_iter().flatten() {
        agent.signal(Signal::TERM);
    }
}

#[test]
fn a_process_stopped_past_its_lease_sends_no_byte_of_the_file_more_and_begins_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (server, keys) = seaweedfs(folder.path());
    server.make(CONTROL);
    (0..2).for_each(|number| server.make(&bucket(number)));
    let proxy = Proxy::start(&keys.endpoint, 2_000_000);
    // More than the kernel's buffers hold.
    let first = device(&proxy, &keys, 0, 1, &[24_000_000]);
    let second = device(&proxy, &keys, 1, 1, &[24_000_000]);
    let of = |number: usize| {
        let puts = proxy.puts();
        puts.into_iter()
            .filter(|put| put.bucket == bucket(number))
            .collect::<Vec<_>>()
    };
    let agent = first.start();
    wait::until("the first sends", || {
        of(0).iter().any(|put| put.bytes > 1_000_000)
    });
    agent.signal(Signal::STOP);
    let stopped = Instant::now();
    let other = second.start();
    wait::until("the second has the slot", || !of(1).is_empty());
    let waited = of(1)[0].began - stopped;
    assert!(waited < LEASE + SLACK, "{waited:?}");
    assert!(
        waited > LEASE / 2,
        "{waited:?}: the first might have been sending"
    );
    agent.signal(Signal::CONT);
    wait::until("the first breaks off", || of(0)[0].ended.is_some());
    let broken = of(0)[0].clone();
    assert_eq!(broken.status, None, "it was finished past its lease");
    wait::until("the second is through", || of(1)[0].ended.is_some());
    assert_eq!(of(1)[0].status, Some(200));
    wait::until("the first sends again, and to the end", || {
        server.count(&bucket(0)) == 1
    });
    let again = of(0);
    assert!(
        again[1].began >= of(1)[0].ended.unwrap(),
        "it waited for the slot"
    );
    other.drain();
    agent.drain();
}
