//! The main job on one machine and without an account: a camera, the agent, and an S3 store in a folder.
//!
//! ```text
//! cargo run --release -p weir --example demo -- --images 20 --every 1
//! ```
//!
//! The camera and its pictures are made up, and the store is the embedded one of `weir-store`, on loopback. The agent
//! is the real one: `weir run` calls the same function. Stop it half-way and run it again with the same `--dir`: what
//! is owed goes up, and what was stored is not sent twice. `RUST_LOG=info` shows the agent's own log.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{bail, ensure};
use chrono::{NaiveDate, TimeDelta};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, interval, interval_at};
use tokio_util::sync::CancellationToken;
use weir::config::Config;
use weir::queue::View;
use weir_journey::fixtures::Picture;
use weir_journey::queue::State;
use weir_store::{Server, Store};

const BUCKET: &str = "first-dam-image";

/// Runs a camera site on this machine: camera, agent and store.
#[derive(Parser)]
struct Arguments {
    /// Pictures that the camera takes.
    #[arg(long, default_value_t = 20)]
    images: u64,
    /// Seconds from one picture to the next.
    #[arg(long, default_value_t = 1.0)]
    every: f64,
    /// Work in this folder; without it in a new one among the system's temporary files. It is left there.
    #[arg(long)]
    dir: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let dir = match &arguments.dir {
        Some(dir) => std::path::absolute(dir)?,
        None => tempfile::Builder::new()
            .prefix("weir-demo-")
            .tempdir()?
            .keep(),
    };
    fs::create_dir_all(dir.join("camera"))?;
    let store = Store::directory(dir.join("objects")).open()?;
    store.create_bucket(BUCKET).await?;
    let server = store.serve(TcpListener::bind("127.0.0.1:0").await?)?;
    let config = configure(&dir, &store, &server).await?;
    if std::env::var_os("RUST_LOG").is_some() {
        weir::logging::begin(weir::logging::Format::Text);
    }
    println!("store  {}", server.endpoint());
    if let Some(address) = config.daemon.listen {
        println!("agent  http://{address}/status (also /metrics and /health), while this runs\n");
    }

    let stop = CancellationToken::new();
    let world = weir::World::real(&config)?;
    let mut agent = tokio::spawn(weir::run(config, world, stop.clone()));
    tokio::select! {
        done = take_and_show(&dir, &store, &arguments) => done?,
        _ = tokio::signal::ctrl_c() => println!("stopping"),
        ended = &mut agent => {
            ended??;
            bail!("the agent ended, and nobody asked it to");
        }
    }
    stop.cancel();
    agent.await??;
    server.stop(Duration::from_secs(5)).await;

    let (verified, stored) = (verified(&dir).await?, compare(&dir, &store)?);
    println!(
        "\n{verified} pictures verified; {stored} objects, each equal to its picture byte by byte"
    );
    println!("objects  {}", dir.join("objects").join(BUCKET).display());
    let config = dir.join("weir.toml");
    println!(
        "queue    cargo run --release -p weir -- --config {} queue list",
        config.display()
    );
    println!("again    scripts/demo --dir {}", dir.display());
    Ok(())
}

/// Has the camera take its pictures, and tells what happens, until the queue has all of them down as verified.
async fn take_and_show(dir: &Path, store: &Store, arguments: &Arguments) -> anyhow::Result<()> {
    let every = Duration::try_from_secs_f64(arguments.every)?.max(Duration::from_millis(1));
    let mut shutter = interval_at(Instant::now() + every, every);
    let mut look = interval(Duration::from_millis(100));
    let mut stored = store.subscribe();
    let mut taken = fs::read_dir(dir.join("camera"))?.count() as u64;
    let all = taken + arguments.images;
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} pictures verified")?;
    let bar = ProgressBar::new(all).with_style(style);
    while bar.position() < all {
        tokio::select! {
            _ = shutter.tick(), if taken < all => {
                let camera = dir.join("camera");
                let name = spawn_blocking(move || take_picture(&camera, taken)).await??;
                taken += 1;
                bar.suspend(|| println!("taken   {name}"));
            }
            Some(object) = stored.recv() => {
                bar.suspend(|| println!("stored  s3://{}/{}", object.bucket, object.key));
            }
            _ = look.tick() => bar.set_position(verified(dir).await?),
        }
    }
    bar.finish_and_clear();
    Ok(())
}

/// Writes the configuration that `weir run` would be given, and loads it.
async fn configure(dir: &Path, store: &Store, server: &Server) -> anyhow::Result<Config> {
    let (access_key, secret_key) = store.credentials();
    let mut private = fs::OpenOptions::new();
    private.write(true).create(true).truncate(true).mode(0o600);
    let mut keys = private.open(dir.join("keys"))?;
    writeln!(
        keys,
        "access_key_id = {access_key}\nsecret_access_key = {secret_key}"
    )?;
    // A port that is free now; the agent takes it a moment later.
    let listen = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let endpoint = server.endpoint();
    let text = format!(
        "[state]\ndirectory = \"state\"\n\n\
         [[site]]\nname = \"first-dam\"\ndirectory = \"camera\"\ntimezone = \"Etc/GMT+7\"\n\n\
         [store]\nendpoint = \"{endpoint}\"\ncredentials_file = \"keys\"\n\n\
         [daemon]\nlisten = \"{listen}\"\n"
    );
    let path = dir.join("weir.toml");
    fs::write(&path, text)?;
    Ok(Config::load(Some(&path), [])?)
}

/// Takes the `n`th picture, one an hour, and writes it in two halves, as cameras do.
fn take_picture(camera: &Path, n: u64) -> anyhow::Result<String> {
    let first = NaiveDate::from_ymd_opt(2024, 8, 9).and_then(|day| day.and_hms_opt(14, 30, 0));
    let at = first.unwrap_or_default() + TimeDelta::hours(i64::try_from(n)?);
    let name = at.format("image_capture_%Y-%m-%d_%H-%M-%S.jpg").to_string();
    let picture = Picture::new(n)
        .taken(&at.format("%Y:%m:%d %H:%M:%S").to_string())
        .sized(350_000)
        .jpeg();
    let (one, other) = picture.split_at(picture.len() / 2);
    let mut file = fs::File::create(camera.join(&name))?;
    file.write_all(one)?;
    std::thread::sleep(Duration::from_millis(50));
    file.write_all(other)?;
    Ok(name)
}

/// How many images the queue has down as verified.
async fn verified(dir: &Path) -> anyhow::Result<u64> {
    // Until the agent has made its tables there is nothing to read.
    let Ok(view) = View::open(dir.join("state")).await else {
        return Ok(0);
    };
    let sites = view.stats().await?.sites;
    let counts = sites
        .values()
        .filter_map(|site| site.states.get(&State::Verified));
    Ok(counts.map(|count| count.images).sum())
}

/// Compares every object with the picture of its name, byte by byte, and trusts neither the agent nor its queue.
fn compare(dir: &Path, store: &Store) -> anyhow::Result<usize> {
    let objects = store.objects();
    for object in &objects {
        let name = object.key.rsplit('/').next().unwrap_or_default();
        let stored = fs::read(dir.join("objects").join(BUCKET).join(&object.key))?;
        let taken = fs::read(dir.join("camera").join(name))?;
        ensure!(stored == taken, "{name} is not what the camera wrote");
    }
    Ok(objects.len())
}
