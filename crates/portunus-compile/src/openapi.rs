//! Routes that OpenAPI documents give: a configuration with them written out.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use portunus_config::ConfigSpec;
use portunus_config::spec::{HostOpenApiSpec, HostSpec, RouteSpec, RulesSpec, UseSpec, WhenSpec};
use portunus_openapi::{Document, DocumentRoute, Fault, server_path};
use portunus_spec::{Entry, Node, Reader, Span, Spanned, Spec, Value, suggestion};

/// A configuration with the routes of documents written out.
pub(crate) struct Expanded<'s> {
    pub(crate) spec: Cow<'s, ConfigSpec>,
    pub(crate) operations: Operations,
    /// The documents, as they are written.
    pub(crate) files: Vec<String>,
}

/// What the operations of routes are called, by host, path and number of the rule.
#[derive(Debug, Default)]
pub(crate) struct Operations(HashMap<(String, String, usize), Arc<str>>);

impl Operations {
    pub(crate) fn name(&self, host: &str, path: &str, index: usize) -> Option<&Arc<str>> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&(host.to_owned(), path.to_owned(), index))
    }
}

/// Writes out the routes of all documents.
pub(crate) fn expand<'s>(spec: &'s ConfigSpec, reader: &mut Reader<'_>) -> Expanded<'s> {
    let (mut operations, mut files) = (Operations::default(), Vec::new());
    if spec.hosts.iter().all(|(_, host)| host.openapi.is_none()) {
        return Expanded { spec: Cow::Borrowed(spec), operations, files };
    }
    let mut expanded = spec.clone();
    let mut chains = Vec::new();
    reader.key("hosts", |reader| {
        for (name, host) in &mut expanded.hosts.0 {
            let Some(openapi) = host.openapi.clone() else { continue };
            files.push(openapi.file.value.clone());
            let within = |reader: &mut Reader<'_>| routes(&openapi, reader);
            let found = reader.key(name, |reader| reader.key("openapi", within));
            let Some((prefix, routes)) = found else { continue };
            let own = OwnChains::new(name, &openapi, &prefix);
            chains.extend(own.chains.iter().cloned());
            reader.key(name, |reader| {
                add(host, (name, &openapi), (&own, routes), &mut operations, reader);
            });
        }
    });
    expanded.filters.0.extend(chains);
    Expanded { spec: Cow::Owned(expanded), operations, files }
}

/// What a document gives, and below which path.
fn routes(
    openapi: &HostOpenApiSpec,
    reader: &mut Reader<'_>,
) -> Option<(String, Vec<DocumentRoute>)> {
    let file = &openapi.file;
    let text = match reader.lookup().file(file) {
        Ok(text) => text,
        Err(why) => {
            reader.error(file.span, why);
            return None;
        }
    };
    let found = Document::parse(file, text).and_then(|document| {
        let prefix = openapi.prefix.as_ref().map(|prefix| prefix.value.clone());
        let prefix = prefix.unwrap_or_else(|| server_path(&document));
        let routes = portunus_openapi::routes(&document, &prefix)?;
        Ok((prefix, routes))
    });
    match found {
        Ok((prefix, routes)) => {
            check_operations(openapi, &routes, reader);
            Some((prefix, routes))
        }
        Err(faults) => {
            faults.iter().take(FAULTS_MAX).for_each(|fault| report(fault, file.span, reader));
            None
        }
    }
}

fn report(fault: &Fault, span: Span, reader: &mut Reader<'_>) {
    reader.error(span, fault.to_string()).help_if(fault.help.clone());
}

fn check_operations(openapi: &HostOpenApiSpec, routes: &[DocumentRoute], reader: &mut Reader<'_>) {
    for (key, _) in &openapi.operations {
        if !routes.iter().any(|route| route.key == key.value) {
            let known = routes.iter().map(|route| route.key.as_str());
            let help = suggestion(key, known, "operations");
            let message = format!("the document has no operation `{}`", key.value);
            reader.error(key.span, message).help_if(help);
        }
    }
}

