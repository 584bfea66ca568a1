//! An S3 that reads every body and forgets it, so that a measurement shows what the client costs.
//!
//! It keeps of each object what a client asks back to prove its upload: size, ETag, checksum and metadata. It
//! checks neither signatures nor checksums, lists every bucket as empty, honours `If-None-Match: *`, and runs on
//! one thread. `GET /-/BUCKET` tells how many objects and bytes a bucket has taken, as JSON.
//!
//! ```text
//! cargo run --release -p weir-benches --bin null_server -- 127.0.0.1:0
//! ```

use std::cell::RefCell;
use std::collections::HashMap;
use std::convert::Infallible;
use std::io::Write as _;
use std::net::SocketAddr;
use std::rc::Rc;

use bytes::Bytes;
use clap::Parser;
use http::header::{
    CONTENT_LENGTH, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, LAST_MODIFIED,
};
use http::{Method, Request, Response, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

/// Headers that come back as they were sent.
const KEPT: [&str; 5] = [
    "content-type",
    "x-amz-checksum-sha256",
    "x-amz-checksum-crc32",
    "x-amz-checksum-crc32c",
    "x-amz-checksum-crc64nvme",
];
const NOTHING_LISTED: &str = r#"<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>false</IsTruncated><KeyCount>0</KeyCount><MaxKeys>1000</MaxKeys></ListBucketResult>"#;
const TAKEN: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Error><Code>PreconditionFailed</Code><Message>The key is taken</Message></Error>"#;
const ABSENT: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Error><Code>NoSuchKey</Code><Message>There is no such key</Message></Error>"#;
/// All objects are as old as this; no client here looks at it.
const SOME_DAY: &str = "Sat, 01 Nov 2025 00:00:00 GMT";

/// Takes every object and keeps none.
#[derive(Parser)]
struct Arguments {
    /// Address to listen on; port 0 takes a free one, which is printed.
    #[arg(default_value = "127.0.0.1:0")]
    address: SocketAddr,
}

/// What is kept of an object.
struct Object {
    size: u64,
    headers: HeaderMap,
}

/// Buckets by name, objects by key.
type Buckets = Rc<RefCell<HashMap<String, HashMap<String, Object>>>>;

type Answer = Response<Full<Bytes>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind(Arguments::parse().address).await?;
    println!("http://{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    tokio::task::LocalSet::new()
        .run_until(accept(listener))
        .await
}

async fn accept(listener: TcpListener) -> std::io::Result<()> {
    let buckets = Buckets::default();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let buckets = Rc::clone(&buckets);
        tokio::task::spawn_local(async move {
            let answer = service_fn(move |request| answer(Rc::clone(&buckets), request));
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), answer);
            // A client that goes away in the middle of a request is its own measurement's trouble.
            let _ = connection.await;
        });
    }
}

async fn answer(buckets: Buckets, request: Request<Incoming>) -> Result<Answer, Infallible> {
    let (head, body) = request.into_parts();
    // Read to its end whatever the answer will be: the connection is used again.
    let Some(size) = swallow(body).await else {
        return Ok(plain(StatusCode::BAD_REQUEST, "the body broke off"));
    };
    let path = head.uri.path().trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let query = head.uri.query().unwrap_or_default();
    Ok(match (&head.method, bucket, key) {
        (&Method::GET, "-", bucket) => plain(StatusCode::OK, count(&buckets, bucket)),
        (&Method::PUT, _, key) if !key.is_empty() && !query.contains("uploadId") => {
            put(&buckets, (bucket, key), &head.headers, size)
        }
        (&Method::HEAD, _, key) if !key.is_empty() => look(&buckets, bucket, key),
        (&Method::GET, _, "") if query.contains("location") => plain(
            StatusCode::OK,
            r#"<?xml version="1.0" encoding="UTF-8"?><LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">us-west-1</LocationConstraint>"#,
        ),
        (&Method::GET, _, "") => plain(StatusCode::OK, NOTHING_LISTED),
        (&Method::PUT | &Method::HEAD, _, "") => plain(StatusCode::OK, ""),
        (&Method::GET, _, _) => plain(StatusCode::NOT_FOUND, ABSENT),
        _ => plain(StatusCode::NOT_IMPLEMENTED, ""),
    })
}

