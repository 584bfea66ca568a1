//! Serves an embedded store over TCP, for demos and for clients in other languages.
//!
//! ```text
//! cargo run -p weir-store --example serve -- --addr 127.0.0.1:9000 --dir ./objects --bucket site1-image
//! ```

use std::error::Error;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use weir_store::Store;
use weir_store::faults::Rule;

/// An S3 service for demos and tests.
#[derive(Parser)]
struct Arguments {
    /// Address to listen on; port 0 takes a free one, which is printed.
    #[arg(long, default_value = "127.0.0.1:0")]
    addr: SocketAddr,
    /// Keep objects in this directory; in memory without it.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// JSON file with a list of fault rules.
    #[arg(long)]
    faults: Option<PathBuf>,
    /// Bucket to make; can be given more than once.
    #[arg(long)]
    bucket: Vec<String>,
    /// A PUT into an unknown bucket makes it.
    #[arg(long)]
    auto_create_buckets: bool,
    /// Ignore If-Match and If-None-Match, as some stores do.
    #[arg(long)]
    no_conditional_writes: bool,
    #[arg(long, default_value = "weir")]
    access_key: String,
    #[arg(long, default_value = "weir-secret")]
    secret_key: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let rules: Vec<Rule> = match &arguments.faults {
        Some(path) => serde_json::from_slice(&std::fs::read(path)?)?,
        None => Vec::new(),
    };
    let store = arguments
        .dir
        .map_or_else(Store::memory, Store::directory)
        .credentials(arguments.access_key, arguments.secret_key)
        .auto_create_buckets(arguments.auto_create_buckets)
        .conditional_writes(!arguments.no_conditional_writes)
        .open()?;
    for bucket in &arguments.bucket {
        store.create_bucket(bucket).await?;
    }
    store.faults().set(rules);
    let server = store.serve(tokio::net::TcpListener::bind(arguments.addr).await?)?;
    println!("{}", server.endpoint());
    std::io::stdout().flush()?;
    tokio::signal::ctrl_c().await?;
    server.stop(Duration::from_secs(5)).await;
    Ok(())
}