/// Chains that all routes of a document share, so that each of their filters exists once.
struct OwnChains {
    chains: Vec<(Spanned<String>, Vec<UseSpec>)>,
    with_body: Option<String>,
    without_body: Option<String>,
    mock: Option<String>,
}

impl OwnChains {
    fn new(host: &str, openapi: &HostOpenApiSpec, prefix: &str) -> Self {
        let span = openapi.file.span;
        let mut own = Self { chains: Vec::new(), with_body: None, without_body: None, mock: None };
        // The route was found by what the client sent, whatever filters make of it.
        let file = openapi.file.value.as_str();
        let base = [("openapi", file), ("base", prefix), ("path", "original")];
        let base: Vec<(&str, Node)> =
            base.into_iter().map(|(key, text)| (key, Node::text(text))).collect();
        let settings = match &openapi.validate {
            None => Some(Vec::new()),
            Some(node) => match &node.value {
                Value::Bool(true) | Value::Null => Some(Vec::new()),
                Value::Bool(false) => None,
                Value::Map(entries) => Some(entries.clone()),
                // The filter says what is wrong with it.
                _ => Some(vec![Entry {
                    key: Spanned::new(node.span, "request".to_owned()),
                    value: node.clone(),
                }]),
            },
        };
        if let Some(settings) = settings {
            let passed = base.iter().cloned().chain([("body", Node::text("pass"))]);
            let with = node(base.iter().cloned(), &settings, span);
            own.with_body = Some(own.chain(host, "validate", "validate", with, span));
            let without = node(passed, &settings, span);
            let title = "validate without bodies";
            own.without_body = Some(own.chain(host, title, "validate", without, span));
        }
        if openapi.mock {
            let settings = node(base.into_iter(), &[], span);
            own.mock = Some(own.chain(host, "mock", "mock", settings, span));
        }
        own
    }

    fn chain(&mut self, host: &str, title: &str, filter: &str, node: Node, span: Span) -> String {
        let name = format!("{title} of {host}");
        let filter = UseSpec { name: Spanned::new(span, filter.to_owned()), node };
        self.chains.push((Spanned::new(span, name.clone()), vec![filter]));
        name
    }

    fn of_route(&self, route: &DocumentRoute) -> impl Iterator<Item = &String> {
        let validate = if route.has_body { &self.with_body } else { &self.without_body };
        validate.iter().chain(&self.mock)
    }
}

/// The settings of a filter: what is written stands before what follows from the rest.
fn node<'k>(implied: impl Iterator<Item = (&'k str, Node)>, written: &[Entry], span: Span) -> Node {
    let is_written = |key: &str| written.iter().any(|entry| entry.key.value == key);
    let implied = implied.filter(|(key, _)| !is_written(key)).map(|(key, value)| Entry {
        key: Spanned::new(span, key.to_owned()),
        value: Node { span, ..value },
    });
    Node::new(span, Value::Map(implied.chain(written.iter().cloned()).collect()))
}

/// Adds the routes to a host. Paths that it has itself stay as they are.
fn add(
    host: &mut HostSpec,
    (name, openapi): (&str, &HostOpenApiSpec),
    (own, routes): (&OwnChains, Vec<DocumentRoute>),
    operations: &mut Operations,
    reader: &mut Reader<'_>,
) {
    let span = openapi.file.span;
    let written: Vec<String> = host.routes.names().map(str::to_owned).collect();
    warn_of_wide_paths(host, &routes, reader);
    let mut places: HashMap<String, usize> = HashMap::new();
    for route in routes {
        if written.contains(&route.path) {
            continue;
        }
        let Some(rule) = rule(&route, openapi, own, reader) else { continue };
        let place = *places.entry(route.path.clone()).or_insert_with(|| {
            let path = Spanned::new(span, route.path.clone());
            host.routes.0.push((path, RulesSpec { rules: Vec::new() }));
            host.routes.len() - 1
        });
        let Some((_, rules)) = host.routes.0.get_mut(place) else { continue };
        let key = (name.to_owned(), route.path, rules.rules.len());
        operations.0.insert(key, Arc::from(route.name));
        rules.rules.push(rule);
    }
}

