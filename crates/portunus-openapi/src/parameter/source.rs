//! Where the text of a parameter comes from: one text, or pairs of names and values.

use std::collections::HashMap;

use super::style::{self, Split, Style, split_once, split_text};
use super::{Class, Shape};

/// A pair of a query, a form or a cookie; the value still as it was written.
#[derive(Clone, Debug)]
pub(crate) struct Pair<'a> {
    pub(crate) name: String,
    pub(crate) raw: &'a [u8],
}

/// What a parameter is read from.
pub(crate) enum Source<'a> {
    /// A part of the path, percent-encoded; `None` where it is not there.
    Segment(Option<&'a [u8]>),
    /// The values of a header, joined; `None` where it is not there.
    Header(Option<&'a [u8]>),
    /// A query or a form. What others than this parameter claim is not of an object that takes all keys.
    Pairs { pairs: &'a [Pair<'a>], is_free: &'a dyn Fn(&str) -> bool },
}

/// The pairs of a query or of a form, up to one more than there may be; names with broken text are left as they are
/// best readable.
pub(crate) fn pairs(query: &[u8]) -> Vec<Pair<'_>> {
    let pair = |(name, raw)| Pair { name: lossy(name), raw };
    portunus_http::query_pairs(query).map(pair).take(PAIRS_MAX + 1).collect()
}

impl Source<'_> {
    /// The parts of the parameter's text, as a value of one class. `None` where the parameter is absent.
    pub(super) fn split(
        &self,
        name: &str,
        form: (Style, bool),
        (class, shape): (Class, &Shape),
    ) -> Result<Option<Split>, &'static str> {
        match self {
            Self::Segment(None) | Self::Header(None) => Ok(None),
            Self::Segment(Some(raw)) => split_text(name, form, class, raw, decoded).map(Some),
            Self::Header(Some(raw)) => split_text(name, form, class, raw, trimmed).map(Some),
            Self::Pairs { pairs, is_free } => {
                let of_pairs = OfPairs { name, pairs, is_free };
                of_pairs.split(form, (class, shape))
            }
        }
    }

    /// The parameter's text as one.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, &'static str> {
        match self {
            Self::Segment(raw) => raw.map(decoded).transpose(),
            Self::Header(raw) => raw.map(trimmed).transpose(),
            Self::Pairs { pairs, is_free } => {
                OfPairs { name, pairs, is_free }.one()?.map(form_decoded).transpose()
            }
        }
    }
}

struct OfPairs<'a> {
    name: &'a str,
    pairs: &'a [Pair<'a>],
    is_free: &'a dyn Fn(&str) -> bool,
}

