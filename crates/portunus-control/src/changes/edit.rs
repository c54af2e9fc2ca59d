//! Where the weight of an endpoint is written in a file, and the edit that makes it another one.
//!
//! An edit changes that and nothing else: comments, quotes and layout stay. Whoever makes one reads the text again and
//! sees whether it says what it should.

use portunus_spec::{Node, Span, Value};

/// Some bytes of a text and what takes their place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Edit {
    pub(crate) at: Span,
    pub(crate) text: String,
}

/// The edit that gives the endpoint at `index` of an upstream the weight. `upstream` is what is written of the upstream,
/// and `text` gives the text of the file that a span is of.
///
/// # Errors
/// Why it cannot be edited, as the end of a sentence.
pub(crate) fn weight_edit<'t>(
    upstream: &Node,
    index: usize,
    weight: u32,
    text: impl Fn(Span) -> Option<&'t str>,
) -> Result<Edit, &'static str> {
    let list = match &upstream.value {
        Value::Map(_) => upstream.get("endpoints").ok_or(ELSEWHERE)?,
        _ => upstream,
    };
    let (item, is_alone) = match list.items() {
        Some(items) => (items.get(index).ok_or(ELSEWHERE)?, false),
        None => (list, true),
    };
    let text = text(item.span).ok_or(ELSEWHERE)?;
    match item.entries() {
        Some(_) => in_map(item, weight, text),
        None => in_place_of_url(item.span, is_alone, weight, text),
    }
}

/// Applies edits of one text, which do not overlap.
pub(crate) fn apply(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|edit| edit.at.start);
    let mut out = text.to_owned();
    for edit in edits.iter().rev() {
        if out.get(edit.at.start..edit.at.end).is_some() {
            out.replace_range(edit.at.start..edit.at.end, &edit.text);
        }
    }
    out
}

/// A URL alone becomes a map with it, and a list where it stood for one.
fn in_place_of_url(
    at: Span,
    is_alone: bool,
    weight: u32,
    text: &str,
) -> Result<Edit, &'static str> {
    let url = text.get(at.start..at.end).ok_or(ELSEWHERE)?;
    let is_quoted = url.starts_with(['"', '\'']);
    let url = match url.contains(['[', ']', '{', '}', ',']) && !is_quoted {
        true => format!("\"{url}\""),
        false => url.to_owned(),
    };
    let map = format!("{{url: {url}, weight: {weight}}}");
    Ok(Edit { at, text: if is_alone { format!("[{map}]") } else { map } })
}

fn in_map(item: &Node, weight: u32, text: &str) -> Result<Edit, &'static str> {
    let entry = |key: &str| item.entries()?.iter().find(|entry| entry.key.value == key);
    if let Some(written) = entry("weight") {
        let at = written.value.span;
        let number = text.get(at.start..at.end).unwrap_or_default().trim_matches(['"', '\'']);
        return match number.parse::<u32>() {
            Ok(_) => Ok(Edit { at, text: weight.to_string() }),
            Err(_) => Err("its weight is not written as a number there"),
        };
    }
    let url = entry("url").ok_or(ELSEWHERE)?;
    let is_flow = text.get(item.span.start..).is_some_and(|rest| rest.starts_with('{'));
    let end = url.value.span.end;
    if is_flow {
        let at = Span { start: end, ..url.value.span };
        return Ok(Edit { at, text: format!(", weight: {weight}") });
    }
    line_below(url.key.span, end, weight, text).ok_or(ELSEWHERE)
}

/// A line of its own below that of the URL, as far to the right as its key.
fn line_below(key: Span, end: usize, weight: u32, text: &str) -> Option<Edit> {
    let before = text.get(..key.start)?;
    let before = before.rsplit_once('\n').map_or(before, |(_, line)| line);
    if !before.chars().all(|c| c == ' ' || c == '-') {
        return None;
    }
    let line_end = text.get(end..)?.find('\n').map_or(text.len(), |newline| end + newline);
    let (line_end, newline) = match text.get(..line_end)?.strip_suffix('\r') {
        Some(line) => (line.len(), "\r\n"),
        None => (line_end, "\n"),
    };
    let indent = " ".repeat(before.len());
    let at = Span { start: line_end, end: line_end, ..key };
    Some(Edit { at, text: format!("{newline}{indent}weight: {weight}") })
}

const ELSEWHERE: &str = "it is not written there in a way that can be edited";

#[cfg(test)]
mod tests;
