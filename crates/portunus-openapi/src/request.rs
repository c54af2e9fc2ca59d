//! Requests against their operation.

use std::collections::BTreeMap;

use portunus_http::{HeaderId, HeaderList, RequestHead};
use portunus_route::Params;
use serde_json::{Map, Value};

use crate::api::Api;
use crate::json::{self, Bounds};
use crate::media_type::{self, MediaRange};
use crate::operation::{Body, Content, FormShape, Media, MediaKind, Operation};
use crate::parameter::{PAIRS_MAX, Pair, Parameter, Place, Shape, Source, cookies, pairs};
use crate::schema::message::short;
use crate::schema::{Flaw, SchemaId, Schemas};
use crate::violation::{Part, Violation};

/// How messages are checked.
#[derive(Clone, Copy, Debug)]
pub struct Strictness {
    /// Parameters of the query that no operation knows are refused.
    pub unknown_parameters: bool,
    /// Most violations that are told.
    pub violations_max: usize,
    /// Bounds on JSON.
    pub json: Bounds,
}

/// What is wrong with a body.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum BodyFault {
    /// It is of a media type that is not described; these are.
    MediaType(String),
    /// It is not what its media type says.
    Unreadable(String),
    /// It does not fit its schema.
    Unfit(Vec<Violation>),
}

impl Api {
    /// What the head of a request has against its operation.
    #[must_use]
    pub fn check_head(
        &self,
        operation: &Operation,
        request: &RequestHead,
        params: &Params,
        strictness: &Strictness,
    ) -> Vec<Violation> {
        let query = pairs(request.query().unwrap_or_default());
        let cookies = request.headers.values_of(HeaderId::Cookie).flat_map(cookies);
        let cookies: Vec<Pair<'_>> = cookies.take(PAIRS_MAX + 1).collect();
        for (pairs, part) in [(&query, Part::Query), (&cookies, Part::Cookie)] {
            if pairs.len() > PAIRS_MAX {
                let message = format!("has more than {PAIRS_MAX} parameters");
                return vec![Violation::new(part, "", message)];
            }
        }
        // Who reads the body may take either.
        if request.headers.values_of(HeaderId::ContentType).count() > 1 {
            let message = "is given more than once";
            return vec![Violation::new(Part::Header, "Content-Type", message)];
        }
        let mut violations = Vec::new();
        for parameter in &operation.parameters {
            let is_free = |key: &str| !claimed_by_others(operation, parameter, key);
            let joined;
            let source = match parameter.place {
                Place::Path => Source::Segment(operation.part(params, &parameter.name)),
                Place::Query => Source::Pairs { pairs: &query, is_free: &is_free },
                Place::Cookie => Source::Pairs { pairs: &cookies, is_free: &is_free },
                Place::Header => {
                    joined = header(&request.headers, &parameter.name);
                    Source::Header(joined.as_deref())
                }
            };
            let max = strictness.violations_max.saturating_sub(violations.len());
            check_parameter(parameter, &source, &self.requests, max, &mut violations);
        }
        if strictness.unknown_parameters {
            self.check_unknown(operation, &query, &mut violations);
        }
        violations.truncate(strictness.violations_max);
        violations
    }

    /// Whether the media type that a request names is one of its operation.
    ///
    /// # Errors
    /// What may be sent instead.
    pub fn check_media_type(
        &self,
        operation: &Operation,
        headers: &HeaderList,
    ) -> Result<(), String> {
        match &operation.body {
            Some(body) if headers.has(HeaderId::ContentType) && !body.content.0.is_empty() => {
                form(&body.content, headers).map(|_| ())
            }
            _ => Ok(()),
        }
    }

