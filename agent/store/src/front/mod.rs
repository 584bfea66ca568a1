//! What both entrances share: counting, faults, the clock's judgement, and the headers of every answer.

mod age;
mod metered;

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use s3s::service::S3Service;
use s3s::{Body, S3Error};

use self::metered::Metered;
use crate::clock::Clock;
use crate::faults::{Action, Cut, Faults, Lie, falsify, refusal};
use crate::request::{Operation, Target};
use crate::stats::{Entry, Ledger};

/// The S3 service with everything around it; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Front {
    pub(crate) s3: S3Service,
    pub(crate) faults: Faults,
    pub(crate) ledger: Ledger,
    pub(crate) clock: Clock,
}

impl Front {
    /// Answers one request, or says that its connection is to be closed. May never return, if the script says so.
    pub(crate) async fn call(&self, request: Request<Body>) -> Result<Response<Body>, Cut> {
        let (head, body) = request.into_parts();
        let target = Target::of(&head);
        let fault = self.faults.decide(&target);
        let mut entry = self.ledger.begin(&target, fault, self.clock.now());
        let off_by = match fault {
            Some(Action::ClockOff { seconds }) => seconds,
            _ => 0,
        };
        let is_head = head.method == Method::HEAD;
        let body = Metered::new(body, rate(fault)).counted(self.ledger.clone());
        let answer = self
            .play(&mut entry, fault, &target, head, body, off_by)
            .await?;
        let answer = finish(
            answer,
            is_head,
            self.clock.now_off_by(off_by),
            entry.number(),
        );
        entry.answered(answer.status(), answer.body().size_hint().lower());
        Ok(match rate(fault) {
            Some(rate) => answer.map(|body| Body::http_body(Metered::new(body, Some(rate)))),
            None => answer,
        })
    }

    async fn play(
        &self,
        entry: &mut Entry,
        fault: Option<Action>,
        target: &Target,
        head: Parts,
        body: Metered,
        off_by: i64,
    ) -> Result<Response<Body>, Cut> {
        match fault {
            Some(Action::Error(error)) => {
                swallow(body, u64::MAX).await;
                Ok(error_answer(refusal(error)))
            }
            Some(Action::Hang) => {
                swallow(body, u64::MAX).await;
                std::future::pending().await
            }
            Some(Action::Cut { after_bytes }) => {
                swallow(body, after_bytes).await;
                Err(Cut)
            }
            Some(Action::LostAnswer) => {
                self.serve(entry, head, body, off_by).await?;
                Err(Cut)
            }
            Some(Action::WrongEtag) => {
                lie(
                    Lie::Etag,
                    target,
                    self.serve(entry, head, body, off_by).await?,
                )
                .await
            }
            Some(Action::WrongChecksum) => {
                lie(
                    Lie::Checksum,
                    target,
                    self.serve(entry, head, body, off_by).await?,
                )
                .await
            }
            Some(Action::Delay { milliseconds }) => {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                self.serve(entry, head, body, off_by).await
            }
            Some(Action::Slow { .. } | Action::ClockOff { .. }) | None => {
                self.serve(entry, head, body, off_by).await
            }
        }
    }

    async fn serve(
        &self,
        entry: &mut Entry,
        head: Parts,
        body: Metered,
        off_by: i64,
    ) -> Result<Response<Body>, Cut> {
        if let Err(error) = age::check(&head, self.clock.now_off_by(off_by)) {
            swallow(body, u64::MAX).await;
            return Ok(error_answer(error));
        }
        let request = Request::from_parts(head, Body::http_body(body));
        let answer = self.s3.call(request).await.map_err(|_| Cut)?;
        entry.served(answer.status());
        Ok(answer)
    }
}

fn rate(fault: Option<Action>) -> Option<u64> {
    match fault {
        Some(Action::Slow { bytes_per_second }) => Some(bytes_per_second),
        _ => None,
    }
}

/// Reads up to `limit` bytes of a body; a client that leaves half-way is no error here.
async fn swallow(mut body: Metered, limit: u64) {
    let mut left = limit;
    while left > 0 {
        let Some(Ok(frame)) = body.frame().await else {
            return;
        };
        let bytes = frame.data_ref().map_or(0, Bytes::len) as u64;
        left = left.saturating_sub(bytes);
    }
}

async fn lie(lie: Lie, target: &Target, answer: Response<Body>) -> Result<Response<Body>, Cut> {
    let (mut head, body) = answer.into_parts();
    let in_xml = matches!(
        target.operation,
        Operation::CompleteMultipartUpload | Operation::CopyObject
    );
    if !in_xml {
        falsify(lie, &mut head.headers, None);
        return Ok(Response::from_parts(head, body));
    }
    let xml = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let xml = falsify(lie, &mut head.headers, Some(xml)).unwrap_or_default();
    head.headers.remove(header::CONTENT_LENGTH);
    Ok(Response::from_parts(head, Body::from(xml)))
}

fn error_answer(error: S3Error) -> Response<Body> {
    error.to_http_response().unwrap_or_else(|_| {
        let mut answer = Response::new(Body::empty());
        *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        answer
    })
}

/// Adds `Date` and a request id, and takes the body away where HTTP has none.
fn finish(
    mut answer: Response<Body>,
    is_head: bool,
    now: SystemTime,
    number: u64,
) -> Response<Body> {
    let date = chrono::DateTime::<chrono::Utc>::from(now)
        .format("%a, %d %b %Y %H:%M:%S GMT")
        .to_string();
    let headers = answer.headers_mut();
    if let Ok(date) = HeaderValue::from_str(&date) {
        headers.insert(header::DATE, date);
    }
    if let Ok(id) = HeaderValue::from_str(&format!("{number:016X}")) {
        headers.insert("x-amz-request-id", id);
    }
    headers.insert(header::SERVER, HeaderValue::from_static("weir-store"));
    if is_head || answer.status() == StatusCode::NOT_MODIFIED {
        *answer.body_mut() = Body::empty();
    }
    answer
}
