//! Lists.

use std::sync::Arc;

use super::Value;

/// A list: of the exchange, or made by the expression.
#[derive(Clone, Debug)]
pub(crate) enum List<'e> {
    Texts(&'e [Box<str>]),
    Json(&'e [serde_json::Value]),
    Made(Arc<[Value<'e>]>),
}

impl<'e> List<'e> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Texts(items) => items.len(),
            Self::Json(items) => items.len(),
            Self::Made(items) => items.len(),
        }
    }

    pub(crate) fn item(&self, at: usize) -> Option<Value<'e>> {
        match self {
            Self::Texts(items) => items.get(at).map(|text| Value::Text((&**text).into())),
            Self::Json(items) => items.get(at).map(Value::json),
            Self::Made(items) => items.get(at).cloned(),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Value<'e>> {
        (0..self.len()).map_while(|at| self.item(at))
    }

    /// Whether `test` holds for some item. Copies none of them.
    pub(crate) fn any(&self, mut test: impl FnMut(&Value<'_>) -> bool) -> bool {
        match self {
            Self::Texts(items) => items.iter().any(|text| test(&Value::Text((&**text).into()))),
            Self::Json(items) => items.iter().any(|item| test(&Value::json(item))),
            Self::Made(items) => items.iter().any(test),
        }
    }

    /// See [`Value::weight`].
    pub(crate) fn weight(&self) -> usize {
        let mut weight = self.len();
        self.any(|item| {
            weight += item.weight();
            false
        });
        weight
    }
}
