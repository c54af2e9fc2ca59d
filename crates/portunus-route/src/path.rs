//! Path patterns: how they are written, what they capture.

use std::fmt;

use crate::text_match::split_regex;
use crate::{Params, PatternError, TextRegex};

/// Which paths a rule is for.
///
/// | text | matches |
/// |---|---|
/// | `/health` | this path; `/health/` is another one |
/// | `/orders/{id}` | one segment, not empty, for each `{name}` |
/// | `/api/**` | `/api`, `/api/` and all below; what follows is the param `rest` |
/// | `~ /v[0-9]+/.*` | a regex over the whole path; named groups are params |
///
/// Literals compare with the normal form of the request's path: what a URL has to escape may be
/// written either way.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PathPattern {
    source: String,
    kind: Kind,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Segments { segments: Vec<Segment>, rest: bool },
    Regex(TextRegex),
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Segment {
    Literal(Box<[u8]>),
    Param(String),
}

/// The first and coarsest rank of a path: the order is that of the variants.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Tier {
    /// Literals and `{name}` up to the end.
    Complete,
    Regex,
    /// Ends in `**`.
    Rest,
}

impl PathPattern {
    /// Reads a pattern as it stands in the configuration.
    ///
    /// # Errors
    /// Text that is no pattern, or one that no request could match.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let kind = match split_regex(text) {
            Some((source, at)) => Kind::Regex(TextRegex::parse(source, at)?),
            None => parse_segments(text)?,
        };
        Ok(Self { source: text.to_owned(), kind })
    }

    /// The names that a match captures, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let (segments, rest, regex) = match &self.kind {
            Kind::Segments { segments, rest } => (segments.as_slice(), *rest, None),
            Kind::Regex(regex) => (&[][..], false, Some(regex)),
        };
        let params = segments.iter().filter_map(Segment::name);
        let groups = regex.into_iter().flat_map(TextRegex::names);
        params.chain(rest.then_some(REST)).chain(groups)
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.kind
    }

    pub(crate) fn tier(&self) -> Tier {
        match self.kind {
            Kind::Segments { rest: false, .. } => Tier::Complete,
            Kind::Segments { rest: true, .. } => Tier::Rest,
            Kind::Regex(_) => Tier::Regex,
        }
    }

    /// A text that two patterns share when they match the same paths.
    pub(crate) fn shape(&self) -> String {
        let (segments, rest) = match &self.kind {
            Kind::Segments { segments, rest } => (segments, *rest),
            Kind::Regex(regex) => return regex.to_string(),
        };
        let mut shape = String::new();
        for segment in segments {
            shape.push('/');
            match segment {
                Segment::Literal(text) => shape.push_str(&String::from_utf8_lossy(text)),
                Segment::Param(_) => shape.push_str("{}"),
            }
        }
        shape.push_str(if rest { "/**" } else { "" });
        shape
    }

    /// Adds what the pattern captures from a path that it matches.
    pub(crate) fn capture(&self, path: &[u8], params: &mut Params) {
        match &self.kind {
            Kind::Regex(regex) if regex.has_names() => regex.capture(path, params),
            Kind::Segments { segments, rest } => capture_segments(segments, *rest, path, params),
            Kind::Regex(_) => {}
        }
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl Segment {
    fn name(&self) -> Option<&str> {
        match self {
            Self::Literal(_) => None,
            Self::Param(name) => Some(name),
        }
    }
}

/// Splits the text after a `/` at the next one: the segment, and what follows if there is a `/`.
pub(crate) fn split_segment(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    let len = text.iter().position(|byte| *byte == b'/').unwrap_or(text.len());
    let (segment, tail) = text.split_at_checked(len).unwrap_or((text, &[]));
    (segment, tail.split_first().map(|(_, tail)| tail))
}

fn capture_segments(segments: &[Segment], rest: bool, path: &[u8], params: &mut Params) {
    if !rest && segments.iter().all(|segment| segment.name().is_none()) {
        return;
    }
    let mut tail = path.strip_prefix(b"/");
    for segment in segments {
        let Some(text) = tail else { break };
        let (value, after) = split_segment(text);
        if let Some(name) = segment.name() {
            params.push(name, value);
        }
        tail = after;
    }
    if rest {
        params.push(REST, tail.unwrap_or(&[]));
    }
}

fn parse_segments(text: &str) -> Result<Kind, PatternError> {
    let Some(relative) = text.strip_prefix('/') else {
        return Err(PatternError::new(0, "a path without its first `/`", START_HELP));
    };
    let count = relative.split('/').count();
    if count > SEGMENTS_MAX {
        let message = format!("a path of {count} segments");
        return Err(PatternError::new(0, message, format!("at most {SEGMENTS_MAX} are allowed")));
    }
    let (mut segments, mut at) = (Vec::with_capacity(count), 1);
    for (index, segment) in relative.split('/').enumerate() {
        let last = index + 1 == count;
        if segment == "**" {
            return end_in_rest(segments, last, at);
        }
        segments.push(parse_segment(segment, last, at)?);
        check_unique(&segments, at)?;
        at += segment.len() + 1;
    }
    Ok(Kind::Segments { segments, rest: false })
}

fn end_in_rest(segments: Vec<Segment>, last: bool, at: usize) -> Result<Kind, PatternError> {
    if !last {
        let help = "`**` is the rest of the path and stands at its end; `{name}` is one segment";
        return Err(PatternError::new(at, "something after `**`", help));
    }
    if segments.iter().any(|segment| segment.name() == Some(REST)) {
        let help = "give the segment another name";
        return Err(PatternError::new(at, "`{rest}` beside `**`, whose name it is", help));
    }
    Ok(Kind::Segments { segments, rest: true })
}

fn check_unique(segments: &[Segment], at: usize) -> Result<(), PatternError> {
    let Some((last, before)) = segments.split_last() else { return Ok(()) };
    let Some(name) = last.name() else { return Ok(()) };
    if before.iter().any(|segment| segment.name() == Some(name)) {
        let message = format!("`{{{name}}}` is there twice");
        return Err(PatternError::new(at, message, "give each segment its own name"));
    }
    Ok(())
}

fn parse_segment(text: &str, last: bool, at: usize) -> Result<Segment, PatternError> {
    let inner = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    if let Some(name) = inner.filter(|inner| !inner.contains(['{', '}'])) {
        return parse_name(name, at + 1).map(|()| Segment::Param(name.to_owned()));
    }
    if let Some(offset) = text.find(['{', '}', '*']) {
        return Err(PatternError::new(at + offset, "a pattern inside a segment", SEGMENT_HELP));
    }
    if let Some(offset) = text.find(['?', '#']) {
        let help = "match the query with `when: {query: {name: value}}`";
        return Err(PatternError::new(at + offset, "a path ends before `?` and `#`", help));
    }
    match text {
        "" if !last => Err(PatternError::new(at, "an empty segment", "write one `/`")),
        "." | ".." => {
            let help = "write the path without it: requests are normalised before they are matched";
            Err(PatternError::new(at, format!("a `{text}` segment never matches"), help))
        }
        _ => Ok(Segment::Literal(normal_literal(text))),
    }
}

fn parse_name(name: &str, at: usize) -> Result<(), PatternError> {
    let letters = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if letters {
        return Ok(());
    }
    let help = "write a letter, then letters, digits and `_`: `{order_id}`";
    Err(PatternError::new(at, format!("`{name}` is not a name"), help))
}

/// The form that a request's path has after normalisation: unreserved characters plain, the rest
/// that a URL may not have escaped, hex digits in upper case (RFC 3986 section 6.2.2).
fn normal_literal(text: &str) -> Box<[u8]> {
    let mut encoded = Vec::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            0..=b' ' | b'"' | b'<' | b'>' | b'`' | 0x7f.. => {
                encoded.extend_from_slice(format!("%{byte:02X}").as_bytes());
            }
            _ => encoded.push(byte),
        }
    }
    uppercase_escapes(&mut encoded);
    let mut normal = Vec::new();
    let changed = portunus_http::normalize_path(&encoded, &mut normal);
    if changed { normal.into() } else { encoded.into() }
}

fn uppercase_escapes(text: &mut [u8]) {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        let Some((_, after)) = rest.split_at_mut_checked(at + 1) else { return };
        let Some((digits, tail)) = after.split_first_chunk_mut::<2>() else { return };
        if digits.iter().all(u8::is_ascii_hexdigit) {
            digits.make_ascii_uppercase();
        }
        rest = tail;
    }
}

/// The name of what `**` matched.
const REST: &str = "rest";
/// Segments of a pattern: it bounds the depth of the tree.
const SEGMENTS_MAX: usize = 32;
const START_HELP: &str = "write `/path`, or `~ regex`";
const SEGMENT_HELP: &str = "only whole segments: `{name}` for one, `**` at the end for the rest; \
                            else write a regex: `~ /files/.*[.]png`";

#[cfg(test)]
mod tests;
