//! `forward_auth`: asks a service whether a request may pass.

mod destination;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use portunus_exchange::{Exchange, Phase, PhaseSet, ProxyError, Reason, Reply, ReplyBody};
use portunus_filter::{
    BodyNeed, BodyPiece, BuildCx, Buildable, CallAnswer, CallRequest, Filter, FilterCx,
    FilterReason, Interest, Patch, Resume, Verdict,
};
use portunus_http::{HeaderId, HeaderList, RequestHead};
use portunus_spec::{Node, Spanned, spec, spec_enum};

use crate::every::every;
use crate::header_edit;
use crate::header_name::{HeaderName, Message};
use destination::Destination;

spec! {
    /// Asks a service whether a request may pass. A 2xx answer lets it through; every other answer goes to the client.
    ///
    /// The service gets a GET with `X-Forwarded-Method`, `-Uri`, `-Host`, `-Proto` and `-For`.
    pub struct ForwardAuthSpec {
        short = to;
        /// The service: an upstream's name, perhaps with a path (`auth/verify`), or a URL.
        to: Spanned<String>,
        /// Headers of the request that the service gets. Without it: `Authorization`, `Cookie` and all `X-Forwarded-*`.
        copy_request: Option<Vec<Spanned<String>>>,
        /// Headers of a 2xx answer to set on the request. What the client sent under these names is always removed.
        copy_answer: Vec<Spanned<String>> = Vec::new(),
        /// Headers of the service's answer that the client gets, whoever answers in the end.
        copy_to_client: Vec<Spanned<String>> = Vec::new(),
        /// Bound on the whole call.
        timeout: Duration = Duration::from_secs(5),
        /// What happens when the service cannot be asked.
        fail: FailChoice = FailChoice::Closed,
        /// Whether the service gets the request's body too, by POST and up to 64KiB; larger ones are answered with 413.
        forward_body: bool = false,
        /// Not supported by this version yet.
        cache: Option<Spanned<Node>>,
    }
}

spec_enum! {
    /// What happens when the service cannot be asked.
    pub enum FailChoice {
        /// The request is answered with 503.
        Closed = "closed",
        /// The request goes on, without the headers of `copy_answer`.
        Open = "open",
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
        if let Some(cache) = &self.cache {
            let error = cx.reader.error(cache.span, "`cache` is not supported by this version yet");
            error.help("leave it out: each request asks the service");
        }
        let to = Destination::build(&self.to, cx);
        let copy_request =
            self.copy_request.as_deref().map(|names| names_of(names, Message::Request, cx));
        let copy_answer = names_of(&self.copy_answer, Message::Response, cx);
        let copy_to_client = names_of(&self.copy_to_client, Message::Response, cx);
        let copy_request = match copy_request {
            Some(names) => Some(names?),
            None => None,
        };
        self.cache.is_none().then_some(())?;
        let after =
            After { copy_answer: copy_answer?, copy_to_client: copy_to_client?, fail: self.fail };
        Some(Arc::new(ForwardAuth {
            to: to?,
            copy_request,
            timeout: self.timeout,
            forward_body: self.forward_body,
            after: Arc::new(after),
        }))
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
    to: Destination,
    /// None for the default.
    copy_request: Option<Vec<HeaderName>>,
    timeout: Duration,
    forward_body: bool,
    after: Arc<After>,
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

    fn on_request(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        for name in &self.after.copy_answer {
            header_edit::remove(&mut exchange.request.headers, name);
        }
        if self.forward_body {
            return Verdict::Continue;
        }
        self.ask(exchange, Bytes::new(), cx)
    }

    fn on_request_body(
        &self,
        exchange: &mut Exchange,
        piece: &mut BodyPiece<'_>,
        cx: &mut FilterCx<'_>,
    ) -> Verdict {
        self.ask(exchange, Bytes::copy_from_slice(piece.bytes), cx)
    }
}

impl ForwardAuth {
    fn ask(&self, exchange: &Exchange, body: Bytes, cx: &FilterCx<'_>) -> Verdict {
        let call = cx.calls.call(CallRequest {
            upstream: self.to.upstream,
            head: self.head(exchange),
            body,
            timeout: self.timeout,
            answer_bytes_max: ANSWER_BYTES_MAX,
        });
        let after = Arc::clone(&self.after);
        Verdict::Suspend(Box::pin(async move { after.resume(call.await) }))
    }

    fn head(&self, exchange: &Exchange) -> RequestHead {
        let asked = &exchange.request;
        let mut head = RequestHead::default();
        head.set_method(if self.forward_body { b"POST" } else { b"GET" });
        head.set_path(&self.to.path);
        head.set_query(self.to.query.as_deref());
        head.set_authority(self.to.authority.as_deref().unwrap_or_else(|| asked.authority()));
        for header in asked.headers.iter().filter(|header| self.copies(header.id, header.name)) {
            head.headers.append(header.name, header.value);
        }
        if self.forward_body
            && let Some(content_type) = asked.headers.value_of(HeaderId::ContentType)
        {
            head.headers.set_id(HeaderId::ContentType, content_type);
        }
        tell_of_request(exchange, &mut head.headers);
        head
    }

    fn copies(&self, id: HeaderId, name: &[u8]) -> bool {
        match &self.copy_request {
            Some(names) => names.iter().any(|known| known.text.eq_ignore_ascii_case(name)),
            None => {
                let prefix = name.get(..FORWARDED.len());
                matches!(id, HeaderId::Authorization | HeaderId::Cookie)
                    || prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case(FORWARDED))
            }
        }
    }
}

