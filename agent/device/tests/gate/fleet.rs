//! Many agents in virtual time, each a device of its own with one site, one store for their images and another for the
//! control bucket, so that each can be watched and broken alone.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use weir::clock::Clock;
use weir::config::Config;
use weir::watch::{Cause, Eyes, Inbox, RootId};
use weir::{RunError, World, gate};
use weir_journey::fixtures::Picture;
use weir_store::{ObjectCreated, Store};

pub(crate) const CONTROL: &str = "weir-control";

/// The devices and the stores.
pub(crate) struct Fleet {
    pub(crate) images: Store,
    pub(crate) control: Store,
    pub(crate) devices: Vec<Device>,
    events: UnboundedReceiver<ObjectCreated>,
    start: DateTime<Utc>,
    settings: String,
    starts: u64,
}

/// One of them.
pub(crate) struct Device {
    folder: tempfile::TempDir,
    inbox: Inbox,
    clock: Clock,
    taken: u64,
    running: Option<(JoinHandle<Result<(), RunError>>, CancellationToken)>,
}

impl Fleet {
    /// So many devices, not started yet; their clocks are wrong by days, each by others.
    pub(crate) async fn new(devices: usize, settings: &str) -> Self {
        Self::with(devices, settings, Store::memory()).await
    }

    pub(crate) async fn with(devices: usize, settings: &str, control: weir_store::Builder) -> Self {
        let start: DateTime<Utc> = "2026-03-01T00:00:00Z".parse().unwrap();
        let time = || weir_store::Clock::tokio(SystemTime::from(start));
        let images = Store::memory().clock(time()).open().unwrap();
        let control = control.clock(time()).open().unwrap();
        control.create_bucket(CONTROL).await.unwrap();
        let mut fleet = Self {
            events: images.subscribe(),
            images,
            control,
            devices: Vec::new(),
            start,
            settings: settings.to_owned(),
            starts: 0,
        };
        for number in 0..devices {
            let bucket = format!("site{number}-image");
            fleet.images.create_bucket(&bucket).await.unwrap();
            let folder = tempfile::tempdir().unwrap();
            std::fs::create_dir(folder.path().join("camera")).unwrap();
            let off = TimeDelta::days(number as i64 * 3 - 6);
            fleet.devices.push(Device {
                folder,
                inbox: Inbox::new(),
                clock: Clock::simulated(start + off),
                taken: number as u64 * 10_000,
                running: None,
            });
        }
        fleet
    }

    /// Starts the agent of a device.
    pub(crate) fn start(&mut self, number: usize) {
        self.starts += 1;
        let device = &mut self.devices[number];
        let config = config(&device.folder, number, &self.settings);
        device.inbox = Inbox::new();
        let settings = gate::settings(&config, CONTROL, self.starts);
        let control = self.control.http_client();
        let world = World {
            http: self.images.http_client(),
            clock: device.clock.clone(),
            eyes: Eyes::Announced,
            inbox: device.inbox.clone(),
            gate: Arc::new(gate::connect(
                &config,
                settings,
                control,
                device.clock.clone(),
            )),
            disks: weir::retain::Meter::system(),
            seer: None,
        };
        let stop = CancellationToken::new();
        let agent = tokio::spawn(weir::run(config, world, stop.clone()));
        device.running = Some((agent, stop));
    }

    pub(crate) fn start_all(&mut self) {
        (0..self.devices.len()).for_each(|number| self.start(number));
    }

    /// The agent is gone from one moment to the next.
    pub(crate) async fn crash(&mut self, number: usize) {
        let (agent, _) = self.devices[number].running.take().unwrap();
        agent.abort();
        let _ = agent.await;
    }

    /// The agent is asked to end, and does.
    pub(crate) async fn end(&mut self, number: usize) -> Result<(), RunError> {
        let (agent, stop) = self.devices[number].running.take().unwrap();
        stop.cancel();
        agent.await.unwrap()
    }

    /// How the agent ended by itself.
    pub(crate) async fn ended(&mut self, number: usize) -> Result<(), RunError> {
        let (agent, _) = self.devices[number].running.take().unwrap();
        agent.await.unwrap()
    }

    /// A camera takes a picture, and says so if somebody listens.
    pub(crate) fn take_picture(&mut self, number: usize) {
        let device = &mut self.devices[number];
        device.taken += 1;
        let at = device.clock.now() + TimeDelta::seconds(device.taken as i64 % 10_000);
        let name = at.format("image_capture_%Y-%m-%d_%H-%M-%S.jpg");
        let path = device.folder.path().join("camera").join(name.to_string());
        std::fs::write(&path, Picture::new(device.taken).sized(20_000).jpeg()).unwrap();
        device.inbox.announce(RootId(0), &path, Cause::Closed);
    }

    /// Buckets of what has been stored since the last call, and when after the start.
    pub(crate) fn stored(&mut self) -> Vec<(usize, Duration)> {
        std::iter::from_fn(|| self.events.try_recv().ok())
            .map(|event| {
                let number = event.bucket.trim_start_matches("site");
                let number = number.trim_end_matches("-image").parse().unwrap();
                let at = event.at.duration_since(self.start.into()).unwrap();
                (number, at)
            })
            .collect()
    }

    /// Slots that are taken, by the control bucket's own word.
    pub(crate) fn slots_taken(&self) -> usize {
        let objects = self.control.objects();
        objects
            .iter()
            .filter(|object| object.key.starts_with("slots/"))
            .count()
    }

    pub(crate) async fn end_all(&mut self) {
        for number in 0..self.devices.len() {
            if self.devices[number].running.is_some() {
                self.end(number).await.unwrap();
            }
        }
    }
}

/// The configuration of a device.
pub(crate) fn config(folder: &tempfile::TempDir, number: usize, settings: &str) -> Config {
    use std::os::unix::fs::PermissionsExt as _;
    let keys = folder.path().join("keys.toml");
    let text = "access_key_id = \"weir\"\nsecret_access_key = \"weir-secret\"\n";
    std::fs::write(&keys, text).unwrap();
    std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o600)).unwrap();
    let file = folder.path().join("weir.toml");
    let text = format!(
        "[state]\ndirectory = \"state\"\n[[site]]\nname = \"site{number}\"\ndirectory = \"camera\"\n\
         [store]\nendpoint = \"http://127.0.0.1:1\"\ncredentials_file = \"keys.toml\"\n\
         [daemon]\nlisten = \"\"\n[retain]\nmin_free = \"0%\"\nmin_free_inodes = \"0%\"\n\
         [pipeline]\ngate = \"s3\"\ncontrol_bucket = \"{CONTROL}\"\n{settings}"
    );
    std::fs::write(&file, text).unwrap();
    Config::load(Some(&file), []).unwrap_or_else(|faults| panic!("{faults}"))
}
