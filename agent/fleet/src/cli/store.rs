//! `weir-fleet store`.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use tokio::net::TcpListener;
use weir_store::Store;
use weir_store::faults::Rule;

use super::output::{Manner, json, print};
use super::signals::Ends;
use super::{Failed, args};
use crate::site::home::{bucket, result_bucket};

/// The secret that everybody knows; good enough where nobody else gets in.
const SECRET: &str = "weir-secret";
/// How long requests under way are waited for at the end.
const REST: Duration = Duration::from_secs(5);

/// Serves a store until it is told to end.
///
/// # Errors
/// [`Failed`].
pub(super) fn store(asked: &args::Store, manner: Manner) -> Result<ExitCode, Failed> {
    if !asked.addr.ip().is_loopback() {
        check_public(asked)?;
    }
    let rules = asked.faults.as_deref().map_or(Ok(Vec::new()), rules)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failed::Work(format!("cannot start: {error}")))?;
    runtime.block_on(serve(asked, rules, manner))
}

fn check_public(asked: &args::Store) -> Result<(), Failed> {
    let addr = asked.addr;
    if !asked.public {
        return Err(Failed::Usage(format!(
            "{addr} lets other machines in: add --public if that is meant, or listen on 127.0.0.1"
        )));
    }
    if asked.secret_key.as_deref().is_none_or(|key| key == SECRET) {
        return Err(Failed::usage(
            "--public wants a secret key of your own: set WEIR_FLEET_SECRET_KEY",
        ));
    }
    Ok(())
}

fn rules(path: &Path) -> Result<Vec<Rule>, Failed> {
    let told = |error: &dyn std::fmt::Display| {
        Failed::Usage(format!("--faults {}: {error}", path.display()))
    };
    let text = std::fs::read(path).map_err(|error| told(&error))?;
    serde_json::from_slice(&text).map_err(|error| told(&error))
}

async fn serve(asked: &args::Store, rules: Vec<Rule>, manner: Manner) -> Result<ExitCode, Failed> {
    let mut ends = Ends::listen()
        .map_err(|error| Failed::Work(format!("cannot listen for signals: {error}")))?;
    let secret = asked.secret_key.as_deref().unwrap_or(SECRET);
    let directory = asked.dir.clone();
    let store = directory
        .map_or_else(Store::memory, Store::directory)
        .credentials(&asked.access_key, secret)
        .auto_create_buckets(asked.auto_create_buckets)
        .conditional_writes(!asked.no_conditional_writes)
        .open()
        .map_err(Failed::work)?;
    let of_sites = (1..=asked.sites).flat_map(|site| [bucket(site), result_bucket(site)]);
    let named = asked.bucket.iter().map(ToString::to_string);
    for name in named.chain(of_sites) {
        let made = store.create_bucket(&name).await;
        made.map_err(|error| Failed::Work(format!("cannot make the bucket {name}: {error}")))?;
    }
    store.faults().set(rules);
    let listener = TcpListener::bind(asked.addr)
        .await
        .map_err(|error| Failed::Work(format!("cannot listen on {}: {error}", asked.addr)))?;
    let server = store.serve(listener).map_err(Failed::work)?;
    greet(asked, &server.endpoint(), manner)?;
    ends.next().await;
    server.stop(REST).await;
    Ok(ExitCode::SUCCESS)
}

/// Says where it is, and how it is used. A secret that is not everybody's is not shown.
fn greet(asked: &args::Store, endpoint: &str, manner: Manner) -> Result<(), Failed> {
    let id = &asked.access_key;
    if manner.json {
        return json(&serde_json::json!({ "endpoint": endpoint, "access_key_id": id }));
    }
    let secret = match &asked.secret_key {
        None => SECRET,
        Some(_) => "…",
    };
    let region = "AWS_DEFAULT_REGION=us-west-1";
    print(&format!(
        "{endpoint}\n\
         keys     AWS_ACCESS_KEY_ID={id} AWS_SECRET_ACCESS_KEY={secret}\n\
         weir     WEIR_STORE__ENDPOINT={endpoint} weir check\n\
         aws      {region} aws --endpoint-url {endpoint} s3 ls\n\
         end      Ctrl-C\n"
    ))
}
