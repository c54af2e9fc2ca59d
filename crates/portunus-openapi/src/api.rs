//! A compiled document: its operations and their schemas.

use portunus_http::RequestHead;
use portunus_route::Params;
use serde_json::Value;

use crate::document::Document;
use crate::fault::{Fault, Faults};
use crate::finder::{Finder, NoOperation};
use crate::operation::{self, Operation};
use crate::schema::{Direction, SchemaTable, Schemas};

/// A compiled document. Immutable; what it was read from is gone.
#[derive(Debug)]
pub struct Api {
    pub(crate) operations: Box<[Operation]>,
    /// For what clients send.
    pub(crate) requests: Schemas,
    /// For what upstreams answer, if that was asked for.
    pub(crate) answers: Option<Schemas>,
    /// Parameters of the query that hold keys: they are no operation's, and may be there.
    pub(crate) keys: Box<[Box<str>]>,
}

/// How a document is compiled.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ApiOptions {
    /// Answers are described too.
    pub answers: bool,
    /// Formats of texts, such as `date-time`, are checked.
    pub formats: bool,
}

/// What a document was compiled to, and what is not done of it.
pub type Compiled<T> = Result<(T, Vec<Fault>), Vec<Fault>>;

impl Api {
    /// Compiles a document.
    ///
    /// # Errors
    /// All that is wrong with the document.
    pub fn compile(document: &Document, options: ApiOptions) -> Compiled<Self> {
        let version = document.version()?;
        let mut faults = Faults::default();
        document.check_references(&mut faults);
        if faults.has_errors() {
            return Err(document.place(&mut faults));
        }
        let mut table = SchemaTable::default();
        let operations = operation::read_all(document, options.answers, &mut table, &mut faults);
        let answers = options.answers.then(|| table.clone());
        let compile = |table: SchemaTable, direction, faults: &mut Faults| {
            table.compile(document, (version, direction), options.formats, faults)
        };
        let requests = compile(table, Direction::Request, &mut faults);
        // What is not done was said for requests already.
        let mut again = Faults::default();
        let of_answers = |table| compile(table, Direction::Response, &mut again);
        let answers = answers.and_then(of_answers);
        let is_whole = answers.is_some() || !options.answers;
        match requests {
            Some(requests) if is_whole && !faults.has_errors() => {
                let (operations, keys) = (operations.into(), key_names(document));
                Ok((Self { operations, requests, answers, keys }, document.place(&mut faults)))
            }
            _ => {
                let faults = if faults.has_errors() { &mut faults } else { &mut again };
                Err(document.place(faults))
            }
        }
    }

    /// All operations.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// A finder of the operations below a path such as `/v1`.
    ///
    /// # Errors
    /// Paths that cannot be told apart.
    pub fn finder(&self, base: &str) -> Result<Finder, Vec<String>> {
        let mut faults = Faults::default();
        let finder = Finder::new(&self.operations, base, &mut faults);
        if !faults.has_errors() {
            return Ok(finder);
        }
        let faults = faults.take().into_iter();
        Err(faults.map(|fault| format!("{}: {}", fault.pointer, fault.message)).collect())
    }

    /// The operation of a request.
    ///
    /// # Errors
    /// A request that is of none of them.
    pub fn find<'a>(
        &'a self,
        finder: &Finder,
        request: &RequestHead,
        params: &mut Params,
    ) -> Result<(usize, &'a Operation), NoOperation> {
        let index = finder.find(request, params)?;
        let operation = self.operations.get(index);
        operation.map(|operation| (index, operation)).ok_or(NoOperation { allow: String::new() })
    }
}

/// The path of the first server that a document names, without a slash at its end.
#[must_use]
pub fn server_path(document: &Document) -> String {
    let server = document.root.pointer("/servers/0");
    let Some(url) = server.and_then(|server| server.get("url")).and_then(Value::as_str) else {
        return String::new();
    };
    let mut url = url.to_owned();
    let variables = server.and_then(|server| server.get("variables")).and_then(Value::as_object);
    for (name, variable) in variables.into_iter().flatten() {
        if let Some(default) = variable.get("default").and_then(Value::as_str) {
            url = url.replace(&format!("{{{name}}}"), default);
        }
    }
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default(),
        None => &url,
    };
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    if path.starts_with('/') { path.to_owned() } else { String::new() }
}

/// Names of the parameters of the query that security schemes read.
fn key_names(document: &Document) -> Box<[Box<str>]> {
    let schemes = document.root.pointer("/components/securitySchemes").and_then(Value::as_object);
    let in_query = |scheme: &&Value| scheme.get("in").and_then(Value::as_str) == Some("query");
    let schemes = schemes.into_iter().flat_map(|map| map.values()).filter(in_query);
    schemes.filter_map(|scheme| scheme.get("name")?.as_str().map(Box::from)).collect()
}

#[cfg(test)]
mod tests;