fn tell_of_request(exchange: &Exchange, headers: &mut HeaderList) {
    let asked = &exchange.request;
    let mut uri = asked.path().to_vec();
    if let Some(query) = asked.query() {
        uri.push(b'?');
        uri.extend_from_slice(query);
    }
    headers.set_id(HeaderId::XForwardedMethod, asked.method_text());
    headers.set_id(HeaderId::XForwardedUri, &uri);
    headers.set_id(HeaderId::XForwardedHost, asked.authority());
    headers.set_id(HeaderId::XForwardedProto, exchange.client.scheme.text().as_bytes());
    headers.set_id(HeaderId::XForwardedFor, exchange.client.ip.to_string().as_bytes());
}

/// What is done with the answer; owned by the wait.
struct After {
    copy_answer: Vec<HeaderName>,
    copy_to_client: Vec<HeaderName>,
    fail: FailChoice,
}

impl After {
    fn resume(&self, answer: Result<CallAnswer, ProxyError>) -> Resume {
        match answer {
            Ok(answer) if (200..300).contains(&answer.status) => {
                Resume::Continue(self.pass(&answer))
            }
            Ok(answer) if (300..600).contains(&answer.status) => {
                Resume::Reply(Patch::default(), Box::new(self.deny(answer)))
            }
            _ if self.fail == FailChoice::Open => {
                let attributes = vec![("forward_auth", Bytes::from_static(b"failed_open"))];
                Resume::Continue(Patch { attributes, ..Patch::default() })
            }
            _ => {
                let reply = Reply::problem(503, "auth.forward_failed");
                let reply = reply.with_detail("The authorisation service could not be asked.");
                Resume::Reply(Patch::default(), Box::new(reply))
            }
        }
    }

    fn pass(&self, answer: &CallAnswer) -> Patch {
        let mut patch = Patch::default();
        for name in &self.copy_answer {
            let values: Vec<&[u8]> = answer.headers.values(&name.text).collect();
            if !values.is_empty() {
                let value = Bytes::from(values.join(&b", "[..]));
                patch.request_headers.push((Bytes::copy_from_slice(&name.text), Some(value)));
            }
        }
        for name in &self.copy_to_client {
            let values = answer.headers.values(&name.text);
            let pair = |value| (Bytes::copy_from_slice(&name.text), Bytes::copy_from_slice(value));
            patch.response_headers.extend(values.map(pair));
        }
        patch
    }

    fn deny(&self, answer: CallAnswer) -> Reply {
        let copied = |header: &portunus_http::Header<'_>| {
            let named = |name: &HeaderName| name.text.eq_ignore_ascii_case(header.name);
            goes_to_client(header.id) || self.copy_to_client.iter().any(named)
        };
        let copy = |bytes: &[u8]| Bytes::copy_from_slice(bytes);
        let headers = answer.headers.iter().filter(copied);
        let mut reply = Reply::plain(answer.status, ReplyBody::Empty);
        reply.reason = Some(Reason("auth.forward_denied"));
        reply.headers = headers.map(|header| (copy(header.name), copy(header.value))).collect();
        if !answer.body.is_empty() {
            reply.body = ReplyBody::Whole(Bytes::from(answer.body));
        }
        reply
    }
}

/// What a refusal needs to be understood: where to log in, and how to read the body.
fn goes_to_client(id: HeaderId) -> bool {
    matches!(
        id,
        HeaderId::CacheControl
            | HeaderId::ContentEncoding
            | HeaderId::ContentLanguage
            | HeaderId::ContentType
            | HeaderId::Location
            | HeaderId::RetryAfter
            | HeaderId::SetCookie
            | HeaderId::WwwAuthenticate
    )
}

const FORWARDED: &[u8] = b"X-Forwarded-";

/// Largest body that `forward_body` sends on.
const FORWARDED_BODY_BYTES_MAX: usize = 64 * 1024;

/// Largest page of a refusal; the rest is cut off.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests;
