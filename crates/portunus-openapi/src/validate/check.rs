//! The filter `validate`: its hooks.

use portunus_exchange::{Exchange, Phase, PhaseSet, Reply};
use portunus_filter::{
    BodyNeed, BodyPiece, BuildCx, Filter, FilterCx, Interest, SlotId, Verdict, Way,
};
use portunus_http::{HeaderId, HeaderList, Method, list_items};
use portunus_route::Params;
use portunus_telemetry::DecisionId;

use super::refusal::{REQUEST, RESPONSE, Refusal};
use super::{ChoiceSpec, ValidateBodySpec, ValidateModeSpec, ValidateSpec};
use crate::finder::Finder;
use crate::load::{Loaded, Shared};
use crate::memory::{self, Memory, Seen};
use crate::operation::Operation;
use crate::request::{BodyFault, Strictness};
use crate::schema::Schemas;
use crate::violation::{Part, Violation};

/// The built filter.
pub(super) struct Validate {
    pub(super) target: Target,
    pub(super) strictness: Strictness,
    pub(super) body_bytes_max: usize,
    pub(super) decisions: Decisions,
    pub(super) slot: SlotId,
    pub(super) spec: ValidateSpec,
}

/// What is counted.
pub(super) struct Decisions {
    refused: DecisionId,
    would_refuse: DecisionId,
    answer_refused: DecisionId,
    answer_would_refuse: DecisionId,
    answer_unchecked: DecisionId,
}

impl Decisions {
    pub(super) fn new(cx: &mut BuildCx<'_, '_>) -> Self {
        Self {
            refused: cx.decision("refused"),
            would_refuse: cx.decision("would_refuse"),
            answer_refused: cx.decision("answer_refused"),
            answer_would_refuse: cx.decision("answer_would_refuse"),
            answer_unchecked: cx.decision("answer_unchecked"),
        }
    }
}

/// What messages are checked against.
pub(super) enum Target {
    Api { shared: Shared<Loaded>, finder: Finder },
    Schema(Schemas),
}

impl Filter for Validate {
    fn interest(&self) -> Interest {
        let phases = PhaseSet::NONE.with(Phase::Request);
        let is_off = self.spec.response == ValidateModeSpec::Off;
        Interest {
            phases: if is_off { phases } else { phases.with(Phase::Response) },
            request_body: match self.looks_into_requests() {
                true => self.need(self.spec.request),
                false => BodyNeed::None,
            },
            response_body: self.need(self.spec.response),
        }
    }

    fn needs_body(&self, way: Way, exchange: &Exchange) -> bool {
        let Some(operation) = memory::noted_body(exchange, way, self.slot) else { return false };
        let Target::Api { shared, .. } = &self.target else { return true };
        // By the media type that the body has now: an earlier filter may have made another one of it.
        let is_unread = |operation: &Operation| match way {
            Way::Request => operation.is_passed_unread(&exchange.request.headers),
            Way::Response => operation.is_answered_unread(&exchange.response),
        };
        !shared.api.operations().get(operation).is_some_and(is_unread)
    }

    fn on_request(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        self.spec.path.during(exchange, |exchange| self.request(exchange, cx))
    }

    fn on_request_body(
        &self,
        exchange: &mut Exchange,
        piece: &mut BodyPiece<'_>,
        cx: &mut FilterCx<'_>,
    ) -> Verdict {
        let Some((operation, Some(body))) = self.hear(exchange, piece, self.spec.request, cx)
        else {
            return Verdict::Continue;
        };
        let fault = match &self.target {
            Target::Api { shared, .. } => match shared.api.operations().get(operation) {
                Some(operation) => {
                    let headers = &exchange.request.headers;
                    shared.api.check_body(operation, headers, &body, &self.strictness)
                }
                None => Ok(()),
            },
            Target::Schema(schemas) => {
                schemas.check_body(&exchange.request, &body, &self.strictness)
            }
        };
        let refusal = fault.err().map(Refusal::of_body);
        give_back(piece, body, self.spec.request);
        self.judge(exchange, cx, refusal.into_iter().collect())
    }

