//! A look into the log that somebody waits for.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::task::JoinHandle;

use crate::HubError;

/// It goes on by itself, so that nobody who has stopped waiting for it holds up those who come after it; dropping it
/// ends it.
pub(crate) struct Work<T>(JoinHandle<Result<T, HubError>>);

impl<T: Send + 'static> Work<T> {
    pub(crate) fn start(work: impl Future<Output = Result<T, HubError>> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }
}

impl<T> Future for Work<T> {
    type Output = Result<T, HubError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // It panics or is ended only together with the runtime.
        Pin::new(&mut self.0).poll(cx).map(|done| done.unwrap_or(Err(HubError::Closed)))
    }
}

impl<T> Drop for Work<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
