//! What a request costs.

use portunus_base::ByteSize;
use portunus_exchange::Exchange;
use portunus_spec::shape::{Json, Scalar};
use portunus_spec::{Node, Reader, Shape, Spec};

/// What a request costs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cost {
    /// As much.
    Fixed(u64),
    /// What this header of the request says: at least 1, and at most `max`, else all that the limit ever gives at once.
    RequestHeader { name: String, max: Option<u64> },
    /// One for each so many bytes of the answer's body, and a part of them; known only afterwards.
    ResponseBytes(ByteSize),
    /// What this header of the answer says; known only afterwards.
    ResponseHeader(String),
}

impl Cost {
    /// What must be there before the request passes. `largest` is what the limit gives at once.
    pub(crate) fn before(&self, exchange: &Exchange, largest: impl FnOnce() -> u64) -> u64 {
        match self {
            Self::Fixed(cost) => *cost,
            Self::RequestHeader { name, max } => {
                let cost = number(exchange.request.headers.value(name.as_bytes())).unwrap_or(1);
                cost.min(max.unwrap_or_else(largest)).max(1)
            }
            // Whatever it will cost, something must be left.
            Self::ResponseBytes(_) | Self::ResponseHeader(_) => 1,
        }
    }

    /// What is to be taken once the answer is over.
    pub(crate) fn after(&self, exchange: &Exchange) -> u64 {
        match self {
            Self::Fixed(_) | Self::RequestHeader { .. } => 0,
            Self::ResponseBytes(unit) => exchange.bytes.response.div_ceil(unit.0.max(1)),
            Self::ResponseHeader(name) => {
                number(exchange.response.headers.value(name.as_bytes())).unwrap_or(1)
            }
        }
    }

    /// Whether it is known only when the answer is over.
    pub(crate) fn is_known_after(&self) -> bool {
        matches!(self, Self::ResponseBytes(_) | Self::ResponseHeader(_))
    }
}

impl Spec for Cost {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        if node.scalar().is_some() {
            return u64::read(node, reader).map(Self::Fixed);
        }
        let (entry, max) = match node.entries() {
            Some([entry]) => (entry, None),
            Some([entry, max]) if entry.key.value == "header" && max.key.value == "max" => {
                (entry, Some(max))
            }
            Some([max, entry]) if entry.key.value == "header" && max.key.value == "max" => {
                (entry, Some(max))
            }
            _ => return wrong(node, reader),
        };
        let max = match max {
            Some(max) => Some(reader.key("max", |reader| u64::read(&max.value, reader))?),
            None => None,
        };
        reader.key(&entry.key, |reader| match entry.key.value.as_str() {
            "header" => {
                String::read(&entry.value, reader).map(|name| Self::RequestHeader { name, max })
            }
            "response_header" => String::read(&entry.value, reader).map(Self::ResponseHeader),
            "response_bytes" => ByteSize::read(&entry.value, reader).map(Self::ResponseBytes),
            _ => wrong(node, reader),
        })
    }

    fn write(&self) -> Node {
        match self {
            Self::Fixed(cost) => cost.write(),
            Self::RequestHeader { name, max: None } => Node::map([("header", name.write())]),
            Self::RequestHeader { name, max: Some(max) } => {
                Node::map([("header", name.write()), ("max", max.write())])
            }
            Self::ResponseBytes(unit) => Node::map([("response_bytes", unit.write())]),
            Self::ResponseHeader(name) => Node::map([("response_header", name.write())]),
        }
    }

    fn shape() -> Shape {
        let number = Scalar {
            name: "cost",
            json: Json::Integer,
            pattern: None,
            examples: &["1", "{header: NAME}", "{response_bytes: 1KiB}", "{response_header: NAME}"],
        };
        Shape::OneOf(vec![Shape::Scalar(number), Shape::Map(String::shape)])
    }
}

fn wrong(node: &Node, reader: &mut Reader<'_>) -> Option<Cost> {
    let error = reader.wrong_kind(node, "a cost");
    error.help("write a number, {header: NAME, max: 100}, {response_bytes: 1KiB} or {response_header: NAME}");
    None
}

fn number(value: Option<&[u8]>) -> Option<u64> {
    std::str::from_utf8(value?).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests;
