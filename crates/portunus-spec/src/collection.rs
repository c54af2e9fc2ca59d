//! Lists, maps by name, and wrappers.

use crate::fields::unique;
use crate::{Node, Reader, Shape, Span, Spanned, Spec, Value};

/// A map from names to values, in the order written.
#[derive(Clone, Debug, PartialEq)]
pub struct Named<T>(pub Vec<(Spanned<String>, T)>);

impl<T> Named<T> {
    /// The value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(key, _)| key.value == name).map(|(_, value)| value)
    }

    /// Whether the name is there.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.iter().map(|(key, _)| key.value.as_str())
    }

    /// Names with their values.
    pub fn iter(&self) -> std::slice::Iter<'_, (Spanned<String>, T)> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'n, T> IntoIterator for &'n Named<T> {
    type Item = &'n (Spanned<String>, T);
    type IntoIter = std::slice::Iter<'n, (Spanned<String>, T)>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: Spec> Spec for Named<T> {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let Some(entries) = node.entries() else {
            reader.wrong_kind(node, "a map");
            return None;
        };
        let read = |reader: &mut Reader<'_>, key: &Spanned<String>, value: &Node| {
            Some((key.clone(), reader.key(key, |reader| T::read(value, reader))?))
        };
        let entries = unique(entries, reader);
        let named: Vec<_> =
            entries.iter().filter_map(|entry| read(reader, &entry.key, &entry.value)).collect();
        (named.len() == entries.len() || reader.is_lenient()).then_some(Self(named))
    }

    fn write(&self) -> Node {
        Node::map(self.iter().map(|(key, value)| (key.value.clone(), value.write())))
    }

    fn shape() -> Shape {
        Shape::Map(T::shape)
    }
}

/// A single value that is no list is a list of one; nothing is an empty list.
impl<T: Spec> Spec for Vec<T> {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        if node.value == Value::Null {
            return Some(Self::new());
        }
        let list: Self = match node.items() {
            Some(items) => (items.iter().enumerate())
                .filter_map(|(index, item)| reader.index(index, |reader| T::read(item, reader)))
                .collect(),
            None => T::read(node, reader).into_iter().collect(),
        };
        let count = node.items().map_or(1, <[Node]>::len);
        (list.len() == count || reader.is_lenient()).then_some(list)
    }

    fn write(&self) -> Node {
        Node::seq(self.iter().map(Spec::write))
    }

    fn shape() -> Shape {
        Shape::List(T::shape)
    }
}

impl<T: Spec> Spec for Option<T> {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        T::read(node, reader).map(Some)
    }

    fn write(&self) -> Node {
        self.as_ref().map(Spec::write).unwrap_or_default()
    }

    fn shape() -> Shape {
        T::shape()
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Spec> Spec for Box<T> {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        T::read(node, reader).map(Self::new)
    }

    fn write(&self) -> Node {
        T::write(self)
    }

    fn shape() -> Shape {
        T::shape()
    }

    fn absent() -> Option<Self> {
        T::absent().map(Self::new)
    }
}

impl<T: Spec> Spec for Spanned<T> {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { span: node.span, value: T::read(node, reader)? })
    }

    fn write(&self) -> Node {
        self.value.write()
    }

    fn shape() -> Shape {
        T::shape()
    }

    fn absent() -> Option<Self> {
        Some(Self { span: Span::NONE, value: T::absent()? })
    }
}

/// Anything, to be read later by whoever knows what it means.
impl Spec for Node {
    fn read(node: &Node, _reader: &mut Reader<'_>) -> Option<Self> {
        Some(node.clone())
    }

    fn write(&self) -> Node {
        self.clone()
    }

    fn shape() -> Shape {
        Shape::Any
    }
}
