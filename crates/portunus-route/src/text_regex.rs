//! A regex over bytes that must match from the first to the last.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use regex_automata::meta::{Config, Regex};
use regex_automata::util::{primitives::NonMaxUsize, syntax};
use regex_automata::{Input, PatternID};

use crate::{Params, PatternError};

/// A regex that must match the whole text, in time linear in its length. Classes like `\w` are
/// ASCII.
///
/// Two of them are equal when their source is.
#[derive(Clone)]
pub struct TextRegex {
    inner: Arc<Inner>,
}

struct Inner {
    source: String,
    regex: Regex,
    groups: Vec<Group>,
}

/// A named group and its number.
struct Group {
    name: String,
    number: usize,
}

impl TextRegex {
    /// Compiles a regex; `at` is where it starts in the text that the user wrote.
    ///
    /// # Errors
    /// What is no regex, is too large when compiled, or has too many groups.
    pub fn parse(source: &str, at: usize) -> Result<Self, PatternError> {
        let syntax = syntax::Config::new().unicode(false).utf8(false);
        // Read alone first: a stray `)` must not close the group that anchors the whole.
        syntax::parse_with(source, &syntax).map_err(|error| invalid(at, &error.to_string()))?;
        let limits = Config::new()
            .utf8_empty(false)
            .nfa_size_limit(Some(COMPILED_BYTES_MAX))
            .hybrid_cache_capacity(CACHE_BYTES_MAX);
        let regex = Regex::builder()
            .configure(limits)
            .syntax(syntax)
            .build(&format!(r"\A(?:{source})\z"))
            .map_err(|error| too_large(at, &error.to_string()))?;
        if regex.captures_len() > GROUPS_MAX {
            let message = format!("a regex with more than {} groups", GROUPS_MAX - 1);
            return Err(PatternError::new(at, message, "write `(?:...)` where no value is needed"));
        }
        let groups = named_groups(&regex);
        Ok(Self { inner: Arc::new(Inner { source: source.to_owned(), regex, groups }) })
    }

    /// The regex as it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.inner.source
    }

    /// True when it matches the whole text.
    #[must_use]
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.inner.regex.is_match(text)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.inner.groups.iter().map(|group| group.name.as_str())
    }

    pub(crate) fn has_names(&self) -> bool {
        !self.inner.groups.is_empty()
    }

    /// Adds what the named groups matched; a group that took no part is left out.
    pub(crate) fn capture(&self, text: &[u8], params: &mut Params) {
        let mut slots: [Option<NonMaxUsize>; GROUPS_MAX * 2] = [None; GROUPS_MAX * 2];
        if self.inner.regex.search_slots(&Input::new(text), &mut slots).is_none() {
            return;
        }
        for group in &self.inner.groups {
            let edge = |slot: usize| slots.get(slot).copied().flatten().map(NonMaxUsize::get);
            let range = edge(group.number * 2).zip(edge(group.number * 2 + 1));
            if let Some(value) = range.and_then(|(start, end)| text.get(start..end)) {
                params.push(&group.name, value);
            }
        }
    }
}

impl fmt::Debug for TextRegex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TextRegex({:?})", self.source())
    }
}

impl fmt::Display for TextRegex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "~ {}", self.source())
    }
}

impl PartialEq for TextRegex {
    fn eq(&self, other: &Self) -> bool {
        self.source() == other.source()
    }
}

impl Eq for TextRegex {}

impl Hash for TextRegex {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.source().hash(state);
    }
}

impl Ord for TextRegex {
    fn cmp(&self, other: &Self) -> Ordering {
        self.source().cmp(other.source())
    }
}

impl PartialOrd for TextRegex {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn named_groups(regex: &Regex) -> Vec<Group> {
    let names = regex.group_info().pattern_names(PatternID::ZERO).enumerate();
    let named = names.filter_map(|(number, name)| Some(Group { name: name?.to_owned(), number }));
    named.collect()
}

/// The regex crate draws a picture; its last line has the reason.
fn invalid(at: usize, error: &str) -> PatternError {
    let reason = error.lines().last().unwrap_or(error);
    let reason = reason.strip_prefix("error: ").unwrap_or(reason);
    PatternError::new(at, format!("not a regex: {reason}"), "see https://docs.rs/regex/#syntax")
}

fn too_large(at: usize, error: &str) -> PatternError {
    let help = "use smaller counts in `{n,m}`, or split it into several rules";
    PatternError::new(at, format!("a regex that cannot be compiled: {error}"), help)
}

/// The size of a compiled regex.
const COMPILED_BYTES_MAX: usize = 1 << 20;
/// What one worker may keep of a regex's lazily built states.
const CACHE_BYTES_MAX: usize = 256 << 10;
/// Groups of a regex, with the unnamed group of the whole.
const GROUPS_MAX: usize = 32;

#[cfg(test)]
mod tests;
