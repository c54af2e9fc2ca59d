//! The filter: when what is changed, and what is answered where it cannot be.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use portunus_exchange::{Exchange, Phase, PhaseSet, Reply};
use portunus_filter::{
    BodyNeed, BodyPiece, BuildCx, Buildable, Filter, FilterCx, FilterReason, Interest, Verdict, Way,
};
use portunus_http::{HeaderId, HeaderList, Method, is_token_byte};
use portunus_spec::{Problem, Spanned, check};

use crate::body::{BodyChange, BodyChangeSpec, Changed, Unchanged};
use crate::media::Untouched;
use crate::query::QueryEdits;
use crate::spec::{TransformRequestSpec, TransformResponseSpec, TransformSpec, WhenSpec};

impl Buildable for TransformSpec {
    const NAME: &'static str = "transform";
    const DOC: &'static str =
        "Brings requests and answers into another form: bodies, method, query, status.";
    const REASONS: &'static [FilterReason] = &[
        FilterReason::new(
            "transform.answer_invalid",
            502,
            "The body of the answer is not what its type says.",
        ),
        FilterReason::new(
            "transform.answer_too_large",
            502,
            "The body of the answer grew beyond its bound.",
        ),
        FilterReason::new(
            "transform.body_invalid",
            400,
            "The body of the request is not what its type says.",
        ),
        FilterReason::new(
            "transform.body_too_large",
            413,
            "The body of the request grew beyond its bound.",
        ),
        FilterReason::new("transform.template_failed", 500, "A template made no body."),
    ];

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        let request = RequestChange::build(&self.request, cx);
        let response = ResponseChange::build(&self.response, cx);
        let transform = Transform { request: request?, response: response? };
        if transform.interest().phases == PhaseSet::NONE {
            let error = cx.reader.error(cx.span, "`transform` has nothing to do");
            error.help("write changes under `request` or `response`");
            return None;
        }
        Some(Arc::new(transform))
    }
}

struct Transform {
    request: RequestChange,
    response: ResponseChange,
}

struct RequestChange {
    method: Option<Box<[u8]>>,
    query: QueryEdits,
    body: Option<BodyChange>,
}

struct ResponseChange {
    when: Vec<RangeInclusive<u16>>,
    status: Option<u16>,
    body: Option<BodyChange>,
    /// Marks the answers that are meant: filters may change the status before the body comes.
    mark: String,
}

impl Filter for Transform {
    fn interest(&self) -> Interest {
        let mut phases = PhaseSet::NONE;
        let Self { request, response } = self;
        // A change of the answer's body begins with what the upstream is asked for.
        if request.is_something() || response.body.is_some() {
            phases = phases.with(Phase::Request);
        }
        if response.is_something() {
            phases = phases.with(Phase::Response);
        }
        let need = |body: &Option<BodyChange>| {
            body.as_ref().map_or(BodyNeed::None, |body| BodyNeed::Buffered(body.bytes_max))
        };
        let (request_body, response_body) = (need(&request.body), need(&response.body));
        Interest { phases, request_body, response_body }
    }

    fn needs_body(&self, way: Way, exchange: &Exchange) -> bool {
        let (change, headers, is_marked) = match way {
            Way::Request => (&self.request.body, &exchange.request.headers, true),
            Way::Response => {
                let is_marked = self.response.is_marked(exchange);
                (&self.response.body, &exchange.response.headers, is_marked)
            }
        };
        is_marked && change.as_ref().is_some_and(|change| change.kind(headers).is_ok())
    }

    fn on_request(&self, exchange: &mut Exchange, _cx: &mut FilterCx<'_>) -> Verdict {
        // What is asked for by HEAD has no body, whatever the upstream is asked for.
        if let Some(method) = &self.request.method
            && exchange.request.method != Method::Head
        {
            exchange.request.set_method(method);
        }
        if !self.request.query.is_empty() {
            self.request.query.apply(exchange);
        }
        if self.response.body.is_some() {
            ask_for_whole(&mut exchange.request.headers);
        }
        Verdict::Continue
    }

    fn on_request_body(
        &self,
        exchange: &mut Exchange,
        piece: &mut BodyPiece<'_>,
        cx: &mut FilterCx<'_>,
    ) -> Verdict {
        let Some(change) = &self.request.body else { return Verdict::Continue };
        match change.run(exchange, &exchange.request.headers, piece.bytes) {
            Ok(changed) => {
                describe(&changed, &mut exchange.request.headers);
                *piece.bytes = changed.bytes;
                Verdict::Continue
            }
            Err(unchanged) => change.refuse(&unchanged, cx),
        }
    }

