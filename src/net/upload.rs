//! A request's body that must be here in time.
//!
//! hyper limits how long a head may take but not a body. A client that announces 100 bytes and
//! sends 99 would hold a connection, and its descriptor, for ever.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use crate::time::sleep_on_the_wall;

/// The body did not come, or not all of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum UploadError {
    #[error("the request's body did not arrive within {} s", .0.as_secs())]
    Late(Duration),
    #[error(transparent)]
    Broken(#[from] hyper::Error),
}

/// A body that fails when it has not ended within a time on the wall, counted from its first poll.
pub(super) struct Upload {
    body: Incoming,
    within: Duration,
    deadline: Option<BoxFuture<'static, ()>>,
}

impl Upload {
    pub(super) fn new(body: Incoming, within: Duration) -> Upload {
        Upload { body, within, deadline: None }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = UploadError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            return Poll::Ready(frame.map(|f| f.map_err(UploadError::Broken)));
        }
        let within = this.within;
        let deadline = this.deadline.get_or_insert_with(|| sleep_on_the_wall(within).boxed());
        deadline.poll_unpin(cx).map(|()| Some(Err(UploadError::Late(within))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