    /// What the body of a request has against its operation.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_body(
        &self,
        operation: &Operation,
        headers: &HeaderList,
        body: &[u8],
        strictness: &Strictness,
    ) -> Result<(), BodyFault> {
        let Some(Body { required, content }) = &operation.body else { return Ok(()) };
        if body.is_empty() {
            let violation = Violation::new(Part::Body, "", "is required");
            return if *required { Err(BodyFault::Unfit(vec![violation])) } else { Ok(()) };
        }
        check_content(content, &self.requests, headers, body, strictness)
    }

    /// What the head of a request says of a body that nobody looks into, where the operation needs one.
    pub(crate) fn check_presence(
        &self,
        operation: &Operation,
        headers: &HeaderList,
    ) -> Result<(), BodyFault> {
        let Some(Body { required, content }) = &operation.body else { return Ok(()) };
        let length = headers.value_of(HeaderId::ContentLength);
        if *required && length == Some(b"0") {
            return Err(BodyFault::Unfit(vec![Violation::new(Part::Body, "", "is required")]));
        }
        let is_sent = *required || length.is_some_and(|length| length != b"0");
        let names_none = !content.0.is_empty() && !headers.has(HeaderId::ContentType);
        if is_sent && names_none {
            return Err(BodyFault::MediaType(content.list()));
        }
        Ok(())
    }

    fn check_unknown(
        &self,
        operation: &Operation,
        query: &[Pair<'_>],
        violations: &mut Vec<Violation>,
    ) {
        let in_query = |parameter: &&Parameter| parameter.place == Place::Query;
        for pair in query {
            let mut known = operation.parameters.iter().filter(in_query);
            let is_known = known.any(|parameter| parameter.claims(&pair.name))
                || operation.query.iter().any(|(name, _)| **name == *pair.name)
                || self.keys.iter().any(|key| **key == *pair.name);
            if !is_known {
                let message = "is no parameter of this operation";
                violations.push(Violation::new(Part::Query, short(&pair.name), message));
            }
        }
    }
}

/// What a body has against the forms that are described for it.
pub(crate) fn check_content(
    content: &Content,
    schemas: &Schemas,
    headers: &HeaderList,
    body: &[u8],
    strictness: &Strictness,
) -> Result<(), BodyFault> {
    if content.0.is_empty() {
        return Ok(());
    }
    let media = form(content, headers).map_err(BodyFault::MediaType)?;
    let mut value = match &media.kind {
        MediaKind::Opaque => return Ok(()),
        MediaKind::Json => json::read(body, &strictness.json).map_err(BodyFault::Unreadable)?,
        MediaKind::Form(form) => read_form(form, body).map_err(BodyFault::Unreadable)?,
    };
    match media.schema {
        Some(schema) => fit(schemas.flaws(schema, &mut value, strictness.violations_max)),
        None => Ok(()),
    }
}

/// What a body of JSON has against a schema that stands for itself.
pub(crate) fn check_json(
    schemas: &Schemas,
    headers: &HeaderList,
    body: &[u8],
    strictness: &Strictness,
) -> Result<(), BodyFault> {
    let named = headers.value_of(HeaderId::ContentType);
    let is_json = named.is_none_or(|text| {
        str::from_utf8(text).is_ok_and(|text| media_type::is_json(text) && is_utf8(text))
    });
    if !is_json {
        return Err(BodyFault::MediaType("application/json".to_owned()));
    }
    let mut value = json::read(body, &strictness.json).map_err(BodyFault::Unreadable)?;
    fit(schemas.flaws(SchemaId::ONLY, &mut value, strictness.violations_max))
}

fn fit(flaws: Vec<Flaw>) -> Result<(), BodyFault> {
    if flaws.is_empty() {
        return Ok(());
    }
    let violations = flaws.into_iter().map(|flaw| Violation::of_flaw(Part::Body, "", flaw));
    Err(BodyFault::Unfit(violations.collect()))
}

impl Operation {
    /// Whether the media type that a request names is one that nobody looks into.
    pub(crate) fn is_passed_unread(&self, headers: &HeaderList) -> bool {
        self.body.as_ref().is_some_and(|body| is_unread(&body.content, headers))
    }
}

/// Whether the media type that headers name is a form that nobody looks into.
pub(crate) fn is_unread(content: &Content, headers: &HeaderList) -> bool {
    form(content, headers).is_ok_and(|media| matches!(media.kind, MediaKind::Opaque))
}