    fn on_response(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        // What we answer ourselves is in no document.
        if exchange.endpoint_name.is_none() || exchange.reason.is_some() {
            return Verdict::Continue;
        }
        let Some((shared, operation)) = self.seen(exchange, cx) else { return Verdict::Continue };
        let looks = shared.api.looks_into(operation, &exchange.response, exchange.request.method);
        let is_opaque = !looks || is_encoded(&exchange.response.headers);
        if looks && is_opaque {
            cx.count(self.decisions.answer_unchecked);
        }
        let violations = shared.api.check_answer(operation, &exchange.response, &self.strictness);
        let is_judged = !violations.is_empty();
        let memory = cx.local::<Memory>(self.slot);
        memory.recall(exchange, self.slot, |seen| {
            (seen.is_opaque, seen.heard) = (is_opaque || is_judged, Some(Vec::new()));
        });
        let index = memory.recall(exchange, self.slot, |seen| seen.operation);
        let index = index.filter(|_| !is_opaque && !is_judged);
        memory::note_body(exchange, Way::Response, self.slot, index);
        self.judge_answer(exchange, cx, violations)
    }

    fn on_response_body(
        &self,
        exchange: &mut Exchange,
        piece: &mut BodyPiece<'_>,
        cx: &mut FilterCx<'_>,
    ) -> Verdict {
        let body = match self.hear(exchange, piece, self.spec.response, cx) {
            Some((_, Some(body))) => body,
            Some((_, None)) => {
                cx.count(self.decisions.answer_unchecked);
                return Verdict::Continue;
            }
            None => return Verdict::Continue,
        };
        let Some((shared, operation)) = self.seen(exchange, cx) else { return Verdict::Continue };
        let checked =
            shared.api.check_answer_body(operation, &exchange.response, &body, &self.strictness);
        let violations = match checked {
            Ok(()) => Vec::new(),
            Err(BodyFault::Unfit(violations)) => violations,
            Err(BodyFault::MediaType(_)) => {
                vec![Violation::new(Part::Body, "", "is of a media type that is not described")]
            }
            Err(BodyFault::Unreadable(why)) => {
                vec![Violation::new(Part::Body, "", format!("cannot be read: {why}"))]
            }
        };
        give_back(piece, body, self.spec.response);
        self.judge_answer(exchange, cx, violations)
    }
}

impl Validate {
    /// Finds the operation of a request, and checks its head.
    fn request(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        match &self.target {
            Target::Api { shared, finder } => {
                let mut params = Params::default();
                match shared.api.find(finder, &exchange.request, &mut params) {
                    Ok((index, operation)) => {
                        exchange.attributes.set("operation", operation.name.as_bytes());
                        cx.note(|| {
                            let Operation { name, method, path, .. } = operation;
                            format!("operation {name} ({method} {path})")
                        });
                        self.check_head(exchange, cx, (index, operation), &params)
                    }
                    Err(none) => self.unknown(exchange, cx, none.allow),
                }
            }
            Target::Schema(_) => {
                if exchange.request.headers.values_of(HeaderId::ContentType).count() > 1 {
                    let why =
                        Violation::new(Part::Header, "Content-Type", "is given more than once");
                    let refusal = Refusal::of_violations(400, REQUEST, vec![why]);
                    return self.judge(exchange, cx, vec![refusal]);
                }
                let is_opaque = is_encoded(&exchange.request.headers);
                if is_opaque && self.spec.encoded == ChoiceSpec::Refuse {
                    return self.judge(exchange, cx, vec![Refusal::encoded()]);
                }
                self.remember(exchange, cx, 0, is_opaque);
                Verdict::Continue
            }
        }
    }

