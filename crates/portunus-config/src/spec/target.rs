//! Where a route sends requests.

use std::fmt;

use portunus_spec::shape::{Json, Scalar};
use portunus_spec::{Named, Node, Reader, Shape, Spanned, Spec, Value};

use crate::EndpointUrl;

/// The forms of `to`.
#[derive(Clone, Debug)]
pub enum ToSpec {
    /// An upstream or a URL.
    One(TargetSpec),
    /// An upstream without a name: the URLs of its endpoints.
    Endpoints(Vec<Spanned<EndpointUrl>>),
    /// Several targets, each with its share.
    Split(Vec<WeightedSpec>),
}

/// An upstream's name, or the URL of a single endpoint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TargetSpec {
    /// The name of an upstream.
    Upstream(String),
    /// The URL of an endpoint.
    Url(EndpointUrl),
}

/// One part of a weighted split.
#[derive(Clone, Debug)]
pub struct WeightedSpec {
    /// Where to.
    pub target: Spanned<TargetSpec>,
    /// Its share of the sum of all weights.
    pub weight: Spanned<u32>,
}

impl ToSpec {
    /// All targets that it names, with their places; of a list of URLs none.
    pub fn targets(this: &Spanned<Self>) -> Vec<Spanned<&TargetSpec>> {
        match &this.value {
            Self::One(target) => vec![Spanned::new(this.span, target)],
            Self::Endpoints(_) => Vec::new(),
            Self::Split(parts) => parts
                .iter()
                .map(|part| Spanned::new(part.target.span, &part.target.value))
                .collect(),
        }
    }
}

impl Spec for ToSpec {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.value {
            Value::Seq(items) if items.is_empty() => {
                reader.error(node.span, "no endpoint to send to").help("write at least one URL");
                None
            }
            Value::Seq(_) => {
                let urls = Vec::read(node, reader).filter(|urls| !urls.is_empty());
                urls.map(Self::Endpoints)
            }
            Value::Map(_) => {
                let weights = Named::<Spanned<u32>>::read(node, reader)?;
                let read = |(key, weight): &(Spanned<String>, Spanned<u32>)| {
                    let name = Node::new(key.span, Value::Text(key.value.clone()));
                    let target = Spanned::<TargetSpec>::read(&name, reader)?;
                    Some(WeightedSpec { target, weight: *weight })
                };
                let parts: Option<Vec<_>> = weights.iter().map(read).collect();
                parts.map(Self::Split)
            }
            Value::Null => {
                let help = "write an upstream's name, a URL, a list of URLs or a weighted split";
                reader.wrong_kind(node, "a target").help(help);
                None
            }
            _ => TargetSpec::read(node, reader).map(Self::One),
        }
    }

    fn write(&self) -> Node {
        match self {
            Self::One(target) => target.write(),
            Self::Endpoints(urls) => urls.write(),
            Self::Split(parts) => {
                Node::map(parts.iter().map(|part| (part.target.to_string(), part.weight.write())))
            }
        }
    }

    fn shape() -> Shape {
        let urls = Shape::List(EndpointUrl::shape);
        Shape::OneOf(vec![TargetSpec::shape(), urls, Shape::Map(u32::shape)])
    }
}

impl Spec for TargetSpec {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let Some(text) = node.scalar() else {
            let help = "write the name of an upstream, or http://host:port";
            reader.wrong_kind(node, "a target").help(help);
            return None;
        };
        if EndpointUrl::looks_like(&text) {
            return EndpointUrl::read(node, reader).map(Self::Url);
        }
        Some(Self::Upstream(text.into_owned()))
    }

    fn write(&self) -> Node {
        Node::text(self.to_string())
    }

    fn shape() -> Shape {
        Shape::Scalar(Scalar {
            name: "upstream or URL",
            json: Json::String,
            pattern: None,
            examples: &["orders", "http://10.0.0.1:8080"],
        })
    }
}

impl fmt::Display for TargetSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Upstream(name) => f.write_str(name),
            Self::Url(url) => url.fmt(f),
        }
    }
}
