//! `mock`: answers as an OpenAPI document says, without a service.

mod table;

use std::sync::Arc;

use bytes::Bytes;
use portunus_exchange::{Exchange, Phase, PhaseSet, Reply, ReplyBody};
use portunus_filter::{BuildCx, Buildable, Filter, FilterCx, FilterReason, Interest, Verdict};
use portunus_http::{HeaderId, HeaderList};
use portunus_route::Params;
use portunus_spec::{Spanned, spec};

use crate::finder::Finder;
use crate::load::{self, Shared};
use crate::media_type::accepted;
use crate::operation::Operation;
use crate::prefer::Preferences;
use crate::validate::{ChoiceSpec, PathChoiceSpec, check_base};
use table::{MockAnswer, MockMedia, MockTable};

spec! {
    /// Answers as an OpenAPI document says, without a service.
    ///
    /// The body is an example of the document, or one that is made up from the schema.
    pub struct MockSpec {
        short = openapi;
        /// A file with an OpenAPI document, 3.0 or 3.1, in YAML or JSON.
        openapi: Spanned<String>,
        /// Below which path of the request the paths of the document start; that of the first of its `servers`
        /// unless set.
        base: Option<Spanned<String>>,
        /// Which path and query are looked at: those that earlier filters left, or those that the client sent.
        path: PathChoiceSpec = PathChoiceSpec::Current,
        /// What is done with requests of no operation.
        unknown: ChoiceSpec = ChoiceSpec::Refuse,
    }
}

impl Buildable for MockSpec {
    const NAME: &'static str = "mock";
    const DOC: &'static str = "Answers as an OpenAPI document says, without a service.";
    const REASONS: &'static [FilterReason] = &[
        FilterReason::new(METHOD, 405, "The path has no operation of this method."),
        FilterReason::new(NO_ANSWER, 501, "The document describes no answer of the operation."),
        FilterReason::new(
            NOT_ACCEPTABLE,
            406,
            "The document describes no answer of a media type that the client accepts.",
        ),
        FilterReason::new(OPERATION, 404, "The request is of no operation."),
    ];

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        let fine = check_base(self.base.as_ref(), cx.reader);
        let mock = table::load(&self.openapi, cx)?;
        let base = self.base.as_ref().map_or(&*mock.server_path, |base| &base.value);
        let finder = load::finder(&mock.operations, base, &self.openapi, cx.reader);
        let finder = finder.filter(|_| fine)?;
        let passes_unknown = self.unknown == ChoiceSpec::Pass;
        Some(Arc::new(Mock { passes_unknown, path: self.path, mock, finder }))
    }
}

struct Mock {
    mock: Shared<MockTable>,
    finder: Finder,
    path: PathChoiceSpec,
    passes_unknown: bool,
}

impl Filter for Mock {
    fn interest(&self) -> Interest {
        Interest { phases: PhaseSet::NONE.with(Phase::Request), ..Interest::default() }
    }

    fn on_request(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        let mut params = Params::default();
        let find = |exchange: &mut Exchange| self.finder.find(&exchange.request, &mut params);
        let found = self.path.during(exchange, find);
        let index = match found {
            Ok(index) => index,
            Err(_) if self.passes_unknown => return Verdict::Continue,
            Err(none) if none.allow.is_empty() => {
                return Verdict::reply(Reply::problem(404, OPERATION));
            }
            Err(none) => {
                let reply = Reply::problem(405, METHOD).with_header("Allow", none.allow);
                return Verdict::reply(reply);
            }
        };
        let operation = self.mock.operations.get(index);
        let answers = self.mock.answers.get(index);
        let (Some(operation), Some(answers)) = (operation, answers) else {
            return Verdict::reply(Reply::problem(404, OPERATION));
        };
        exchange.attributes.set("operation", operation.name.as_bytes());
        let reply = answer(answers, &exchange.request.headers);
        cx.note(|| told(operation, &reply));
        Verdict::reply(reply)
    }
}

