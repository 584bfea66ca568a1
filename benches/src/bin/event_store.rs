//! The embedded store, telling on its standard output when each object was stored.
//!
//! The first line is its endpoint; then one line an object: `NANOSECONDS BUCKET/KEY`, by the system's clock, taken
//! when the object was complete and before the client was answered.
//!
//! ```text
//! cargo run --release -p weir-benches --bin event_store -- --bucket bench-image
//! ```

use std::error::Error;
use std::io::Write as _;
use std::net::SocketAddr;
use std::time::UNIX_EPOCH;

use clap::Parser;
use tokio::net::TcpListener;
use weir_store::Store;

/// An S3 in memory that tells when each object was stored.
#[derive(Parser)]
struct Arguments {
    /// Address to listen on; port 0 takes a free one, which is printed.
    #[arg(long, default_value = "127.0.0.1:0")]
    address: SocketAddr,
    /// Bucket to make; can be given more than once.
    #[arg(long)]
    bucket: Vec<String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let store = Store::memory().discard_bodies(true).open()?;
    for bucket in &arguments.bucket {
        store.create_bucket(bucket).await?;
    }
    let mut events = store.subscribe();
    let server = store.serve(TcpListener::bind(arguments.address).await?)?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", server.endpoint())?;
    out.flush()?;
    while let Some(event) = events.recv().await {
        let at = event.at.duration_since(UNIX_EPOCH)?.as_nanos();
        writeln!(out, "{at} {}/{}", event.bucket, event.key)?;
        out.flush()?;
    }
    Ok(())
}
