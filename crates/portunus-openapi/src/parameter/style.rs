//! Styles: how values are written in a text (OpenAPI, "Style Values"; RFC 6570).

use std::collections::HashSet;

use super::{Class, Place};

/// How a parameter is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Style {
    Matrix,
    Label,
    Simple,
    Form,
    SpaceDelimited,
    PipeDelimited,
    DeepObject,
}

/// The parts of a text, still without types.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Split {
    Scalar(String),
    Array(Vec<String>),
    /// Keys with their values: several for a key that is a list.
    Object(Vec<(String, Vec<String>)>),
}

impl Style {
    const ALL: [(&'static str, Self); 7] = [
        ("matrix", Self::Matrix),
        ("label", Self::Label),
        ("simple", Self::Simple),
        ("form", Self::Form),
        ("spaceDelimited", Self::SpaceDelimited),
        ("pipeDelimited", Self::PipeDelimited),
        ("deepObject", Self::DeepObject),
    ];

    /// The style of a word.
    pub(crate) fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == word).map(|(_, style)| *style)
    }

    /// The words for styles of parameters of a place.
    pub(crate) fn words(place: Place) -> impl Iterator<Item = &'static str> {
        let fits = move |(_, style): &&(&str, Self)| style.places().contains(&place);
        Self::ALL.iter().filter(fits).map(|(word, _)| *word)
    }

    /// Where parameters of this style may stand.
    pub(crate) fn places(self) -> &'static [Place] {
        match self {
            Self::Matrix | Self::Label => &[Place::Path],
            Self::Simple => &[Place::Path, Place::Header],
            Self::Form => &[Place::Query, Place::Cookie],
            Self::SpaceDelimited | Self::PipeDelimited | Self::DeepObject => &[Place::Query],
        }
    }
}

/// How the parts of a text become plain: percent-decoded or as they are.
pub(super) type Plain = fn(&[u8]) -> Result<String, &'static str>;

/// Parts a text that stands for itself: a segment of a path, or a header.
pub(super) fn split_text(
    name: &str,
    (style, explode): (Style, bool),
    class: Class,
    raw: &[u8],
    plain: Plain,
) -> Result<Split, &'static str> {
    match style {
        Style::Matrix => matrix(name, explode, class, raw, plain),
        Style::Label => {
            let rest = raw.strip_prefix(b".").ok_or("does not start with a dot")?;
            parts(rest, if explode { b'.' } else { b',' }, explode, class, plain)
        }
        _ => parts(raw, b',', explode, class, plain),
    }
}

/// `;color=blue`, `;color=blue;color=black`, `;R=100;G=200`.
fn matrix(
    name: &str,
    explode: bool,
    class: Class,
    raw: &[u8],
    plain: Plain,
) -> Result<Split, &'static str> {
    let rest = raw.strip_prefix(b";").ok_or("does not start with a semicolon")?;
    let own = |part| match split_once(part, b'=') {
        (key, value) if key == name.as_bytes() => Ok(value.unwrap_or_default()),
        _ => Err("is not written as ;name=value"),
    };
    match (class, explode) {
        (Class::Object, true) => parts(rest, b';', true, class, plain),
        (Class::Array, true) => {
            let parts = rest.split(|byte| *byte == b';').take(PIECES_MAX + 1);
            let items = parts.map(own).collect::<Result<Vec<_>, _>>()?;
            joined(&items, false, class, plain)
        }
        _ => parts(own(rest)?, b',', false, class, plain),
    }
}

/// Parts at a delimiter: items, keys and values in turn, or `key=value`.
pub(super) fn parts(
    raw: &[u8],
    delimiter: u8,
    explode: bool,
    class: Class,
    plain: Plain,
) -> Result<Split, &'static str> {
    if class == Class::Scalar {
        return plain(raw).map(Split::Scalar);
    }
    let pieces: Vec<&[u8]> = match raw {
        [] => Vec::new(),
        _ => raw.split(|byte| *byte == delimiter).take(PIECES_MAX + 1).collect(),
    };
    joined(&pieces, explode, class, plain)
}

/// A list or a map from its pieces.
pub(super) fn joined(
    pieces: &[&[u8]],
    explode: bool,
    class: Class,
    plain: Plain,
) -> Result<Split, &'static str> {
    if pieces.len() > PIECES_MAX {
        return Err("has too many parts");
    }
    if class == Class::Array {
        return pieces.iter().map(|piece| plain(piece)).collect::<Result<_, _>>().map(Split::Array);
    }
    let mut known = HashSet::new();
    let mut object: Vec<(String, Vec<String>)> = Vec::new();
    let mut put = |key: &[u8], value: &[u8]| {
        let (key, value) = (plain(key)?, plain(value)?);
        if !known.insert(key.clone()) {
            return Err("has a key that is given more than once");
        }
        object.push((key, vec![value]));
        Ok(())
    };
    match explode {
        true => {
            for piece in pieces {
                let (key, value) = split_once(piece, b'=');
                put(key, value.ok_or("is not written as key=value")?)?;
            }
        }
        false => {
            for pair in pieces.chunks(2) {
                let [key, value] = pair else { return Err("has a key without a value") };
                put(key, value)?;
            }
        }
    }
    Ok(Split::Object(object))
}

/// What stands before a byte, and what stands behind it if it is there.
pub(super) fn split_once(text: &[u8], byte: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|other| *other == byte) {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..)),
        None => (text, None),
    }
}

/// Most pieces of a list or of a map.
pub(super) const PIECES_MAX: usize = 1000;
