//! Where the admin API of a configuration is, whatever else is wrong with it.
//!
//! Commands that only ask a running Portunus run in another environment than it: variables and secrets may be lacking
//! there that have nothing to do with what they ask.

use std::path::Path;

use portunus_spec::{Diagnostic, Node, Reader, Secret, Severity, Span, Spec as _};

use crate::spec::{AdminAddressSpec, AdminSpec};
use crate::{Env, Files, Surroundings, load};

/// Where it listens, and what changes show to it.
#[derive(Debug)]
pub struct AdminPlace {
    /// Where it listens.
    pub address: AdminAddressSpec,
    /// The token, if one is configured, or why it cannot be read.
    pub token: Result<Option<Secret>, String>,
}

impl AdminPlace {
    /// Reads it from a configuration. `None` where it cannot be told.
    #[must_use]
    pub fn find(main: &Path, files: &dyn Files, env: &Env) -> Option<Self> {
        let loaded = load(main, files, env);
        if !loaded.complete {
            return None;
        }
        let empty = Node::map::<String>([]);
        let node = loaded.node.get("admin").unwrap_or(&empty);
        let surroundings = Surroundings::new(files, env, loaded.base.clone());
        let mut reader = Reader::at(&surroundings, "admin").lenient();
        let spec = AdminSpec::read(node, &mut reader)?;
        let found = reader.finish();
        let token = node.get("token").map_or(Span::NONE, |token| token.span);
        let is_in = |one: &&Diagnostic| {
            contains(node.span, one.span) || one.path == "admin" || one.path.starts_with("admin.")
        };
        let of_token = |one: &&Diagnostic| contains(token, one.span);
        let errors = loaded.diagnostics.iter().filter(is_in).chain(found.iter());
        let mut errors = errors.filter(|one| one.severity == Severity::Error);
        match errors.clone().find(of_token) {
            _ if errors.any(|one| !of_token(&one)) => None,
            Some(error) => {
                Some(Self { address: spec.address.value, token: Err(error.message.clone()) })
            }
            None => {
                let token = spec.token.map(|token| token.value);
                Some(Self { address: spec.address.value, token: Ok(token) })
            }
        }
    }
}

fn contains(outer: Span, inner: Span) -> bool {
    outer.end > outer.start
        && outer.source == inner.source
        && outer.start <= inner.start
        && inner.end <= outer.end
}

#[cfg(test)]
mod tests;
