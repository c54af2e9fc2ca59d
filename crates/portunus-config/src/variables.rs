//! `${VAR}` and `${VAR:-default}` in scalars. `$${` stands for `${`.

use crate::Env;

/// A text with its variables filled in.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Filled {
    pub(crate) text: String,
    pub(crate) faults: Vec<Fault>,
}

/// A reference that could not be filled in.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Fault {
    /// The reference as it was written.
    pub(crate) text: String,
    pub(crate) message: String,
    pub(crate) help: String,
}

/// Fills in all references; `None` if there is none.
pub(crate) fn fill(text: &str, env: &Env) -> Option<Filled> {
    if !text.contains("${") {
        return None;
    }
    let mut filled = Filled::default();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            filled.text.push_str(before);
            filled.text.push_str("${");
            rest = after;
            continue;
        }
        filled.text.push_str(before);
        let Some((inside, after)) = after.split_once('}') else {
            filled.fault(format!("${{{after}"), "`${` is not closed".to_owned(), ESCAPE.to_owned());
            return Some(filled);
        };
        filled.reference(inside, env);
        rest = after;
    }
    filled.text.push_str(rest);
    Some(filled)
}

impl Filled {
    fn reference(&mut self, inside: &str, env: &Env) {
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        let text = format!("${{{inside}}}");
        let named = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !named {
            let message = format!("`{name}` is no name of a variable");
            return self.fault(text, message, ESCAPE.to_owned());
        }
        match (env.get(name), default) {
            (Some(value), None) => self.text.push_str(value),
            (Some(value), Some(_)) if !value.is_empty() => self.text.push_str(value),
            (_, Some(default)) => self.text.push_str(default),
            (None, None) => {
                let message = format!("the environment variable `{name}` is not set");
                let help = format!("set it, or give a default: ${{{name}:-value}}");
                self.fault(text, message, help);
            }
        }
    }

    fn fault(&mut self, text: String, message: String, help: String) {
        self.faults.push(Fault { text, message, help });
    }
}

const ESCAPE: &str = "write ${NAME} or ${NAME:-default}; $${ stands for a plain ${";
