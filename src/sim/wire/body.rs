//! Bodies of answers: whole, or cut off in the middle.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// One body.
#[derive(Debug)]
pub(super) struct Payload {
    left: Bytes,
    /// The connection closes after what is left.
    cut: bool,
    sent: bool,
}

/// The connection is to be closed.
#[derive(Debug, thiserror::Error)]
#[error("the answer is cut off here")]
pub(super) struct CutOff;

impl Payload {
    pub(super) fn whole(bytes: impl Into<Bytes>) -> Payload {
        Payload { left: bytes.into(), cut: false, sent: false }
    }

    /// The first half.
    pub(super) fn half(bytes: impl Into<Bytes>) -> Payload {
        let mut left = bytes.into();
        left.truncate(left.len() / 2);
        Payload { left, cut: true, sent: false }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        if !self.left.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.left)))));
        }
        if !self.cut {
            return Poll::Ready(None);
        }
        if !self.sent {
            // An error throws away what is not flushed yet; hyper flushes when it has to wait.
            self.sent = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(CutOff)))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty() && !self.cut
    }

    fn size_hint(&self) -> SizeHint {
        if self.cut { SizeHint::default() } else { SizeHint::with_exact(self.left.len() as u64) }
    }
}
