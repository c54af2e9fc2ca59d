//! `rewrite.regex`: replaces the first match, with groups known when the filter is built.

use portunus_exchange::{Exchange, Template};
use portunus_filter::BuildCx;
use portunus_spec::Spanned;
use regex::bytes::{CaptureLocations, Regex};

use super::RegexSpec;

/// A compiled replacement.
pub(super) struct Replace {
    regex: Regex,
    parts: Vec<Part>,
}

enum Part {
    Text(Template),
    Group(usize),
}

/// A worker's own copy of the regex: the memory behind one is shared under a lock otherwise.
#[derive(Default)]
pub(super) struct RegexLocal(Option<(Regex, CaptureLocations)>);

impl Replace {
    pub(super) fn build(spec: &RegexSpec, cx: &mut BuildCx<'_, '_>) -> Option<Self> {
        let regex = match Regex::new(&spec.r#match.value) {
            Ok(regex) => regex,
            Err(fault) => {
                let reason = fault.to_string();
                let reason = reason.lines().last().unwrap_or("").trim_start_matches("error: ");
                let message = format!("not a regular expression: {reason}");
                cx.reader.error(spec.r#match.span, message);
                return None;
            }
        };
        let parts = parts(&spec.to, &regex, cx)?;
        Some(Self { regex, parts })
    }

    /// Replaces in `path`; `out` is memory to use.
    pub(super) fn run(
        &self,
        exchange: &Exchange,
        path: &mut Vec<u8>,
        out: &mut Vec<u8>,
        local: &mut RegexLocal,
    ) {
        let (regex, locations) = local.0.get_or_insert_with(|| {
            let regex = self.regex.clone();
            let locations = regex.capture_locations();
            (regex, locations)
        });
        let Some(found) = regex.captures_read(locations, path) else { return };
        let (before, after) = (path.get(..found.start()), path.get(found.end()..));
        out.clear();
        out.extend_from_slice(before.unwrap_or(b""));
        for part in &self.parts {
            match part {
                Part::Text(template) => template.render(exchange, out),
                Part::Group(index) => {
                    let range = locations.get(*index).and_then(|(start, end)| path.get(start..end));
                    out.extend_from_slice(range.unwrap_or(b""));
                }
            }
        }
        out.extend_from_slice(after.unwrap_or(b""));
        std::mem::swap(path, out);
    }
}

fn parts(to: &Spanned<String>, regex: &Regex, cx: &mut BuildCx<'_, '_>) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = to.value.as_str();
    while let Some((before, after)) = rest.split_once('$') {
        text.push_str(before);
        if let Some(tail) = after.strip_prefix('$') {
            text.push('$');
            rest = tail;
            continue;
        }
        let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let (name, tail) = after.split_at_checked(end.unwrap_or(after.len()))?;
        push_text(&mut parts, &mut text, to, cx)?;
        parts.push(Part::Group(group(name, regex).or_else(|| unknown(name, to, cx))?));
        rest = tail;
    }
    text.push_str(rest);
    push_text(&mut parts, &mut text, to, cx)?;
    Some(parts)
}

fn push_text(
    parts: &mut Vec<Part>,
    text: &mut String,
    to: &Spanned<String>,
    cx: &mut BuildCx<'_, '_>,
) -> Option<()> {
    if !text.is_empty() {
        let text = Spanned::new(to.span, std::mem::take(text));
        parts.push(Part::Text(cx.template(&text)?));
    }
    Some(())
}

fn group(name: &str, regex: &Regex) -> Option<usize> {
    match name.parse::<usize>() {
        Ok(index) => (index < regex.captures_len()).then_some(index),
        Err(_) => regex.capture_names().position(|known| known == Some(name)),
    }
}

fn unknown(name: &str, to: &Spanned<String>, cx: &mut BuildCx<'_, '_>) -> Option<usize> {
    let error = cx.reader.error(to.span, format!("the regex has no group `{name}`"));
    error.help("`$1` is the first group in parentheses, `$$` a dollar sign");
    None
}
