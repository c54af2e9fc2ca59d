//! Calls that a filter makes itself: to an authorisation service, to a mirror.

use std::time::Duration;

use bytes::Bytes;
use portunus_base::UpstreamId;
use portunus_exchange::ProxyError;
use portunus_http::{HeaderList, RequestHead};

use crate::LocalFuture;

/// A request of our own.
#[derive(Debug)]
pub struct CallRequest {
    /// The upstream to ask; see [`crate::BuildCx::upstream`].
    pub upstream: UpstreamId,
    /// Method, target, authority and headers. `Host` is written from the authority; framing headers from `body`.
    pub head: RequestHead,
    /// The body.
    pub body: Bytes,
    /// Bound on the whole call.
    pub timeout: Duration,
    /// Bound on the answer's body, in bytes; a longer one is cut off there.
    pub answer_bytes_max: usize,
}

/// The answer to a [`CallRequest`].
#[derive(Debug, Default)]
pub struct CallAnswer {
    /// The status.
    pub status: u16,
    /// The headers, without hop-by-hop ones.
    pub headers: HeaderList,
    /// The body, up to the bound.
    pub body: Vec<u8>,
    /// What followed the body, where all of it was read.
    pub trailers: HeaderList,
}

/// Makes calls over the worker's own pools, with the upstream's balancing.
pub trait Calls {
    /// Starts a call.
    fn call(&self, request: CallRequest) -> LocalFuture<Result<CallAnswer, ProxyError>>;
}
