//! The way to the store, one layer after the other: name, connection, TLS, answers.
//!
//! No request here is signed and no bucket is named, so that what is found is the link's alone.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta};
use http_body_util::Empty;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::finding::{Check, Finding};
use super::tls;
use crate::clock::Clock;
use crate::config::{Config, Endpoint};

/// Requests whose median is told.
const ASKED: usize = 5;
/// Beyond this uploads work and are a test of patience.
const SLOW: Duration = Duration::from_secs(2);
/// Longest wait for an answer to a request without a body.
const ANSWER: Duration = Duration::from_secs(20);

/// Where the store is, as far as the link is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
}

impl Target {
    /// Of a configured endpoint, or of AWS in this region.
    pub(super) fn of(endpoint: Option<&Endpoint>, region: &str) -> Self {
        let uri = endpoint.and_then(|endpoint| endpoint.as_str().parse::<http::Uri>().ok());
        match uri {
            Some(uri) => {
                let tls = uri.scheme_str() != Some("http");
                let host = uri.host().unwrap_or_default();
                Self {
                    tls,
                    host: host.trim_matches(['[', ']']).to_owned(),
                    port: uri.port_u16().unwrap_or(if tls { 443 } else { 80 }),
                }
            }
            // <https://docs.aws.amazon.com/general/latest/gr/s3.html>
            None => {
                let end = if region.starts_with("cn-") { ".cn" } else { "" };
                Self {
                    tls: true,
                    host: format!("s3.{region}.amazonaws.com{end}"),
                    port: 443,
                }
            }
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, .. } = self;
        if host.contains(':') {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

/// What asking the link showed.
#[derive(Debug, Default)]
pub(super) struct Link {
    pub(super) findings: Vec<Finding>,
    /// Whether requests get answers at all.
    pub(super) works: bool,
    /// How far the store's clock is ahead of ours.
    pub(super) ahead: Option<TimeDelta>,
}

/// Checks the way to the store of `config`, each layer only when the one below works.
pub(super) async fn check(config: &Config, clock: &Clock) -> Link {
    let target = Target::of(config.store.endpoint.as_ref(), &config.store.region);
    let mut link = Link::default();
    let patience = config.upload.connect_timeout;
    let Some(addresses) = resolve(&target, patience, &mut link).await else {
        return link;
    };
    let Some(stream) = connect(&target, &addresses, patience, &mut link).await else {
        return link;
    };
    let check = Check::begin("link.tls", &target);
    if !target.tls {
        link.findings
            .push(check.skipped("the endpoint is http://: nothing is encrypted"));
        answers(&target, stream, clock, &mut link).await;
        return link;
    }
    let authorities = config.store.tls_ca_file.clone();
    let shaken = tls::handshake(stream, &target.host, authorities.as_deref());
    match tokio::time::timeout(patience, shaken).await {
        Ok(Ok(stream)) => {
            link.findings.push(check.ok(tls::facts(&stream)));
            answers(&target, stream, clock, &mut link).await;
        }
        Ok(Err(fault)) => {
            let (detail, fix) = fault.told(clock.now());
            link.findings.push(check.fail(detail, fix));
        }
        Err(_) => link.findings.push(check.fail(
            format!("no handshake within {} s", patience.as_secs()),
            "a firewall or proxy on the way swallows TLS: ask who runs the network",
        )),
    }
    link
}

async fn resolve(target: &Target, patience: Duration, link: &mut Link) -> Option<Vec<SocketAddr>> {
    let check = Check::begin("link.name", &target.host);
    let asked = tokio::net::lookup_host((target.host.as_str(), target.port));
    let fix =
        "correct store.endpoint or store.region, or the network's name server (/etc/resolv.conf)";
    let found: Vec<_> = match tokio::time::timeout(patience, asked).await {
        Ok(Ok(found)) => found.collect(),
        Ok(Err(error)) => {
            link.findings
                .push(check.fail(format!("the name does not resolve: {error}"), fix));
            return None;
        }
        Err(_) => {
            let waited = format!(
                "the name server did not answer within {} s",
                patience.as_secs()
            );
            link.findings.push(check.fail(waited, fix));
            return None;
        }
    };
    if found.is_empty() {
        link.findings
            .push(check.fail("the name has no address", fix));
        return None;
    }
    let words: Vec<_> = found.iter().map(|found| found.ip().to_string()).collect();
    link.findings.push(if words == [target.host.clone()] {
        check.ok("an address, no name to resolve")
    } else {
        check.ok(format!("resolves to {}", words.join(", ")))
    });
    Some(found)
}

async fn connect(
    target: &Target,
    addresses: &[SocketAddr],
    patience: Duration,
    link: &mut Link,
) -> Option<TcpStream> {
    let check = Check::begin("link.connect", target);
    let mut refusals = Vec::new();
    for address in addresses {
        let begun = Instant::now();
        let why = match tokio::time::timeout(patience, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                let took = milliseconds(begun.elapsed());
                // Requests without a body would otherwise be measured by Nagle's delay.
                let _ = stream.set_nodelay(true);
                link.findings
                    .push(check.ok(format!("connected to {address} in {took}")));
                return Some(stream);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} s", patience.as_secs()),
        };
        refusals.push(format!("{address}: {why}"));
    }
    link.findings.push(check.fail(
        format!("no connection: {}", refusals.join("; ")),
        "see that the link is up, the store runs, and no firewall is between; what is accepted waits meanwhile",
    ));
    None
}

/// Asks a few times, for the time that it takes and the time that the store tells.
async fn answers<S>(target: &Target, stream: S, clock: &Clock, link: &mut Link)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let check = Check::begin("link.latency", target);
    let mut took = Vec::with_capacity(ASKED);
    let asked = ask_all(target, stream, &mut took, clock, &mut link.ahead);
    let ended = tokio::time::timeout(ANSWER, asked).await;
    took.sort();
    let Some(median) = took.get(took.len() / 2).copied() else {
        let why = match ended {
            Ok(Err(why)) => why,
            _ => format!("no answer within {} s", ANSWER.as_secs()),
        };
        link.findings.push(check.fail(
            format!("connected, but requests get no answer: {why}"),
            "see that store.endpoint is an S3 service (http or https, and its port), and no proxy is between",
        ));
        return;
    };
    link.works = true;
    let detail = format!(
        "answers in {} (median of {})",
        milliseconds(median),
        took.len()
    );
    link.findings.push(if median > SLOW {
        check.warn(
            detail,
            "uploads work, one after the other is slow: raise gate.max_in_flight_per_site",
        )
    } else {
        check.ok(detail)
    });
}

async fn ask_all<S>(
    target: &Target,
    stream: S,
    took: &mut Vec<Duration>,
    clock: &Clock,
    ahead: &mut Option<TimeDelta>,
) -> Result<(), String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let words = |error: hyper::Error| error.to_string();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(words)?;
    let driver = tokio::spawn(connection);
    let asked = async {
        for _ in 0..ASKED {
            let begun = Instant::now();
            let date = ask(&mut sender, target).await?;
            took.push(begun.elapsed());
            *ahead = date.map(|date| date - clock.now()).or(*ahead);
        }
        Ok(())
    };
    let asked = asked.await;
    driver.abort();
    asked
}

