//! What a long backlog costs: a queue of 10 rows and one of 1,000,000 (or `-- ROWS`), measured alike.
//!
//! `cargo run --release -p weir --example queue_million`
//!
//! Prints for each the time to open, the memory of the process (`VmRSS`, `VmHWM`), the latency of 1,000
//! claims with their durable commit, of the claims' own statements without it, and of the counts.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rusqlite::Connection;
use weir::queue::{Order, Queue, SiteId};

/// Claims that are measured.
const CLAIMS: usize = 1000;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, dir, rows] = arguments.as_slice()
        && mode == "measure"
    {
        return runtime()?.block_on(measure(Path::new(dir), rows.parse()?));
    }
    let rows = arguments
        .first()
        .map_or(Ok(1_000_000), |rows| rows.parse())?;
    for rows in [10, rows] {
        let dir = tempfile::tempdir()?;
        runtime()?.block_on(fill(dir.path(), rows))?;
        // A process of its own, so that filling leaves no trace in the memory that is measured.
        let status = std::process::Command::new(std::env::current_exe()?)
            .args(["measure".as_ref(), dir.path().as_os_str()])
            .arg(rows.to_string())
            .status()?;
        anyhow::ensure!(status.success(), "the measurement failed");
    }
    Ok(())
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?)
}

/// Fills a queue of one site, a commit for 10,000 rows.
async fn fill(dir: &Path, rows: u32) -> anyhow::Result<()> {
    let opened = Queue::open(dir.to_owned(), chrono::Utc::now()).await?;
    let SiteId(site) = opened.queue.site_id("first-dam".parse()?).await?;
    drop(opened);
    let mut conn = Connection::open(dir.join("queue.db"))?;
    let mut first = 0;
    while first < rows {
        let next = rows.min(first + 10_000);
        let tx = conn.transaction()?;
        {
            let mut image = tx.prepare_cached(
                "INSERT INTO images (site, sha256, path, size, device, inode, mtime_ns, ctime_ns, format, \
                 captured_ms, offset_s, capture, accepted_ms, state, unsure) \
                 VALUES (?1, randomblob(32), ?2, 350000, 1, ?3, 1, 2, 0, ?3 * 3600000, -25200, ?4, 0, 0, 0)",
            )?;
            let mut seen = tx.prepare_cached(
                "INSERT INTO seen (path, site, size, device, inode, mtime_ns, ctime_ns, image, at_ms) \
                 VALUES (?2, ?1, 350000, 1, ?3, 1, 2, last_insert_rowid(), 0)",
            )?;
            for number in first..next {
                let path =
                    format!("/srv/camera/2024/08/image_capture_{number:08}.jpg").into_bytes();
                image.execute((
                    site,
                    &path,
                    number,
                    r#"{"source":"exif","precision":"second"}"#,
                ))?;
                seen.execute((site, &path, number))?;
            }
        }
        tx.commit()?;
        first = next;
    }
    Ok(())
}

async fn measure(dir: &Path, rows: u32) -> anyhow::Result<()> {
    let begun = Instant::now();
    let queue = Queue::open(dir.to_owned(), chrono::Utc::now()).await?.queue;
    println!("{rows} rows");
    println!("  open                 {:?}", begun.elapsed());
    println!("  memory after opening {}", memory()?);
    let site = queue.site_id("first-dam".parse()?).await?;

    let mut durable = Vec::new();
    for _ in 0..CLAIMS.min(rows as usize / 2) {
        let begun = Instant::now();
        let claimed = queue
            .claim(site, Order::Freshest, 1, |image| {
                ("bucket".into(), image.sha256.to_string())
            })
            .await?;
        durable.push(begun.elapsed());
        anyhow::ensure!(claimed.len() == 1, "nothing was left to claim");
    }
    println!("  claim, durable       {}", spread(durable));
    let begun = Instant::now();
    let stats = queue.view().stats().await?;
    println!(
        "  counts               {:?} ({} site)",
        begun.elapsed(),
        stats.sites.len()
    );
    let begun = Instant::now();
    queue.view().ready().await?;
    println!("  sites with something {:?}", begun.elapsed());
    println!("  memory at the end    {}", memory()?);
    drop(queue);

    // The same claims with `synchronous=OFF`: the index step and the row, without the disk.
    let conn = Connection::open(dir.join("queue.db"))?;
    conn.pragma_update(None, "synchronous", 0)?;
    conn.pragma_update(None, "cache_size", -2048)?;
    let mut bare = Vec::new();
    for _ in 0..CLAIMS.min(rows as usize / 2) {
        let begun = Instant::now();
        let id: i64 = conn
            .prepare_cached(
                "SELECT id FROM images INDEXED BY images_open WHERE site = ?1 AND state = 0 AND urgency = 0 \
                 ORDER BY captured_ms DESC, id DESC LIMIT 1",
            )?
            .query_row([site.0], |row| row.get(0))?;
        conn.prepare_cached("UPDATE images SET state = 2 WHERE id = ?1 AND state = 0")?
            .execute([id])?;
        bare.push(begun.elapsed());
    }
    println!("  claim, without fsync {}", spread(bare));
    Ok(())
}

fn spread(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    format!("p50 {:?}, p99 {:?}, max {:?}", at(50), at(99), at(100))
}

/// `VmRSS` and `VmHWM` of this process.
fn memory() -> anyhow::Result<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = |name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .map(str::trim)
    };
    let now = line("VmRSS:").context("no VmRSS")?;
    let peak = line("VmHWM:").context("no VmHWM")?;
    Ok(format!("{now}, at most {peak}"))
}