/// The most specific path wins, whoever wrote it: a route that is meant to stand before the document may not do so.
fn warn_of_wide_paths(host: &HostSpec, routes: &[DocumentRoute], reader: &mut Reader<'_>) {
    for (path, _) in &host.routes.0 {
        let Some(found) = routes.iter().find(|route| is_below(&route.path, path)) else { continue };
        let message = format!(
            "this route does not get `{}`: the document's path is more specific",
            found.path
        );
        let help = "write what holds for those paths in `use` of the host, or in `operations`";
        reader.warning(path.span, message).help(help);
    }
}

/// Whether a path with `/**` at its end is for all that another one is for.
fn is_below(path: &str, wide: &str) -> bool {
    let Some(start) = wide.strip_suffix("/**") else { return false };
    let mut parts = path.split('/');
    start.split('/').all(|wide| {
        parts.next().is_some_and(|part| part == wide || wide.starts_with('{') || wide == "*")
    })
}

fn rule(
    route: &DocumentRoute,
    openapi: &HostOpenApiSpec,
    own: &OwnChains,
    reader: &mut Reader<'_>,
) -> Option<RouteSpec> {
    let span = openapi.file.span;
    let mut rule = RouteSpec::absent()?;
    rule.methods = vec![Spanned::new(span, route.method.clone())];
    rule.to.clone_from(&openapi.to);
    if !route.query.is_empty() {
        let mut when = WhenSpec::absent()?;
        let named = |(name, value): &(String, String)| {
            (Spanned::new(span, name.clone()), Spanned::new(span, value.clone()))
        };
        when.query.0.extend(route.query.iter().map(named));
        rule.when = Some(when);
    }
    if openapi.extensions {
        rule.r#use.extend(extension(route, span, reader));
    }
    if let Some(more) = openapi.operations.get(&route.key) {
        rule.r#use.extend(more.r#use.iter().cloned());
    }
    let chains = own
        .of_route(route)
        .map(|chain| UseSpec { name: Spanned::new(span, chain.clone()), node: Node::default() });
    rule.r#use.extend(chains);
    Some(rule)
}

/// The filters that the document names for an operation.
fn extension(route: &DocumentRoute, span: Span, reader: &mut Reader<'_>) -> Vec<UseSpec> {
    let Some(extension) = &route.extension else { return Vec::new() };
    let mut inner = Reader::at(reader.lookup(), format!("{}.x-portunus", reader.path()));
    let uses = match extension.get("use") {
        Some(uses) => Vec::read(&of_json(uses, span), &mut inner),
        None => {
            let message = format!("`x-portunus` of {} has no `use`", route.key);
            inner.error(span, message).help("write `x-portunus: {use: [...]}`");
            None
        }
    };
    reader.append(inner.finish());
    uses.unwrap_or_default()
}

/// A value of a document as if it stood where the document is named.
fn of_json(value: &serde_json::Value, span: Span) -> Node {
    let value = match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(flag) => Value::Bool(*flag),
        serde_json::Value::Number(number) => Value::plain(&number.to_string()),
        serde_json::Value::String(text) => Value::Text(text.clone()),
        serde_json::Value::Array(items) => {
            Value::Seq(items.iter().map(|item| of_json(item, span)).collect())
        }
        serde_json::Value::Object(map) => {
            let entry = |(key, value): (&String, &serde_json::Value)| Entry {
                key: Spanned::new(span, key.clone()),
                value: of_json(value, span),
            };
            Value::Map(map.iter().map(entry).collect())
        }
    };
    Node::new(span, value)
}

/// Most mistakes of one document that are told.
const FAULTS_MAX: usize = 20;

#[cfg(test)]
mod tests;