/// The form of a body that its media type names.
fn form<'c>(content: &'c Content, headers: &HeaderList) -> Result<&'c Media, String> {
    let text = headers.value_of(HeaderId::ContentType).and_then(|text| str::from_utf8(text).ok());
    let named = text.and_then(|text| Some((MediaRange::parse(text)?, text)));
    let found = named.and_then(|(range, text)| Some((content.find(&range)?, text)));
    match found {
        Some((media, text)) if !matches!(media.kind, MediaKind::Opaque) && !is_utf8(text) => {
            Err(format!("{}; charset=utf-8", media.written))
        }
        Some((media, _)) => Ok(media),
        None => Err(content.list()),
    }
}

/// Whether a media type leaves the text in UTF-8: JSON is (RFC 8259 section 8.1), and what is read so here must not be
/// read in another way behind us.
fn is_utf8(media_type: &str) -> bool {
    let charset = media_type::parameter(media_type, "charset");
    matches!(charset.as_deref(), None | Some("utf-8" | "utf8" | "us-ascii"))
}

/// The values of a form by its schema: keys that the schema does not list are texts.
fn read_form(form: &FormShape, body: &[u8]) -> Result<Value, String> {
    let pairs = pairs(body);
    if pairs.len() > PAIRS_MAX {
        return Err(format!("more than {PAIRS_MAX} pairs"));
    }
    let mut object = Map::new();
    let is_free = |_: &str| false;
    let mut others: BTreeMap<&str, Vec<Pair<'_>>> = BTreeMap::new();
    for pair in pairs.iter().filter(|pair| !form.keys.iter().any(|key| key.claims(&pair.name))) {
        others.entry(&pair.name).or_default().push(pair.clone());
    }
    for key in &form.keys {
        let source = Source::Pairs { pairs: &pairs, is_free: &is_free };
        let values = key.decode(&source).map_err(|why| format!("the key `{}` {why}", key.name))?;
        object.extend(values.into_iter().next().map(|value| (key.name.to_string(), value)));
    }
    for (name, pairs) in others {
        let key = Parameter::of_form(name, Shape::of_leaf(form.shape.key(name)), None);
        let source = Source::Pairs { pairs: &pairs, is_free: &is_free };
        let values = key.decode(&source).map_err(|why| format!("a key {why}"))?;
        object.extend(values.into_iter().next().map(|value| (name.to_owned(), value)));
    }
    Ok(Value::Object(object))
}

/// What a parameter has against its schema.
pub(crate) fn check_parameter(
    parameter: &Parameter,
    source: &Source<'_>,
    schemas: &Schemas,
    max: usize,
    violations: &mut Vec<Violation>,
) {
    let part = match parameter.place {
        Place::Path => Part::Path,
        Place::Query => Part::Query,
        Place::Header => Part::Header,
        Place::Cookie => Part::Cookie,
    };
    let violation = |message| Violation::new(part, &parameter.name, message);
    let mut values = match parameter.decode(source) {
        Ok(values) => values,
        Err(why) => return violations.push(violation(why)),
    };
    let is_empty = |value: &Value| value.as_str().is_some_and(str::is_empty);
    match values.first() {
        None if parameter.required => return violations.push(violation("is required")),
        Some(value) if parameter.empty && is_empty(value) => return,
        _ => {}
    }
    let Some(schema) = parameter.schema else { return };
    if values.iter_mut().any(|value| schemas.fits(schema, value)) {
        return;
    }
    if let Some(value) = values.first_mut() {
        let flaws = schemas.flaws(schema, value, max);
        let of_flaw = |flaw| Violation::of_flaw(part, &parameter.name, flaw);
        violations.extend(flaws.into_iter().map(of_flaw));
    }
}

/// Whether a key of the query is of another parameter than this one, by its name.
fn claimed_by_others(operation: &Operation, own: &Parameter, key: &str) -> bool {
    let others = operation.parameters.iter().filter(|other| {
        other.place == own.place && other.name != own.name && !other.claims_others()
    });
    others.into_iter().any(|other| other.claims(key))
}

/// The values of a header as one.
pub(crate) fn header(headers: &HeaderList, name: &str) -> Option<Vec<u8>> {
    let mut values = headers.values(name.as_bytes());
    let mut joined = values.next()?.to_vec();
    for value in values {
        joined.extend_from_slice(b", ");
        joined.extend_from_slice(value);
    }
    Some(joined)
}

#[cfg(test)]
mod tests;