fn told(operation: &Operation, reply: &Reply) -> String {
    let Operation { name, method, path, .. } = operation;
    format!("operation {name} ({method} {path}): answered with {} as described", reply.status)
}

/// The answer that the client prefers, as far as there is such a one.
fn answer(answers: &[MockAnswer], headers: &HeaderList) -> Reply {
    let preferences = Preferences::read(headers);
    let code = preferences.value("code").and_then(|code| code.parse::<u16>().ok());
    let preferred = code.filter(|code| (200..600).contains(code));
    let preferred = preferred.and_then(|code| {
        let described = answers.iter().filter(|answer| answer.range.has(code));
        described.min_by_key(|answer| answer.range).map(|answer| (code, answer))
    });
    let mut applied = Vec::new();
    applied.extend(preferred.map(|(code, _)| format!("code={code}")));
    let Some((status, answer)) = preferred.or_else(|| usual(answers)) else {
        return Reply::problem(501, NO_ANSWER);
    };
    let Some(media) = negotiate(&answer.media, headers) else {
        return Reply::problem(406, NOT_ACCEPTABLE);
    };
    let mut reply = Reply::plain(status, ReplyBody::Empty);
    reply.headers.extend(answer.headers.iter().cloned());
    if let Some(media) = media.filter(|_| !matches!(status, 204 | 205 | 304)) {
        let named = preferences.value("example");
        let named = named.and_then(|name| media.example(name).map(|body| (name, body)));
        applied.extend(named.map(|(name, _)| format!("example=\"{name}\"")));
        let body = named.map(|(_, body)| body).or_else(|| media.first());
        reply.body = body.map_or(ReplyBody::Empty, |body| ReplyBody::Whole(body.clone()));
        reply = reply.with_header("Content-Type", media.content_type.clone());
    }
    if applied.is_empty() {
        return reply;
    }
    reply.with_header("Preference-Applied", Bytes::from(applied.join(", ")))
}

/// The answer of a request that went well, or else the first that there is. What comes before an answer is none.
fn usual(answers: &[MockAnswer]) -> Option<(u16, &MockAnswer)> {
    let is_final = |answer: &&MockAnswer| (200..600).contains(&answer.status);
    let fine = |answer: &&MockAnswer| (200..300).contains(&answer.status);
    let best = answers.iter().filter(fine).min_by_key(|answer| (answer.range, answer.status));
    best.or_else(|| answers.iter().find(is_final)).map(|answer| (answer.status, answer))
}

/// The form that the client accepts best; the first of those that it accepts alike. `None` where it accepts none of
/// them, and within it `None` where there is none.
fn negotiate<'m>(media: &'m [MockMedia], headers: &HeaderList) -> Option<Option<&'m MockMedia>> {
    let accepted: Vec<_> = headers.values_of(HeaderId::Accept).flat_map(accepted).collect();
    if media.is_empty() {
        return Some(None);
    }
    let weight = |media: &MockMedia| {
        let close = accepted
            .iter()
            .filter_map(|(range, weight)| Some((range.closeness(&media.range)?, *weight)));
        let close = close.max_by_key(|(closeness, _)| *closeness).map(|(_, weight)| weight);
        close.unwrap_or(if accepted.is_empty() { 1 } else { 0 })
    };
    // Of those that are accepted alike, one that has a body, and of these the first.
    let ranked = media.iter().map(|media| ((weight(media), media.first().is_some()), media));
    let best = ranked.rev().max_by_key(|(rank, _)| *rank);
    best.filter(|((weight, _), _)| *weight > 0).map(|(_, media)| Some(media))
}

const METHOD: &str = "mock.method";
const NO_ANSWER: &str = "mock.no_answer";
const NOT_ACCEPTABLE: &str = "mock.not_acceptable";
const OPERATION: &str = "mock.operation";

#[cfg(test)]
mod tests;