impl<'a> OfPairs<'a> {
    fn split(
        &self,
        (style, explode): (Style, bool),
        (class, shape): (Class, &Shape),
    ) -> Result<Option<Split>, &'static str> {
        match (class, style, explode) {
            (Class::Scalar, ..) => {
                self.one()?.map(|raw| form_decoded(raw).map(Split::Scalar)).transpose()
            }
            (Class::Object, Style::DeepObject, _) => self.deep(),
            (Class::Object, Style::Form, true) => self.spread(shape),
            (Class::Array, _, true) => self.repeated(),
            (_, Style::SpaceDelimited, _) => self.delimited(class, &[b"%20", b"+"]),
            (_, Style::PipeDelimited, _) => self.piped(class),
            _ => self.delimited(class, &[b","]),
        }
    }

    /// The one pair of the parameter's name.
    fn one(&self) -> Result<Option<&'a [u8]>, &'static str> {
        let mut own = self.pairs.iter().filter(|pair| pair.name == self.name);
        let first = own.next().map(|pair| pair.raw);
        match own.next() {
            Some(_) => Err("is given more than once"),
            None => Ok(first),
        }
    }

    /// `color=blue&color=black`
    fn repeated(&self) -> Result<Option<Split>, &'static str> {
        let own = self.pairs.iter().filter(|pair| pair.name == self.name);
        let items: Vec<String> =
            own.map(|pair| form_decoded(pair.raw)).collect::<Result<_, _>>()?;
        Ok((!items.is_empty()).then_some(Split::Array(items)))
    }

    /// `color=blue,black`
    fn delimited(&self, class: Class, by: &[&[u8]]) -> Result<Option<Split>, &'static str> {
        let Some(raw) = self.one()? else { return Ok(None) };
        let pieces = pieces(raw, by);
        style::joined(&pieces, false, class, form_decoded).map(Some)
    }

    /// `color=blue|black`. By the letter the pipes are encoded; where some are not, only those are delimiters.
    fn piped(&self, class: Class) -> Result<Option<Split>, &'static str> {
        let is_bare = self.one()?.is_some_and(|raw| raw.contains(&b'|'));
        self.delimited(class, if is_bare { &[b"|"] } else { &[b"%7C", b"%7c"] })
    }

    /// `color[R]=100&color[G]=200`
    fn deep(&self) -> Result<Option<Split>, &'static str> {
        let key = |name: &str| {
            let key = name.strip_prefix(self.name)?.strip_prefix('[')?.strip_suffix(']')?;
            Some(key.to_owned())
        };
        self.object(|pair| key(&pair.name))
    }

    /// `R=100&G=200`
    fn spread(&self, shape: &Shape) -> Result<Option<Split>, &'static str> {
        let is_own = |name: &str| {
            shape.property(name).is_some() || shape.takes_others() && (self.is_free)(name)
        };
        self.object(|pair| is_own(&pair.name).then(|| pair.name.clone()))
    }

    fn object(
        &self,
        key: impl Fn(&Pair<'_>) -> Option<String>,
    ) -> Result<Option<Split>, &'static str> {
        let mut object: Vec<(String, Vec<String>)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for pair in self.pairs {
            let Some(key) = key(pair) else { continue };
            let value = form_decoded(pair.raw)?;
            let place = *places.entry(key.clone()).or_insert(object.len());
            match object.get_mut(place) {
                Some((_, values)) => values.push(value),
                None => object.push((key, vec![value])),
            }
        }
        Ok((!object.is_empty()).then_some(Split::Object(object)))
    }
}

/// The pieces between delimiters of several spellings; of an empty text none.
fn pieces<'r>(raw: &'r [u8], by: &[&[u8]]) -> Vec<&'r [u8]> {
    let mut pieces = Vec::new();
    if raw.is_empty() {
        return pieces;
    }
    let (mut start, mut at) = (0, 0);
    while let Some(rest) = raw.get(at..).filter(|rest| !rest.is_empty()) {
        // One more than there may be is enough to be refused.
        if pieces.len() > style::PIECES_MAX {
            return pieces;
        }
        match by.iter().find(|delimiter| rest.starts_with(delimiter)) {
            Some(delimiter) => {
                pieces.push(raw.get(start..at).unwrap_or_default());
                at += delimiter.len();
                start = at;
            }
            None => at += 1,
        }
    }
    pieces.push(raw.get(start..).unwrap_or_default());
    pieces
}

/// Percent-decoded, as in a path.
fn decoded(raw: &[u8]) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(raw.len());
    portunus_http::percent_decode_into(raw, &mut bytes);
    String::from_utf8(bytes).map_err(|_| NOT_UTF8)
}

/// As in a form: `+` is a space.
fn form_decoded(raw: &[u8]) -> Result<String, &'static str> {
    String::from_utf8(portunus_http::form_decoded(raw)).map_err(|_| NOT_UTF8)
}

/// As in a header: without the spaces around.
fn trimmed(raw: &[u8]) -> Result<String, &'static str> {
    let text = std::str::from_utf8(raw.trim_ascii()).map_err(|_| "is not UTF-8")?;
    Ok(text.to_owned())
}

fn lossy(raw: &[u8]) -> String {
    form_decoded(raw).unwrap_or_else(|_| String::from_utf8_lossy(raw).into_owned())
}

/// The pairs of a `Cookie` header, up to one more than there may be.
pub(crate) fn cookies<'a>(header: &'a [u8]) -> impl Iterator<Item = Pair<'a>> {
    let parts = header.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    parts.filter(|part| !part.is_empty()).take(PAIRS_MAX + 1).map(|part| {
        let (name, raw) = split_once(part, b'=');
        Pair { name: String::from_utf8_lossy(name).into_owned(), raw: raw.unwrap_or_default() }
    })
}

/// Most pairs of a query, a form, or a cookie: each may be looked at for each parameter.
pub(crate) const PAIRS_MAX: usize = 1000;

const NOT_UTF8: &str = "is not UTF-8";
