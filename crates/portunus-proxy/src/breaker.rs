//! The breaker of an upstream, as one attempt meets it: asked before an endpoint is chosen, told what came of it.

use std::cell::Cell;

use portunus_exchange::{ErrorKind, ProxyError, Retry, Side};
use portunus_http::ResponseHead;
use portunus_resilience::BreakerRule;
use portunus_upstream::Upstream;
use portunus_worker::Worker;

use crate::grpc;
use crate::run::Run;

/// An attempt that was let pass. Unless something comes of it, another may be tried in its place.
#[derive(Debug)]
pub(crate) struct Pass<'u> {
    upstream: &'u Upstream,
    rule: &'u BreakerRule,
    worker: &'u Worker,
    /// None once it was told what came of it.
    open: Cell<Option<portunus_resilience::Pass>>,
}

/// Asks for one attempt to pass; None where the upstream has no breaker.
pub(crate) fn ask<'u>(
    run: &'u Run<'_>,
    upstream: &'u Upstream,
) -> Result<Option<Pass<'u>>, ProxyError> {
    let Some(rule) = &upstream.plan.breaker else { return Ok(None) };
    let worker = &run.local.worker;
    match upstream.state.breaker.ask(rule, worker.now()) {
        Ok(pass) => Ok(Some(Pass { upstream, rule, worker, open: Cell::new(Some(pass)) })),
        Err(wait) => {
            let whole = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            let retry_after_s = u32::try_from(whole).unwrap_or(u32::MAX);
            Err(ProxyError::local(ErrorKind::BreakerOpen { retry_after_s }))
        }
    }
}

impl Pass<'_> {
    /// The head of the answer is there.
    pub(crate) fn answered(&self, run: &Run<'_>, head: &ResponseHead) {
        let by_grpc = || {
            let failed = grpc::status_alone(head).is_some_and(|code| GRPC_FAILURES.contains(&code));
            failed && grpc::is_grpc(&run.exchange.borrow().request)
        };
        self.tell(head.status >= 500 || by_grpc());
    }

    /// There is no answer. What is no fault of the upstream's says nothing about it.
    pub(crate) fn failed(&self, error: ProxyError) {
        if error.side == Side::Upstream && !is_blameless(error) {
            self.tell(true);
        }
        // What another attempt beside this one comes to is not for this one to tell.
        self.forget();
    }

    fn tell(&self, failed: bool) {
        if let Some(pass) = self.open.take() {
            self.upstream.state.breaker.settle(pass, failed, self.rule, self.worker.now());
        }
    }

    fn forget(&self) {
        if let Some(pass) = self.open.take() {
            self.upstream.state.breaker.forget(pass);
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.forget();
    }
}

/// An ended connection that lay unused, a request that was refused unseen, another version of HTTP that is wanted: such
/// things happen to a sound upstream.
pub(crate) fn is_blameless(error: ProxyError) -> bool {
    match error.retry {
        Retry::Replayable | Retry::OverH1 => true,
        Retry::Unsent => error.kind == ErrorKind::Reset,
        Retry::Never => false,
    }
}

/// What gRPC says where HTTP says 500 and more: internal, unavailable, data_loss.
const GRPC_FAILURES: &[u8] = &[13, 14, 15];
