//! `forward_auth`: asks a service whether a request may pass, over plain HTTP or by Envoy's gRPC protocol.

mod ext_authz;
mod plain;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use portunus_exchange::{Exchange, Phase, PhaseSet};
use portunus_filter::{
    Again, BodyNeed, BodyPiece, BuildCx, Buildable, Filter, FilterCx, FilterReason, Interest,
    Verdict,
};
use portunus_spec::{Spanned, spec};

use crate::every::every;
use crate::inquiry::{
    CachePlan, CacheSpec, Counts, Destination, FailChoice, Form, Inquiry, NamePattern,
};
use ext_authz::ExtAuthz;
use plain::Plain;
use portunus_filter::{HeaderName, Message};

spec! {
    /// Asks a service whether a request may pass. A 2xx answer lets it through; every other answer goes to the client.
    ///
    /// The service gets a GET with `X-Forwarded-Method`, `-Uri`, `-Host`, `-Proto` and `-For`.
    pub struct ForwardAuthSpec {
        short = to;
        /// The service: an upstream's name, perhaps with a path (`auth/verify`), or a URL.
        to: Spanned<String>,
        /// Headers of the request that the service gets. Without it: `Authorization`, `Cookie` and all `X-Forwarded-*`;
        /// over gRPC all.
        copy_request: Option<Vec<Spanned<String>>>,
        /// Headers of a 2xx answer to set on the request, such as `X-User` or `X-User-*`. What the client sent under
        /// these names is always removed.
        copy_answer: Vec<Spanned<String>> = Vec::new(),
        /// Headers of the service's answer that the client gets, whoever answers in the end.
        copy_to_client: Vec<Spanned<String>> = Vec::new(),
        /// Bound on the whole call.
        timeout: Duration = Duration::from_secs(5),
        /// What happens when the service cannot be asked.
        fail: FailChoice = FailChoice::Closed,
        /// Whether the service gets the request's body too, by POST and up to 64KiB; larger ones are answered with 413.
        forward_body: bool = false,
        /// Whether the service is asked by Envoy's `envoy.service.auth.v3.Authorization/Check`. `to` is then an
        /// upstream with `http: 2`.
        grpc: bool = false,
        /// For how long answers are remembered. Without it: each request asks the service.
        cache: Option<CacheSpec>,
    }
}

impl Buildable for ForwardAuthSpec {
    const NAME: &'static str = "forward_auth";
    const DOC: &'static str = "Asks a service whether a request may pass.";
    const REASONS: &'static [FilterReason] = &[
        FilterReason::new(
            "auth.forward_denied",
            0,
            "The authorisation service said no; the status is the one of its answer.",
        ),
        FilterReason::new(
            "auth.forward_failed",
            503,
            "The authorisation service could not be asked.",
        ),
    ];

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        let to = Destination::build(&self.to, cx);
        let copy_request =
            self.copy_request.as_deref().map(|names| names_of(names, Message::Request, cx));
        let guard = every(self.copy_answer.iter().map(|name| NamePattern::build(name, cx)));
        let copy_to_client = names_of(&self.copy_to_client, Message::Response, cx);
        let cache = self.cache.as_ref().map(|spec| CachePlan::build(spec, cx));
        let (copy_request, cache) = (all_or_none(copy_request)?, all_or_none(cache)?);
        let (to, guard) = (to?, Arc::from(guard?));
        let (upstream, copy_to_client) = (to.upstream, copy_to_client?);
        let form: Arc<dyn Form> = match self.grpc {
            true => Arc::new(ExtAuthz { to, copy_request, with_body: self.forward_body }),
            false => Arc::new(Plain {
                to,
                copy_request,
                copy_answer: Arc::clone(&guard),
                copy_to_client,
                with_body: self.forward_body,
            }),
        };
        let (timeout, fail, counts) = (self.timeout, self.fail, Counts::new(cx));
        let inquiry = Inquiry { form, upstream, timeout, fail, cache, counts };
        Some(Arc::new(ForwardAuth { inquiry, guard, forward_body: self.forward_body }))
    }
}

/// Nothing written is fine; what was written must be so too.
fn all_or_none<T>(built: Option<Option<T>>) -> Option<Option<T>> {
    match built {
        None => Some(None),
        Some(built) => built.map(Some),
    }
}

fn names_of(
    names: &[Spanned<String>],
    message: Message,
    cx: &mut BuildCx<'_, '_>,
) -> Option<Vec<HeaderName>> {
    let read = |name: &Spanned<String>| HeaderName::write(name, message, name.span, cx.reader);
    every(names.iter().map(read))
}

struct ForwardAuth {
    inquiry: Inquiry,
    /// What the client may not send, as the service may say it.
    guard: Arc<[NamePattern]>,
    forward_body: bool,
}

impl Filter for ForwardAuth {
    fn interest(&self) -> Interest {
        let phases = PhaseSet::NONE.with(Phase::Request);
        let request_body = match self.forward_body {
            true => BodyNeed::Buffered(FORWARDED_BODY_BYTES_MAX),
            false => BodyNeed::None,
        };
        Interest { phases, request_body, ..Interest::default() }
    }

    fn guards(&self, name: &[u8]) -> bool {
        self.guard.iter().any(|names| names.claims(name))
    }

    fn refuses(&self) -> bool {
        true
    }

    fn on_request(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        self.guard.iter().for_each(|names| names.strip(exchange));
        if self.forward_body {
            return Verdict::Continue;
        }
        self.inquiry.ask(exchange, &Bytes::new(), cx)
    }

    fn on_request_body(
        &self,
        exchange: &mut Exchange,
        piece: &mut BodyPiece<'_>,
        cx: &mut FilterCx<'_>,
    ) -> Verdict {
        self.inquiry.ask(exchange, &Bytes::copy_from_slice(piece.bytes), cx)
    }

    fn on_again(&self, exchange: &mut Exchange, again: Again, cx: &mut FilterCx<'_>) -> Verdict {
        self.inquiry.resume(exchange, again, cx)
    }
}

/// Largest body that `forward_body` sends on.
const FORWARDED_BODY_BYTES_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests;