    fn on_response(&self, exchange: &mut Exchange, _cx: &mut FilterCx<'_>) -> Verdict {
        let Self { response, .. } = self;
        if !response.is_meant(exchange) {
            return Verdict::Continue;
        }
        let marks = exchange.attributes.value(MARKS).unwrap_or(b"");
        let marks = [marks, response.mark.as_bytes()].concat();
        exchange.attributes.set(MARKS, &marks);
        if let Some(status) = response.status {
            exchange.response.set_status(status);
        }
        if exchange.request.method == Method::Head && response.body.is_some() {
            // The length of the body as the upstream has it.
            exchange.response.headers.remove_id(HeaderId::ContentLength);
        }
        Verdict::Continue
    }

    fn on_response_body(
        &self,
        exchange: &mut Exchange,
        piece: &mut BodyPiece<'_>,
        cx: &mut FilterCx<'_>,
    ) -> Verdict {
        let Some(change) = &self.response.body else { return Verdict::Continue };
        if !self.response.is_marked(exchange) {
            return Verdict::Continue;
        }
        match change.run(exchange, &exchange.response.headers, piece.bytes) {
            Ok(changed) => {
                let headers = &mut exchange.response.headers;
                describe(&changed, headers);
                headers.remove_id(HeaderId::AcceptRanges);
                weaken(headers);
                *piece.bytes = changed.bytes;
                Verdict::Continue
            }
            Err(unchanged) => change.refuse(&unchanged, cx),
        }
    }
}

impl RequestChange {
    fn build(spec: &TransformRequestSpec, cx: &mut BuildCx<'_, '_>) -> Option<Self> {
        let method = match &spec.method {
            Some(method) => check(method, cx.reader, |text| fit_method(text)),
            None => true,
        };
        let query = QueryEdits::build(&spec.query, cx);
        let body = BodyChange::build(
            &BodyChangeSpec {
                form_to_json: &spec.form_to_json,
                json: &spec.json,
                body: spec.body.as_ref(),
                json_to_form: &spec.json_to_form,
                content_type: &spec.content_type,
                body_max: &spec.body_max,
                on_invalid: spec.on_invalid,
                of_answers: false,
            },
            cx,
        );
        method.then_some(())?;
        let method = spec.method.as_ref().map(|method| method.value.as_bytes().into());
        Some(Self { method, query: query?, body: body? })
    }

    fn is_something(&self) -> bool {
        self.method.is_some() || !self.query.is_empty() || self.body.is_some()
    }
}

impl ResponseChange {
    fn build(spec: &TransformResponseSpec, cx: &mut BuildCx<'_, '_>) -> Option<Self> {
        let status = match &spec.status {
            Some(status) => check(status, cx.reader, |status| fit_status(*status)),
            None => true,
        };
        let when = statuses(&spec.when, cx);
        let no = Spanned::none(false);
        let body = BodyChange::build(
            &BodyChangeSpec {
                form_to_json: &no,
                json: &spec.json,
                body: spec.body.as_ref(),
                json_to_form: &no,
                content_type: &spec.content_type,
                body_max: &spec.body_max,
                on_invalid: spec.on_invalid,
                of_answers: true,
            },
            cx,
        );
        status.then_some(())?;
        let status = spec.status.as_ref().map(|status| status.value);
        let mark = format!("{},", cx.slot().index());
        Some(Self { when: when?, status, body: body?, mark })
    }

    fn is_something(&self) -> bool {
        self.status.is_some() || self.body.is_some()
    }

    /// Whether this is an upstream's whole answer, of a status that is meant.
    fn is_meant(&self, exchange: &Exchange) -> bool {
        let status = exchange.response.status;
        let is_whole = status != 206 && status != 304;
        let is_own = exchange.reason.is_some() || exchange.timings.first_byte.0 == 0;
        is_whole && !is_own && self.when.iter().any(|range| range.contains(&status))
    }

    fn is_marked(&self, exchange: &Exchange) -> bool {
        let marks = exchange.attributes.value(MARKS).unwrap_or(b"");
        marks.split_inclusive(|byte| *byte == b',').any(|mark| mark == self.mark.as_bytes())
    }
}

