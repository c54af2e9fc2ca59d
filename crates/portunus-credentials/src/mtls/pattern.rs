//! Texts with `*` for anything.

/// A text in which `*` stands for any text, also none.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    parts: Box<[Box<str>]>,
    /// Bytes that a `*` does not stand for.
    stops: &'static [u8],
}

impl Pattern {
    /// A pattern whose stars do not stand for bytes of `stops`.
    pub(super) fn new(text: &str, stops: &'static [u8]) -> Self {
        Self { parts: text.split('*').map(Box::from).collect(), stops }
    }

    /// Whether a text is as the pattern says.
    pub(super) fn fits(&self, text: &str) -> bool {
        let Some((first, rest)) = self.parts.split_first() else { return false };
        let Some(text) = text.strip_prefix(&**first) else { return false };
        self.fits_from(text, rest)
    }

    /// What follows a star. The first place of each part is as good as any later one: what lies between the two would
    /// have to be for this star instead of the next. So the time is linear in the text for each part.
    fn fits_from(&self, text: &str, parts: &[Box<str>]) -> bool {
        let Some((part, rest)) = parts.split_first() else { return text.is_empty() };
        if rest.is_empty() {
            let start = text.strip_suffix(&**part);
            return start.is_some_and(|start| self.is_for_star(start));
        }
        match text.find(&**part).and_then(|at| text.split_at_checked(at)) {
            Some((start, from)) if self.is_for_star(start) => {
                from.get(part.len()..).is_some_and(|text| self.fits_from(text, rest))
            }
            _ => false,
        }
    }

    fn is_for_star(&self, text: &str) -> bool {
        !text.bytes().any(|byte| self.stops.contains(&byte))
    }
}
