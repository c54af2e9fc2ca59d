//! What a keyed algorithm balances by.

use portunus_spec::{Node, Reader, Shape, Spec, spec, spec_enum};

/// The part of a request whose equal values go to the same endpoint. The data path hashes it to the
/// key of [`crate::PickCx`].
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub enum KeySource {
    /// The client's address, after trusted proxies.
    #[default]
    ClientIp,
    /// The path, without the query.
    Path,
    /// The value of a header.
    Header(String),
    /// The value of a cookie.
    Cookie(String),
    /// The value of a query parameter.
    Query(String),
}

impl Spec for KeySource {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        if node.scalar().is_some() {
            return KeyWord::read(node, reader).map(|word| match word {
                KeyWord::ClientIp => Self::ClientIp,
                KeyWord::Path => Self::Path,
            });
        }
        match KeyPartSpec::read(node, reader)? {
            KeyPartSpec { header: Some(name), cookie: None, query: None } => {
                Some(Self::Header(name))
            }
            KeyPartSpec { header: None, cookie: Some(name), query: None } => {
                Some(Self::Cookie(name))
            }
            KeyPartSpec { header: None, cookie: None, query: Some(name) } => {
                Some(Self::Query(name))
            }
            _ => {
                let error = reader.error(node.span, "a key is one part of the request");
                error.help("write client_ip, path, or one of header, cookie, query with a name");
                None
            }
        }
    }

    fn write(&self) -> Node {
        let part = |part, name: &str| Node::map([(part, Node::text(name))]);
        match self {
            Self::ClientIp => KeyWord::ClientIp.write(),
            Self::Path => KeyWord::Path.write(),
            Self::Header(name) => part("header", name),
            Self::Cookie(name) => part("cookie", name),
            Self::Query(name) => part("query", name),
        }
    }

    fn shape() -> Shape {
        Shape::OneOf(vec![KeyWord::shape(), KeyPartSpec::shape()])
    }
}

spec_enum! {
    /// A part of the request that needs no name.
    enum KeyWord {
        /// The client's address.
        ClientIp = "client_ip",
        /// The path, without the query.
        Path = "path",
    }
}

spec! {
    /// A part of the request by its name. Exactly one of the keys.
    struct KeyPartSpec {
        /// Name of a header.
        header: Option<String>,
        /// Name of a cookie.
        cookie: Option<String>,
        /// Name of a query parameter.
        query: Option<String>,
    }
}

#[cfg(test)]
mod tests;
