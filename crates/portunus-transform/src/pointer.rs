//! Places in a JSON document: JSON Pointer (RFC 6901), with `*` for all elements of an array.

/// A compiled pointer; empty for the whole document.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Pointer(Vec<Step>);

/// One step down.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Step {
    /// The key, when it leads through an object.
    pub(crate) key: Box<str>,
    /// Which elements, when it leads through an array.
    pub(crate) elements: Elements,
}

/// Which elements of an array a step means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Elements {
    /// The one at this index.
    At(usize),
    /// The one after the last: `-`.
    End,
    /// Each: `*`.
    All,
    /// None: the step is no index.
    None,
}

impl Pointer {
    /// Reads a pointer.
    ///
    /// # Errors
    /// What to write instead.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let Some(steps) = text.strip_prefix('/') else {
            return match text {
                "" => Ok(Self(Vec::new())),
                _ => Err("a place begins with `/`: `/user/name`"),
            };
        };
        let steps: Vec<Step> = steps.split('/').map(Step::parse).collect::<Result<_, _>>()?;
        if steps.len() > STEPS_MAX {
            return Err("a place is at most 64 steps deep");
        }
        Ok(Self(steps))
    }

    /// The steps to what holds the place, and the last one; None for the whole document.
    pub(crate) fn split_last(&self) -> Option<(&[Step], &Step)> {
        self.0.split_last().map(|(last, above)| (above, last))
    }

    pub(crate) fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Whether it may mean several places.
    pub(crate) fn is_many(&self) -> bool {
        self.0.iter().any(|step| step.elements == Elements::All)
    }

    /// Whether `other` is the same place or one within it.
    pub(crate) fn holds(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }
}

impl Step {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let mut tildes = text.split('~').skip(1);
        if tildes.any(|rest| !rest.starts_with(['0', '1'])) {
            return Err("`~` stands for itself as `~0`, and `~1` for `/`");
        }
        let key = text.replace("~1", "/").replace("~0", "~");
        Ok(Self { elements: Elements::of(&key), key: key.into() })
    }
}

impl Elements {
    fn of(key: &str) -> Self {
        let is_index =
            key == "0" || (!key.starts_with('0') && key.bytes().all(|b| b.is_ascii_digit()));
        match key {
            "-" => Self::End,
            "*" => Self::All,
            _ if is_index => key.parse().map_or(Self::None, Self::At),
            _ => Self::None,
        }
    }
}

/// Deep enough for any document that people point into.
const STEPS_MAX: usize = 64;

#[cfg(test)]
mod tests;
