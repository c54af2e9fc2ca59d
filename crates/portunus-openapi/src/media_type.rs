//! Media types and ranges of them (RFC 9110 sections 8.3.1 and 12.5.1).

/// A media type, or a range of them such as `image/*`; lower case, without parameters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct MediaRange {
    kind: Box<str>,
    subtype: Box<str>,
}

impl MediaRange {
    /// Reads a range. `None` for text that is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let essence = text.split(';').next()?.trim().to_ascii_lowercase();
        let (kind, subtype) = essence.split_once('/')?;
        let is_token =
            |text: &str| !text.is_empty() && text.bytes().all(portunus_http::is_token_byte);
        (is_token(kind) && is_token(subtype))
            .then(|| Self { kind: Box::from(kind), subtype: Box::from(subtype) })
    }

    /// How closely the range describes a media type, more is closer. `None` where it does not.
    pub(crate) fn closeness(&self, other: &Self) -> Option<u8> {
        match (&*self.kind, &*self.subtype) {
            ("*", "*") => Some(0),
            (kind, "*") => (kind == &*other.kind).then_some(1),
            (kind, subtype) => (kind == &*other.kind && subtype == &*other.subtype).then_some(2),
        }
    }

    /// Whether it is JSON by its name (RFC 6839 section 3.1).
    pub(crate) fn is_json(&self) -> bool {
        let is_json = &*self.subtype == "json" || self.subtype.ends_with("+json");
        &*self.kind == "application" && is_json || &*self.kind == "text" && &*self.subtype == "json"
    }

    pub(crate) fn is_form(&self) -> bool {
        (&*self.kind, &*self.subtype) == ("application", "x-www-form-urlencoded")
    }

    /// A type of the range that can be written by hand.
    pub(crate) fn concrete(&self) -> Option<&'static str> {
        match &*self.kind {
            "*" | "application" => Some("application/json"),
            "text" => Some("text/plain; charset=utf-8"),
            _ => None,
        }
    }

    /// Whether it is one type, not a range.
    pub(crate) fn is_concrete(&self) -> bool {
        &*self.subtype != "*"
    }
}

impl std::fmt::Display for MediaRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.kind, self.subtype)
    }
}

/// Whether a text names a JSON type.
pub(crate) fn is_json(text: &str) -> bool {
    MediaRange::parse(text).is_some_and(|range| range.is_json())
}

/// The value of a parameter of a media type, such as `charset`, in lower case.
pub(crate) fn parameter(text: &str, name: &str) -> Option<String> {
    let parameters = text.split(';').skip(1);
    let mut pairs = parameters.filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case(name))?;
    Some(value.trim().trim_matches('"').to_ascii_lowercase())
}

/// An item of `Accept` with its weight in thousandths.
pub(crate) fn accepted(header: &[u8]) -> Vec<(MediaRange, u16)> {
    let item = |item: &[u8]| {
        let text = std::str::from_utf8(item).ok()?;
        let weight = parameter(text, "q").map_or(Some(1.0), |q| q.parse::<f32>().ok())?;
        let weight = (weight.clamp(0.0, 1.0) * 1000.0) as u16;
        Some((MediaRange::parse(text)?, weight))
    };
    portunus_http::list_items(header).take(ACCEPTED_MAX).filter_map(item).collect()
}

/// Most items of `Accept` that are looked at.
const ACCEPTED_MAX: usize = 32;

#[cfg(test)]
mod tests;
