//! A body that flows as fast as the link lets it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use super::Link;

/// Bodies pass in pieces of at most this size, so that several that share a link take turns, and a change of its rate
/// is felt.
const PIECE: usize = 4096;

/// See the module's documentation.
pub(super) struct Paced {
    inner: SdkBody,
    link: Link,
    upwards: bool,
    /// Taken from `inner` and not yet passed on.
    rest: Bytes,
    /// The next piece, and when it has passed.
    held: Option<(Pin<Box<Sleep>>, Bytes)>,
}

impl Paced {
    /// `body` over `link`. On a link without a bound it is left as it is.
    pub(super) fn wrap(body: SdkBody, link: &Link, upwards: bool) -> SdkBody {
        if link.books().shape.bytes_per_second.is_none() {
            return body;
        }
        SdkBody::from_body_1_x(Self {
            inner: body,
            link: link.clone(),
            upwards,
            rest: Bytes::new(),
            held: None,
        })
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        loop {
            if let Some((sleep, _)) = &mut self.held {
                ready!(sleep.as_mut().poll(cx));
            }
            if let Some((_, piece)) = self.held.take() {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            if !self.rest.is_empty() {
                let size = self.rest.len().min(PIECE);
                let piece = self.rest.split_to(size);
                let until: Instant = self.link.reserve(self.upwards, size as u64);
                self.held = Some((Box::pin(tokio::time::sleep_until(until)), piece));
                continue;
            }
            let frame = match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                other => return Poll::Ready(other),
            };
            match frame.into_data() {
                Ok(data) => self.rest = data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_none() && self.rest.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.held.as_ref().map_or(0, |(_, piece)| piece.len());
        let here = (self.rest.len() + held) as u64;
        let inner = self.inner.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(here));
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(here));
        }
        hint
    }
}