    /// What a mode needs of a body: all of it to refuse it, or each piece to listen.
    fn need(&self, mode: ValidateModeSpec) -> BodyNeed {
        match mode {
            ValidateModeSpec::Enforce => BodyNeed::Buffered(self.body_bytes_max),
            ValidateModeSpec::Report => BodyNeed::Stream,
            ValidateModeSpec::Off => BodyNeed::None,
        }
    }

    fn looks_into_requests(&self) -> bool {
        let has_bodies = match &self.target {
            Target::Api { shared, .. } => {
                shared.api.operations().iter().any(Operation::has_checked_body)
            }
            Target::Schema(_) => true,
        };
        has_bodies && self.spec.body == ValidateBodySpec::Check
    }

    fn unknown(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>, allow: String) -> Verdict {
        cx.note(|| "the request is of no operation".to_owned());
        if self.spec.unknown == ChoiceSpec::Pass {
            return Verdict::Continue;
        }
        self.judge(exchange, cx, vec![Refusal::unknown(allow)])
    }

    fn check_head(
        &self,
        exchange: &mut Exchange,
        cx: &mut FilterCx<'_>,
        (index, operation): (usize, &Operation),
        params: &Params,
    ) -> Verdict {
        let Target::Api { shared, .. } = &self.target else { return Verdict::Continue };
        let checks_body = operation.has_checked_body() && self.spec.body == ValidateBodySpec::Check;
        let is_opaque = !checks_body || is_encoded(&exchange.request.headers);
        if self.spec.request == ValidateModeSpec::Off {
            self.remember(exchange, cx, index, true);
            return Verdict::Continue;
        }
        let request = &exchange.request;
        let mut refusals = Vec::new();
        let violations = shared.api.check_head(operation, request, params, &self.strictness);
        if !violations.is_empty() {
            refusals.push(Refusal::of_violations(400, REQUEST, violations));
        }
        if let Err(types) = shared.api.check_media_type(operation, &request.headers) {
            refusals.push(Refusal::of_body(BodyFault::MediaType(types)));
        }
        if !checks_body || operation.is_passed_unread(&request.headers) {
            let presence = shared.api.check_presence(operation, &request.headers);
            refusals.extend(presence.err().map(Refusal::of_body));
        }
        let is_encoded = is_encoded(&request.headers);
        if checks_body && is_encoded && self.spec.encoded == ChoiceSpec::Refuse {
            refusals.push(Refusal::encoded());
        }
        // One that is judged already is not judged by its body too.
        self.remember(exchange, cx, index, is_opaque || !refusals.is_empty());
        self.judge(exchange, cx, refusals)
    }

    fn remember(
        &self,
        exchange: &mut Exchange,
        cx: &mut FilterCx<'_>,
        operation: usize,
        is_opaque: bool,
    ) {
        memory::note_body(exchange, Way::Request, self.slot, (!is_opaque).then_some(operation));
        let seen = Seen { operation, is_opaque, heard: Some(Vec::new()) };
        cx.local::<Memory>(self.slot).remember(exchange, self.slot, seen);
    }

    /// The operation that the request was found to be of.
    fn seen(
        &self,
        exchange: &Exchange,
        cx: &mut FilterCx<'_>,
    ) -> Option<(&Shared<Loaded>, &Operation)> {
        let Target::Api { shared, .. } = &self.target else { return None };
        let memory = cx.local::<Memory>(self.slot);
        let operation = memory.recall(exchange, self.slot, |seen| seen.operation)?;
        shared.api.operations().get(operation).map(|operation| (shared, operation))
    }