/// One HEAD; any answer will do. Gives its `Date`, unless a cache gave the answer.
async fn ask(
    sender: &mut SendRequest<Empty<Bytes>>,
    target: &Target,
) -> Result<Option<DateTime<chrono::Utc>>, String> {
    let request = http::Request::head("/")
        .header(http::header::HOST, target.to_string())
        .header(
            http::header::USER_AGENT,
            concat!("weir/", env!("CARGO_PKG_VERSION")),
        )
        .body(Empty::new())
        .map_err(|error| error.to_string())?;
    let ready = sender.ready().await;
    ready.map_err(|error| error.to_string())?;
    let answer = sender.send_request(request).await;
    let answer = answer.map_err(|error| error.to_string())?;
    let headers = answer.headers();
    let date = headers
        .get(http::header::DATE)
        .filter(|_| !headers.contains_key(http::header::AGE))
        .and_then(|date| date.to_str().ok())
        .and_then(|date| DateTime::parse_from_rfc2822(date).ok());
    Ok(date.map(|date| date.to_utc()))
}

fn milliseconds(of: Duration) -> String {
    format!("{:.1} ms", of.as_secs_f64() * 1000.0)
}

/// An I/O error in the words of its innermost cause.
pub(super) fn words(error: &io::Error) -> String {
    error
        .get_ref()
        .map_or_else(|| error.to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_host_and_port() {
        let of = |endpoint: &str| {
            let endpoint: Endpoint = endpoint.parse().unwrap();
            Target::of(Some(&endpoint), "x").to_string()
        };
        assert_eq!(of("http://127.0.0.1:9000"), "127.0.0.1:9000");
        assert_eq!(of("http://host"), "host:80");
        assert_eq!(of("https://s3.example.org"), "s3.example.org:443");
        assert_eq!(of("https://[::1]:9000"), "[::1]:9000");
        assert_eq!(
            Target::of(None, "us-west-1").host,
            "s3.us-west-1.amazonaws.com"
        );
        assert_eq!(
            Target::of(None, "cn-north-1").host,
            "s3.cn-north-1.amazonaws.com.cn"
        );
    }
}
