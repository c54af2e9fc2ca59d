//! Several trees to one: maps merge by key, anything else may be there once.

use std::collections::HashMap;

use portunus_spec::{Diagnostic, Diagnostics, Entry, Node, Span, Value};

use crate::Env;

/// Adds `more` to `node`. What both set is an error that names both places.
pub(crate) fn merge(node: &mut Node, more: Node, path: &str, diagnostics: &mut Diagnostics) {
    let Value::Map(theirs) = more.value else {
        if more.value != Value::Null {
            let message = format!("expected a map, found {}", more.kind());
            diagnostics.push(Diagnostic::error(more.span, message));
        }
        return;
    };
    if node.value == Value::Null {
        *node = Node::new(more.span, Value::Map(Vec::new()));
    }
    let Value::Map(mine) = &mut node.value else { return };
    let index: HashMap<String, usize> =
        mine.iter().enumerate().map(|(at, entry)| (entry.key.value.clone(), at)).collect();
    for entry in theirs {
        let path = join(path, &entry.key);
        let Some(first) = index.get(&entry.key.value).and_then(|at| mine.get_mut(*at)) else {
            mine.push(entry);
            continue;
        };
        match (&first.value.value, &entry.value.value) {
            (Value::Map(_) | Value::Null, Value::Map(_)) => {
                merge(&mut first.value, entry.value, &path, diagnostics);
            }
            _ => {
                let message = format!("the key `{}` is set in two files", entry.key.value);
                let error = diagnostics.push(Diagnostic::error(entry.key.span, message));
                error.path = path;
                error.related(first.key.span, "set here too").help("keep one of them");
            }
        }
    }
}

/// Sets what the variables `PORTUNUS_<PATH>` say; `known` are the keys of the top level.
///
/// A variable whose first word is no such key is not ours to judge (an orchestrator may set it),
/// so it is a warning.
pub(crate) fn overrides(
    node: &mut Node,
    env: &Env,
    known: &[&str],
    mut value: impl FnMut(&str, &str) -> Option<Node>,
    diagnostics: &mut Diagnostics,
) {
    for (name, text) in env {
        let Some(path) = name.strip_prefix(PREFIX).filter(|_| name != ADMIN_TOKEN) else {
            continue;
        };
        let steps: Vec<&str> = path.split("__").collect();
        let first = steps.first().map(|step| step.to_lowercase()).unwrap_or_default();
        if !known.contains(&first.as_str()) {
            let message = format!("the environment variable {name} names no key");
            let near = portunus_spec::nearest(&first, known.iter().copied());
            let help = near.map(|near| format!("did you mean {PREFIX}{}?", near.to_uppercase()));
            diagnostics
                .push(Diagnostic::new(portunus_spec::Severity::Warning, Span::NONE, message))
                .help_if(help);
            continue;
        }
        let Some(value) = value(name, text) else { continue };
        let span = value.span;
        if let Err(message) = set(node, &steps, value) {
            diagnostics.push(Diagnostic::error(span, format!("{name}: {message}")));
        }
    }
}

/// Sets the value at the end of a path; keys match in any case.
fn set(node: &mut Node, steps: &[&str], value: Node) -> Result<(), String> {
    let Some((step, rest)) = steps.split_first() else {
        *node = value;
        return Ok(());
    };
    if node.value == Value::Null {
        node.value = Value::Map(Vec::new());
    }
    match &mut node.value {
        Value::Map(entries) => {
            let at = entries.iter().position(|entry| entry.key.eq_ignore_ascii_case(step));
            let at = at.unwrap_or_else(|| {
                let key = portunus_spec::Spanned::new(value.span, step.to_lowercase());
                entries.push(Entry { key, value: Node::default() });
                entries.len() - 1
            });
            let entry = entries.get_mut(at).ok_or("no such key")?;
            set(&mut entry.value, rest, value)
        }
        Value::Seq(items) => {
            let count = items.len();
            let item = step.parse::<usize>().ok().and_then(|index| items.get_mut(index));
            set(
                item.ok_or_else(|| format!("`{step}` is no index of a list of {count}"))?,
                rest,
                value,
            )
        }
        _ => Err(format!("`{step}` is no key of {}", node.kind())),
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// What the names of overriding variables start with.
const PREFIX: &str = "PORTUNUS_";
/// It is for commands that ask the admin API.
const ADMIN_TOKEN: &str = "PORTUNUS_ADMIN_TOKEN";