    /// Takes a piece of a body in. With the last piece, the operation and all of the body; no body where it was too
    /// long to be heard out. `None` before that, and for bodies that nobody looks into.
    fn hear(
        &self,
        exchange: &Exchange,
        piece: &mut BodyPiece<'_>,
        mode: ValidateModeSpec,
        cx: &mut FilterCx<'_>,
    ) -> Option<(usize, Option<Vec<u8>>)> {
        let memory = cx.local::<Memory>(self.slot);
        let heard = memory.recall(exchange, self.slot, |seen| {
            if seen.is_opaque {
                return None;
            }
            if mode == ValidateModeSpec::Enforce {
                return Some((seen.operation, Some(std::mem::take(piece.bytes))));
            }
            let heard = seen.heard.as_mut();
            if heard.is_some_and(|heard| heard.len() + piece.bytes.len() > self.body_bytes_max) {
                seen.heard = None;
            }
            if let Some(heard) = &mut seen.heard {
                heard.extend_from_slice(piece.bytes);
            }
            piece.end.then(|| (seen.operation, seen.heard.take()))
        });
        heard.flatten()
    }

    /// The first of the reasons to refuse a request decides, where requests are refused at all.
    fn judge(
        &self,
        exchange: &mut Exchange,
        cx: &mut FilterCx<'_>,
        refusals: Vec<Refusal>,
    ) -> Verdict {
        let Some(refusal) = refusals.into_iter().next() else { return Verdict::Continue };
        match self.spec.request {
            ValidateModeSpec::Off => Verdict::Continue,
            ValidateModeSpec::Report => {
                cx.count(self.decisions.would_refuse);
                cx.note(|| format!("would refuse with {}: {}", refusal.reason, refusal.detail));
                exchange.attributes.set(VIOLATION, refusal.detail.as_bytes());
                Verdict::Continue
            }
            ValidateModeSpec::Enforce => {
                cx.count(self.decisions.refused);
                exchange.attributes.set(VIOLATION, refusal.detail.as_bytes());
                Verdict::reply(refusal.reply())
            }
        }
    }

    fn judge_answer(
        &self,
        exchange: &mut Exchange,
        cx: &mut FilterCx<'_>,
        violations: Vec<Violation>,
    ) -> Verdict {
        let Some(first) = violations.first() else { return Verdict::Continue };
        exchange.attributes.set(VIOLATION, format!("answer: {first}").as_bytes());
        if self.spec.response != ValidateModeSpec::Enforce {
            cx.count(self.decisions.answer_would_refuse);
            cx.note(|| format!("the answer's {first}"));
            return Verdict::Continue;
        }
        cx.count(self.decisions.answer_refused);
        // What is wrong with an answer is the business of those who run the service, not of its clients.
        let reply = Reply::problem(502, RESPONSE);
        Verdict::reply(reply.with_detail("The service answered otherwise than it is described."))
    }
}

/// Puts a body that was taken out of its piece back. One that was only listened to has gone on already.
fn give_back(piece: &mut BodyPiece<'_>, body: Vec<u8>, mode: ValidateModeSpec) {
    if mode == ValidateModeSpec::Enforce {
        *piece.bytes = body;
    }
}

/// Whether a body is compressed or encoded otherwise.
fn is_encoded(headers: &HeaderList) -> bool {
    let codings = headers.values_of(HeaderId::ContentEncoding).flat_map(list_items);
    codings.into_iter().any(|coding| !coding.eq_ignore_ascii_case(b"identity"))
}

impl Schemas {
    /// What the body of a request has against a schema that stands for itself.
    fn check_body(
        &self,
        request: &portunus_http::RequestHead,
        body: &[u8],
        strictness: &Strictness,
    ) -> Result<(), BodyFault> {
        let needs_body = matches!(request.method, Method::Post | Method::Put | Method::Patch);
        if body.is_empty() {
            let violation = Violation::new(Part::Body, "", "is required");
            return if needs_body { Err(BodyFault::Unfit(vec![violation])) } else { Ok(()) };
        }
        crate::request::check_json(self, &request.headers, body, strictness)
    }
}

/// The attribute that tells what was wrong first.
const VIOLATION: &str = "violation";
