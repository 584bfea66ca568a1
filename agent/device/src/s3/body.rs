//! A range of a file as the body of a request: read in pieces, paced, counted.
//!
//! Memory: one piece of at most 112 KiB here, and the few that the connection has not written yet.

use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::limiter::Limiter;
use super::source::Source;
use super::stall::Watch;
use crate::gate::Validity;

/// What paces and counts the bytes of one request.
#[derive(Debug, Clone)]
pub(super) struct Meter {
    pub(super) limiter: Arc<Limiter>,
    pub(super) watch: Arc<Watch>,
    /// Bytes handed to connections, for whoever shows progress or keeps a budget.
    pub(super) sent: Arc<AtomicU64>,
    /// Until when anything may be handed to them.
    pub(super) validity: Validity,
}

/// The local file failed; what happened is kept in the [`Source`].
#[derive(Debug, thiserror::Error)]
#[error("the local file could not be read, or may be sent no longer")]
struct SourceBroke;

type NextPiece = Pin<Box<dyn Future<Output = Result<Bytes, SourceBroke>> + Send + Sync>>;

struct FileBody {
    source: Arc<Source>,
    meter: Meter,
    rest: Range<u64>,
    next: Option<NextPiece>,
}

/// The bytes of `range` as a request's body, its length known beforehand.
pub(super) fn stream(source: &Arc<Source>, range: Range<u64>, meter: &Meter) -> ByteStream {
    ByteStream::new(SdkBody::from_body_1_x(FileBody {
        source: Arc::clone(source),
        meter: meter.clone(),
        rest: range,
        next: None,
    }))
}

async fn piece(
    source: Arc<Source>,
    meter: Meter,
    offset: u64,
    len: u64,
) -> Result<Bytes, SourceBroke> {
    meter.watch.hold(true);
    meter.limiter.take(len).await;
    // `len` is at most the largest piece, so it fits.
    let read = source.read(offset, len as usize).await;
    if !meter.validity.holds() {
        return Err(SourceBroke);
    }
    meter.watch.moved(len);
    meter.watch.hold(false);
    let bytes = read.map_err(|fault| {
        source.blame(fault);
        SourceBroke
    })?;
    meter.sent.fetch_add(len, Ordering::Relaxed);
    Ok(bytes)
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = SourceBroke;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, SourceBroke>>> {
        let this = &mut *self;
        if this.rest.is_empty() {
            return Poll::Ready(None);
        }
        let len = this
            .meter
            .limiter
            .piece()
            .min(this.rest.end - this.rest.start);
        let next = this.next.get_or_insert_with(|| {
            Box::pin(piece(
                Arc::clone(&this.source),
                this.meter.clone(),
                this.rest.start,
                len,
            ))
        });
        let read = ready!(next.as_mut().poll(context));
        this.next = None;
        this.rest.start = match read {
            Ok(_) => this.rest.start + len,
            Err(_) => this.rest.end,
        };
        Poll::Ready(Some(read.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.end - self.rest.start)
    }
}