impl BodyChange {
    /// What is answered to a body that has no new form.
    fn refuse(&self, unchanged: &Unchanged, cx: &mut FilterCx<'_>) -> Verdict {
        let is_answer = self.is_of_answers();
        let (status, reason, why) = match (unchanged, is_answer) {
            (Unchanged::Untouched(why), _) => {
                cx.note(|| format!("the body goes on as it is: {why}"));
                return Verdict::Continue;
            }
            (Unchanged::Invalid(why), _) if self.passes_invalid => {
                cx.note(|| format!("the body goes on as it is: {why}"));
                return Verdict::Continue;
            }
            (Unchanged::Invalid(why) | Unchanged::Doubtful(why), false) => {
                (400, "transform.body_invalid", Some(why))
            }
            (Unchanged::Invalid(why) | Unchanged::Doubtful(why), true) => {
                (502, "transform.answer_invalid", Some(why))
            }
            (Unchanged::TooLarge, false) => (413, "transform.body_too_large", None),
            (Unchanged::TooLarge, true) => (502, "transform.answer_too_large", None),
            (Unchanged::Failed(why), _) => {
                cx.note(|| format!("the template failed: {why}"));
                (500, "transform.template_failed", None)
            }
        };
        let reply = Reply::problem(status, reason);
        // What an upstream sent is nothing that a client could mend.
        Verdict::reply(match why.filter(|_| !is_answer) {
            Some(why) => reply.with_detail(format!("The body cannot be read: {why}.")),
            None => reply,
        })
    }
}

impl fmt::Display for Untouched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("there is none"),
            Self::Encoded => f.write_str("it has a content coding"),
            Self::Type(essence) if essence.is_empty() => f.write_str("it has no media type"),
            Self::Type(essence) => write!(f, "its media type is {essence}"),
        }
    }
}

/// Only a whole body without a content coding can be changed; and a part of it would show what a change takes away.
fn ask_for_whole(headers: &mut HeaderList) {
    for id in [HeaderId::AcceptEncoding, HeaderId::Range, HeaderId::IfRange] {
        headers.remove_id(id);
    }
}

/// Says of the new body what it is, and nothing of the old one.
fn describe(changed: &Changed<'_>, headers: &mut HeaderList) {
    if let Some(content_type) = changed.content_type {
        headers.set_id(HeaderId::ContentType, content_type.as_bytes());
    }
    for name in DIGESTS {
        headers.remove(name);
    }
}

/// The validator is of another form of the same content (RFC 9110 section 8.8.1).
fn weaken(headers: &mut HeaderList) {
    let Some(tag) = headers.value_of(HeaderId::Etag) else { return };
    if !tag.starts_with(b"W/") {
        let weak = [b"W/", tag].concat();
        headers.set_id(HeaderId::Etag, &weak);
    }
}

fn fit_method(text: &str) -> Result<(), Problem> {
    let is_token = !text.is_empty() && text.bytes().all(is_token_byte);
    match text {
        "HEAD" | "CONNECT" => Err(Problem::new(format!("an answer to {text} has another form"))),
        _ if is_token => Ok(()),
        _ => Err(Problem::new("this is no method").help("write a method such as POST")),
    }
}

fn fit_status(status: u16) -> Result<(), Problem> {
    match status {
        204 | 205 | 304 => Err(Problem::new(format!("an answer with {status} has no body"))),
        200..=599 => Ok(()),
        _ => Err(Problem::new("this is no status").help("write a status from 200 to 599")),
    }
}

/// The statuses of `when`.
fn statuses(spec: &WhenSpec, cx: &mut BuildCx<'_, '_>) -> Option<Vec<RangeInclusive<u16>>> {
    if spec.status.is_empty() {
        return Some(vec![200..=299]);
    }
    let mut ranges = Vec::new();
    for status in &spec.status {
        let range = status_range(&status.value);
        check(status, cx.reader, |_| match range {
            Some(_) => Ok(()),
            None => Err(Problem::new("this is no status").help("write `200` or `2xx`")),
        });
        ranges.push(range);
    }
    ranges.into_iter().collect()
}

fn status_range(text: &str) -> Option<RangeInclusive<u16>> {
    if let Some(class @ "1" | class @ "2" | class @ "3" | class @ "4" | class @ "5") =
        text.strip_suffix("xx")
    {
        let first = class.parse::<u16>().ok()? * 100;
        return Some(first..=first + 99);
    }
    let status = text.parse().ok().filter(|status| (100..=599).contains(status))?;
    Some(status..=status)
}

/// The attribute that lists which changes of answers are meant.
const MARKS: &str = "transform";
/// Digests of the body as it was (RFC 9530 and its forerunners).
const DIGESTS: &[&[u8]] = &[b"Content-Digest", b"Repr-Digest", b"Digest", b"Content-MD5"];

#[cfg(test)]
mod tests;
