//! A body that is counted and, if wanted, flows at a limited rate of tokio's time.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use s3s::{Body, StdError};
use tokio::time::Sleep;

use crate::stats::Ledger;

/// How many pieces a second a slow body is cut into.
const PIECES_A_SECOND: u64 = 10;

/// See the module's documentation.
pub(crate) struct Metered {
    inner: Body,
    bytes_per_second: Option<u64>,
    ledger: Option<Ledger>,
    /// Taken from `inner` and not yet passed on.
    rest: Bytes,
    /// The next piece, and when it may pass.
    held: Option<(Pin<Box<Sleep>>, Bytes)>,
}

impl Metered {
    pub(crate) fn new(inner: Body, bytes_per_second: Option<u64>) -> Self {
        let bytes_per_second = bytes_per_second.map(|rate| rate.max(1));
        Self {
            inner,
            bytes_per_second,
            ledger: None,
            rest: Bytes::new(),
            held: None,
        }
    }

    /// Counts what passes as received.
    pub(crate) fn counted(mut self, ledger: Ledger) -> Self {
        self.ledger = Some(ledger);
        self
    }

    fn count(&self, data: &Bytes) {
        if let Some(ledger) = &self.ledger {
            ledger.received(data.len() as u64);
        }
    }

    /// Cuts the next piece off the rest and begins to hold it.
    fn hold(&mut self, rate: u64) {
        let piece = usize::try_from(rate / PIECES_A_SECOND)
            .unwrap_or(usize::MAX)
            .clamp(1, self.rest.len());
        let piece = self.rest.split_to(piece);
        let nanos = (piece.len() as u64).saturating_mul(1_000_000_000) / rate;
        self.held = Some((
            Box::pin(tokio::time::sleep(Duration::from_nanos(nanos))),
            piece,
        ));
    }
}

impl HttpBody for Metered {
    type Data = Bytes;
    type Error = StdError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        loop {
            if let Some((sleep, _)) = &mut self.held {
                ready!(sleep.as_mut().poll(cx));
            }
            if let Some((_, piece)) = self.held.take() {
                self.count(&piece);
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            if let (false, Some(rate)) = (self.rest.is_empty(), self.bytes_per_second) {
                self.hold(rate);
                continue;
            }
            let frame = match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                other => return Poll::Ready(other),
            };
            match (self.bytes_per_second, frame.into_data()) {
                (Some(_), Ok(data)) => self.rest = data,
                (None, Ok(data)) => {
                    self.count(&data);
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                (_, Err(trailers)) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_none() && self.rest.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let here =
            (self.rest.len() + self.held.as_ref().map_or(0, |(_, piece)| piece.len())) as u64;
        let inner = self.inner.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(here));
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(here));
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_slow_body_is_whole_and_takes_its_time(len in 0_usize..5_000, rate in 1_u64..2_000) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            let data: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
            let (whole, took, counted) = runtime.block_on(async {
                let began = tokio::time::Instant::now();
                let ledger = Ledger::default();
                let body = Metered::new(Body::from(data.clone()), Some(rate)).counted(ledger.clone());
                assert_eq!(body.size_hint().exact(), Some(len as u64));
                let whole = body.collect().await.unwrap().to_bytes();
                (whole, began.elapsed().as_secs_f64(), ledger.snapshot().bytes_in)
            });
            prop_assert_eq!(&whole[..], &data[..]);
            prop_assert_eq!(counted, len as u64);
            // Each piece waits for tokio's next millisecond.
            let ideal = len as f64 / rate as f64;
            prop_assert!(took >= ideal - 1e-6 && took <= ideal + 0.002 * (len as f64 + 1.0), "{took} for {ideal}");
        }
    }
}
