//! The main job on one machine and without an account: a camera, the agent, and an S3 store in a folder.
//!
//! ```text
//! cargo run --release -p weir --example demo -- --images 20 --every 1
//! ```
//!
//! The camera and its pictures are made up, and the store is the embedded one of `weir-store`, on loopback. The agent
//! is the real one: `weir run` calls the same function. Stop it half-way and run it again with the same `--dir`: what
//! is owed goes up, and what was stored is not sent twice. `RUST_LOG=info` shows the agent's own log.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use anyhow::{bail, ensure};
use chrono::{NaiveDate, TimeDelta};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio::time::{Instant, interval, interval_at, sleep};
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
    let (camera, objects) = (dir.join("camera"), dir.join("objects"));
    fs::create_dir_all(&camera)?;
    let store = Store::directory(&objects).open()?;
    store.create_bucket(BUCKET).await?;
    let server = store.serve(TcpListener::bind("127.0.0.1:0").await?)?;
    let config = configure(&dir, &store, &server).await?;
    if std::env::var_os("RUST_LOG").is_some() {
        weir::logging::begin(weir::logging::Format::Text);
    }
    println!(
        "camera  {}\nstore   {}",
        camera.display(),
        server.endpoint()
    );
    if let Some(address) = config.daemon.listen {
        println!("agent   http://{address}/status (or /metrics, /health) while it runs\n");
    }

    let stop = CancellationToken::new();
    let world = weir::World::real(&config)?;
    let mut agent = tokio::spawn(weir::run(config, world, stop.clone()));
    let mut stored = store.subscribe();
    let every = Duration::try_from_secs_f64(arguments.every)?.max(Duration::from_millis(1));
    let mut shutter = interval_at(Instant::now() + every, every);
    let mut interrupted = pin!(tokio::signal::ctrl_c());
    let mut look = interval(Duration::from_millis(100));
    let mut taken = fs::read_dir(&camera)?.count() as u64;
    let all = taken + arguments.images;
    let bar = ProgressBar::new(all).with_style(ProgressStyle::with_template(
        "{bar:40} {pos} of {len} images verified",
    )?);
    while bar.position() < all {
        tokio::select! {
            _ = shutter.tick(), if taken < all => {
                let name = take_picture(&camera, taken).await?;
                bar.suspend(|| println!("taken   {name}"));
                taken += 1;
            }
            Some(object) = stored.recv() => {
                bar.suspend(|| println!("stored  s3://{}/{}", object.bucket, object.key));
            }
            _ = look.tick() => bar.set_position(verified(&dir.join("state")).await?),
            _ = &mut interrupted => break,
            ended = &mut agent => {
                ended??;
                bail!("the agent ended, and nobody asked it to");
            }
        }
    }
    bar.finish_and_clear();
    stop.cancel();
    agent.await??;
    server.stop(Duration::from_secs(5)).await;

    compare(&camera, &store, verified(&dir.join("state")).await?)?;
    let (objects, config) = (objects.join(BUCKET), dir.join("weir.toml"));
    println!("\nobjects  {}", objects.display());
    println!(
        "queue    cargo run --release -p weir -- --config {} queue list",
        config.display()
    );
    println!("again    scripts/demo --dir {}", dir.display());
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
async fn take_picture(camera: &Path, n: u64) -> anyhow::Result<String> {
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
    sleep(Duration::from_millis(50)).await;
    file.write_all(other)?;
    Ok(name)
}

/// How many images the queue has down as verified.
async fn verified(state: &Path) -> anyhow::Result<u64> {
    // Until the agent has made its tables there is nothing to read.
    let Ok(view) = View::open(state.to_owned()).await else {
        return Ok(0);
    };
    let sites = view.stats().await?.sites;
    let counts = sites
        .values()
        .filter_map(|site| site.states.get(&State::Verified));
    Ok(counts.map(|count| count.images).sum())
}

/// Compares files and objects, and trusts neither the agent nor its queue.
fn compare(camera: &Path, store: &Store, verified: u64) -> anyhow::Result<()> {
    let mut files = BTreeSet::new();
    for file in fs::read_dir(camera)? {
        files.insert(
            weir_journey::identity::Sha256(Sha256::digest(fs::read(file?.path())?).into())
                .to_string(),
        );
    }
    let objects: Vec<_> = store
        .objects()
        .into_iter()
        .map(|object| object.sha256)
        .collect();
    let distinct: BTreeSet<_> = objects.iter().cloned().collect();
    println!(
        "{} pictures, {verified} verified, {} objects in the bucket",
        files.len(),
        objects.len()
    );
    ensure!(distinct.len() == objects.len(), "an image was stored twice");
    ensure!(
        distinct.is_subset(&files),
        "an object is not what the camera wrote"
    );
    ensure!(
        objects.len() as u64 >= verified,
        "an image is verified and not stored"
    );
    println!("every object equals the camera's file (SHA-256), each is there once");
    Ok(())
}
