//! `headers`: changes headers of the request and of the answer.

use std::sync::Arc;

use portunus_exchange::{Exchange, Phase, PhaseSet, Reply};
use portunus_filter::{
    BuildCx, Buildable, Filter, FilterCx, FilterReason, Interest, SlotId, Verdict,
};
use portunus_http::{HeaderId, HeaderList, valid_authority};
use portunus_spec::{Named, Spanned, spec};

use crate::every::every;
use crate::header_edit::{self, HeaderEdit};
use portunus_filter::{HeaderName, Message};

spec! {
    /// Changes headers of the request to the upstream and of the answer to the client.
    pub struct HeadersSpec {
        /// Changes of the request, before it goes to the upstream.
        request: HeaderEditsSpec,
        /// Changes of the answer, before it goes to the client. Answers that the proxy makes itself get them too.
        response: HeaderEditsSpec,
    }
}

spec! {
    /// Changes of one message. They are made in this order: `remove`, `set`, `add`, `append`.
    ///
    /// Values may hold variables, such as `{client.ip}`. Names compare without regard to case.
    pub struct HeaderEditsSpec {
        /// Headers to set to one value, whatever was there before. `Host` of a request sets the authority.
        set: Named<Spanned<String>> = Named::default(),
        /// Headers to add beside those of the same name; a list of values adds one header for each.
        add: Named<Vec<Spanned<String>>> = Named::default(),
        /// Values to join to the header's value with `, `; without such a header it is set.
        append: Named<Spanned<String>> = Named::default(),
        /// Names of headers to remove.
        remove: Vec<Spanned<String>> = Vec::new(),
    }
}

impl Buildable for HeadersSpec {
    const NAME: &'static str = "headers";
    const DOC: &'static str =
        "Sets, adds, appends and removes headers of the request and of the answer.";
    const REASONS: &'static [FilterReason] =
        &[FilterReason::new("headers.bad_host", 400, "A header edit made a host that is none.")];

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        let request = HeaderEdits::build(&self.request, Message::Request, cx);
        let response = HeaderEdits::build(&self.response, Message::Response, cx);
        let (request, response, scratch) = (request?, response?, cx.slot());
        Some(Arc::new(Headers { request, response, scratch }))
    }
}

struct Headers {
    request: HeaderEdits,
    response: HeaderEdits,
    scratch: SlotId,
}

impl Filter for Headers {
    fn interest(&self) -> Interest {
        let mut phases = PhaseSet::NONE;
        if !self.request.is_empty() {
            phases = phases.with(Phase::Request);
        }
        if !self.response.is_empty() {
            phases = phases.with(Phase::Response);
        }
        Interest { phases, ..Interest::default() }
    }

    fn guards(&self, name: &[u8]) -> bool {
        self.request.guards(name)
    }

    fn on_request(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        let scratch = cx.local::<Vec<u8>>(self.scratch);
        self.request.apply(exchange, |exchange| &mut exchange.request.headers, scratch);
        match &self.request.authority {
            Some(edit) => set_authority(edit, exchange, scratch),
            None => Verdict::Continue,
        }
    }

    fn on_response(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        let scratch = cx.local::<Vec<u8>>(self.scratch);
        self.response.apply(exchange, |exchange| &mut exchange.response.headers, scratch);
        Verdict::Continue
    }
}

/// The edits of one message, compiled.
#[derive(Debug, Default)]
struct HeaderEdits {
    remove: Vec<HeaderName>,
    set: Vec<HeaderEdit>,
    add: Vec<HeaderEdit>,
    append: Vec<HeaderEdit>,
    /// `set` of `Host`: it is more than a header.
    authority: Option<HeaderEdit>,
}

impl HeaderEdits {
    /// Whether what is passed on under this name is for us to say.
    fn guards(&self, name: &[u8]) -> bool {
        let is = |known: &HeaderName| known.text.eq_ignore_ascii_case(name);
        self.remove.iter().any(is) || self.set.iter().any(|edit| is(&edit.name))
    }

