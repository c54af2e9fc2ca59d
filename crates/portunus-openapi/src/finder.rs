//! Which operation a request is of.

use std::net::{IpAddr, Ipv4Addr};

use portunus_base::{ListenerId, RouteId};
use portunus_http::RequestHead;
use portunus_route::{
    Condition, ConnectionFacts, HostPattern, MethodSet, NoRecorder, Params, PathPattern, RouteRule,
    Router, RouterBuilder, TextMatch,
};

use crate::fault::Faults;
use crate::operation::Operation;

/// Finds operations below a path. Immutable.
#[derive(Debug)]
pub struct Finder {
    router: Router,
}

/// Why a request is of no operation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NoOperation {
    /// The methods that the path has; none where there is no such path.
    pub allow: String,
}

impl Finder {
    /// A finder of operations whose paths start below `base`, which has no slash at its end.
    pub(crate) fn new(operations: &[Operation], base: &str, faults: &mut Faults) -> Self {
        let mut builder = RouterBuilder::new();
        for (index, operation) in (0..).zip(operations) {
            let pattern = pattern(base, &operation.path);
            let path = PathPattern::parse(&pattern);
            let methods = MethodSet::parse([&*operation.method]);
            match (path, methods, HostPattern::parse("*")) {
                (Ok(path), Ok(methods), Ok(host)) => builder.add(RouteRule {
                    id: RouteId(index),
                    host,
                    path,
                    conditions: conditions(operation, methods),
                }),
                (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => {
                    let message =
                        format!("requests of this path cannot be found: {}", error.message);
                    faults.error(&operation.at, message);
                }
            }
        }
        let router = builder.build().unwrap_or_else(|conflicts| {
            for conflict in conflicts {
                let at = |id: RouteId| operations.get(id.index());
                let (first, second) = (at(conflict.first), at(conflict.second));
                if let (Some(first), Some(second)) = (first, second) {
                    let message = format!("takes the same requests as {}", first.path);
                    faults.error(&second.at, message).help("give one of them another path");
                }
            }
            Router::default()
        });
        Self { router }
    }

    /// The operation of a request, as an index. `params` gets the parts of its path.
    ///
    /// # Errors
    /// A request that is of none of them.
    pub(crate) fn find(
        &self,
        request: &RequestHead,
        params: &mut Params,
    ) -> Result<usize, NoOperation> {
        let (listener, client_ip) = (ListenerId(0), IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let facts = ConnectionFacts { listener, client_ip };
        match self.router.find(request, &facts, params, &mut NoRecorder) {
            Ok(route) => Ok(route.index()),
            Err(missed) => Err(NoOperation { allow: missed.methods.to_string() }),
        }
    }
}

/// What must hold beside the path.
fn conditions(operation: &Operation, methods: MethodSet) -> Vec<Condition> {
    let query = operation.query.iter().map(|(name, value)| {
        let (name, value) = (name.to_string(), value.to_string());
        let value = if value.is_empty() { TextMatch::Present } else { TextMatch::Equals(value) };
        Condition::Query { name, value }
    });
    query.chain([Condition::Methods(methods)]).collect()
}

/// The pattern of a path of a document: parts in braces that are whole segments stay parts, others make it a regular
/// expression. Parts are named by their order, for names of documents may hold anything.
pub(crate) fn pattern(base: &str, path: &str) -> String {
    pattern_with(base, path, |order, _| format!("p{order}"))
}

/// As [`pattern`], with names of parts by their order and by the name that the document gives them.
pub(crate) fn pattern_with(
    base: &str,
    path: &str,
    name_of: impl Fn(usize, &str) -> String,
) -> String {
    let is_whole = |segment: &str| {
        let end = segment.len().checked_sub(1);
        !segment.contains('{') || segment.starts_with('{') && segment.find('}') == end
    };
    let is_plain = path.split('/').all(is_whole);
    let mut pattern = if is_plain { base.to_owned() } else { format!("~ {}", escaped(base)) };
    for (order, piece) in pieces(path).iter().enumerate() {
        match piece {
            Piece::Text(text) if is_plain => pattern.push_str(text),
            Piece::Text(text) => pattern.push_str(&escaped(text)),
            Piece::Part(name) => {
                let name = name_of(order, name);
                let part =
                    if is_plain { format!("{{{name}}}") } else { format!("(?<{name}>[^/]+?)") };
                pattern.push_str(&part);
            }
        }
    }
    pattern
}

/// The names of the parts of a path with the names that its pattern gives them.
pub(crate) fn part_names(path: &str) -> impl Iterator<Item = (Box<str>, Box<str>)> {
    let pieces = pieces(path).into_iter().enumerate();
    pieces.filter_map(|(order, piece)| match piece {
        Piece::Part(name) => Some((name.into(), format!("p{order}").into())),
        Piece::Text(_) => None,
    })
}

enum Piece<'p> {
    Text(&'p str),
    Part(&'p str),
}

fn pieces(path: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{')
        && let Some((name, behind)) = after.split_once('}')
    {
        pieces.push(Piece::Text(before));
        pieces.push(Piece::Part(name));
        rest = behind;
    }
    pieces.push(Piece::Text(rest));
    pieces
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if !character.is_alphanumeric() && !matches!(character, '/' | '-' | '_') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests;
