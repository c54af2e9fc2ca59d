//! Features that this crate knows only by name.

use portunus_spec::{Node, Reader, Shape, Span, Spanned, Spec, Value};

/// A filter, or a named chain of filters: a bare name, or a map of one key.
#[derive(Clone, Debug)]
pub struct UseSpec {
    /// The kind of filter, or the name of a chain.
    pub name: Spanned<String>,
    /// Its settings, read by the filter's factory; nothing for a bare name.
    pub node: Node,
}

impl Spec for UseSpec {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let help = "write a name, or one name with its settings: {rate_limit: 100/s}";
        kind(node, reader, "a filter", help).map(|(name, node)| Self { name, node })
    }

    fn write(&self) -> Node {
        write_kind(&self.name, &self.node)
    }

    fn shape() -> Shape {
        Shape::Open("filter")
    }
}

/// Where endpoints come from: a provider with its settings.
#[derive(Clone, Debug)]
pub struct DiscoverSpec {
    /// The provider.
    pub name: Spanned<String>,
    /// Its settings, read by the provider.
    pub node: Node,
}

impl Spec for DiscoverSpec {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let help = "write one provider with its settings: {dns: orders.internal:8080}";
        kind(node, reader, "a provider", help).map(|(name, node)| Self { name, node })
    }

    fn write(&self) -> Node {
        write_kind(&self.name, &self.node)
    }

    fn shape() -> Shape {
        Shape::Open("provider")
    }
}

/// A key of a later version: known, so that nobody believes it is on.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct NotYet;

impl Spec for NotYet {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let key = reader.path().rsplit('.').next().unwrap_or_default().to_owned();
        let error =
            reader.error(node.span, format!("`{key}` is not supported by this version yet"));
        error.help(format!("remove `{key}`; nothing here does its work"));
        None
    }

    fn write(&self) -> Node {
        Node::default()
    }

    fn shape() -> Shape {
        Shape::Never
    }

    fn absent() -> Option<Self> {
        Some(Self)
    }
}

/// A kind and its settings: a bare name, or a map of one key.
fn kind(
    node: &Node,
    reader: &mut Reader<'_>,
    expected: &str,
    help: &str,
) -> Option<(Spanned<String>, Node)> {
    if let Some(name) = node.scalar() {
        return Some((Spanned::new(node.span, name.into_owned()), Node::default()));
    }
    match &node.value {
        Value::Map(entries) => match entries.as_slice() {
            [one] => Some((one.key.clone(), one.value.clone())),
            [_, second, ..] => {
                let error =
                    reader.error(second.key.span, format!("{expected} is one key, not two"));
                error.help("start a new item of the list with `-`");
                None
            }
            [] => {
                reader
                    .error(node.span, format!("expected {expected}, found an empty map"))
                    .help(help);
                None
            }
        },
        _ => {
            reader.wrong_kind(node, expected).help(help);
            None
        }
    }
}

fn write_kind(name: &Spanned<String>, node: &Node) -> Node {
    match node.value {
        Value::Null => Node::text(&name.value),
        _ => Node::map([(name.value.clone(), Node { span: Span::NONE, ..node.clone() })]),
    }
}