    fn build(spec: &HeaderEditsSpec, message: Message, cx: &mut BuildCx<'_, '_>) -> Option<Self> {
        let lines = |list: &Named<Spanned<String>>, cx: &mut BuildCx<'_, '_>| {
            let edits =
                list.iter().map(|(name, value)| HeaderEdit::build(name, value, message, cx));
            every(edits)
        };
        let set = lines(&spec.set, cx);
        let append = lines(&spec.append, cx);
        let pairs =
            spec.add.iter().flat_map(|(name, list)| list.iter().map(move |value| (name, value)));
        let add = every(pairs.map(|(name, value)| HeaderEdit::build(name, value, message, cx)));
        let remove = spec.remove.iter();
        let remove =
            every(remove.map(|name| HeaderName::write(name, message, name.span, cx.reader)));
        let joinable = list_names(&spec.append, cx) & no_host(spec, cx);
        let mut edits =
            Self { remove: remove?, set: set?, add: add?, append: append?, authority: None };
        edits.authority = edits.set.extract_if(.., |edit| edit.name.id == HeaderId::Host).last();
        let host = spec.set.iter().find(|(name, _)| name.eq_ignore_ascii_case("host"));
        let fine = host.is_none_or(|(_, value)| edits.check_authority(value, cx));
        (joinable && fine).then_some(edits)
    }

    fn check_authority(&self, written: &Spanned<String>, cx: &mut BuildCx<'_, '_>) -> bool {
        let literal = self.authority.as_ref().and_then(HeaderEdit::literal);
        let fine = literal.is_none_or(valid_authority);
        if !fine {
            let message = format!("`{}` is not a host", written.value);
            cx.reader.error(written.span, message).help("write a host, perhaps with a port");
        }
        fine
    }

    fn is_empty(&self) -> bool {
        let lists = self.set.len() + self.add.len() + self.append.len() + self.remove.len();
        lists == 0 && self.authority.is_none()
    }

    fn apply(
        &self,
        exchange: &mut Exchange,
        list: fn(&mut Exchange) -> &mut HeaderList,
        scratch: &mut Vec<u8>,
    ) {
        for name in &self.remove {
            header_edit::remove(list(exchange), name);
        }
        for edit in &self.set {
            let value = edit.value(exchange, scratch);
            list(exchange).set(&edit.name.text, value);
        }
        for edit in &self.add {
            let value = edit.value(exchange, scratch);
            header_edit::add(list(exchange), &edit.name, value);
        }
        for edit in &self.append {
            edit.append(exchange, list, scratch);
        }
    }
}

/// Headers whose values are no comma-separated lists cannot be appended to (RFC 9110 section 5.3).
fn list_names(append: &Named<Spanned<String>>, cx: &mut BuildCx<'_, '_>) -> bool {
    let mut fine = true;
    for (name, _) in append {
        if matches!(HeaderId::of(name.as_bytes()), HeaderId::Cookie | HeaderId::SetCookie) {
            let message = format!("`{}` is not a list with commas", name.value);
            cx.reader.error(name.span, message).help("use `add`, or `set` the whole value");
            fine = false;
        }
    }
    fine
}

/// A request has one `Host`: it can be set, but neither doubled nor taken away.
fn no_host(spec: &HeaderEditsSpec, cx: &mut BuildCx<'_, '_>) -> bool {
    let added = spec.add.iter().map(|(name, _)| name);
    let appended = spec.append.iter().map(|(name, _)| name);
    let mut fine = true;
    for name in added.chain(appended).chain(&spec.remove) {
        if HeaderId::of(name.as_bytes()) == HeaderId::Host {
            cx.reader.error(name.span, "a request has exactly one `Host`").help("use `set`");
            fine = false;
        }
    }
    fine
}

fn set_authority(edit: &HeaderEdit, exchange: &mut Exchange, scratch: &mut Vec<u8>) -> Verdict {
    let value = edit.value(exchange, scratch);
    if !valid_authority(value) {
        let reply = Reply::problem(400, "headers.bad_host");
        return Verdict::reply(reply.with_detail("The request leads to no valid host."));
    }
    exchange.request.set_authority(value);
    exchange.request.headers.set_id(HeaderId::Host, value);
    Verdict::Continue
}

#[cfg(test)]
mod tests;