/// The length of a body, once all of it has come; `None` when it broke off.
async fn swallow(mut body: Incoming) -> Option<u64> {
    let mut size = 0;
    while !body.is_end_stream() {
        match body.frame().await {
            Some(Ok(frame)) => size += frame.data_ref().map_or(0, |data| data.len() as u64),
            Some(Err(_)) => return None,
            None => break,
        }
    }
    Some(size)
}

fn put(buckets: &Buckets, (bucket, key): (&str, &str), sent: &HeaderMap, size: u64) -> Answer {
    let mut buckets = buckets.borrow_mut();
    let objects = buckets.entry(bucket.to_owned()).or_default();
    if sent.contains_key(IF_NONE_MATCH) && objects.contains_key(key) {
        return plain(StatusCode::PRECONDITION_FAILED, TAKEN);
    }
    // A body sent in signed chunks is longer than what it carries.
    let size = sent
        .get("x-amz-decoded-content-length")
        .and_then(|text| text.to_str().ok()?.parse().ok())
        .unwrap_or(size);
    let mut headers = HeaderMap::new();
    for (name, value) in sent {
        let kept = KEPT.contains(&name.as_str()) || name.as_str().starts_with("x-amz-meta-");
        // Copied: the value is a view into the connection's buffer, and would keep all of that.
        if let Some(value) = kept
            .then(|| HeaderValue::from_bytes(value.as_bytes()).ok())
            .flatten()
        {
            headers.insert(name.clone(), value);
        }
    }
    headers.insert(ETAG, etag(sent));
    let mut answer = plain(StatusCode::OK, "");
    answer.headers_mut().extend(headers.clone());
    objects.insert(key.to_owned(), Object { size, headers });
    answer
}

/// The MD5 that the client says its body has, since some compare; without one, a text that no client takes for
/// an MD5.
fn etag(sent: &HeaderMap) -> HeaderValue {
    let md5 = sent
        .get("content-md5")
        .and_then(|text| base64(text.as_bytes()));
    let text = match md5 {
        Some(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        None => "not-an-md5-1".to_owned(),
    };
    HeaderValue::from_str(&format!("\"{text}\"")).unwrap_or(HeaderValue::from_static("\"1\""))
}

/// Decodes standard base64 with its padding.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for digit in text.iter().take_while(|digit| **digit != b'=') {
        bits = bits << 6 | DIGITS.iter().position(|known| known == digit)? as u32;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    Some(bytes)
}

fn look(buckets: &Buckets, bucket: &str, key: &str) -> Answer {
    let buckets = buckets.borrow();
    let Some(object) = buckets.get(bucket).and_then(|objects| objects.get(key)) else {
        return plain(StatusCode::NOT_FOUND, "");
    };
    let mut answer = plain(StatusCode::OK, "");
    answer.headers_mut().extend(object.headers.clone());
    answer
        .headers_mut()
        .insert(CONTENT_LENGTH, object.size.into());
    answer
}

fn count(buckets: &Buckets, bucket: &str) -> String {
    let buckets = buckets.borrow();
    let objects = buckets.get(bucket);
    let bytes: u64 = objects
        .into_iter()
        .flat_map(HashMap::values)
        .map(|object| object.size)
        .sum();
    serde_json::json!({ "objects": objects.map_or(0, HashMap::len), "bytes": bytes }).to_string()
}

fn plain(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(text.into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(LAST_MODIFIED, HeaderValue::from_static(SOME_DAY));
    headers.insert(
        HeaderName::from_static("x-amz-request-id"),
        HeaderValue::from_static("null"),
    );
    answer
}
