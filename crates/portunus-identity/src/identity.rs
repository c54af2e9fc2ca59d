//! Who asks, as an authentication has found out.

use std::sync::Arc;

use portunus_base::Wall;
use serde_json::{Map, Value};

use crate::{Consumer, Credential};

/// Who asks, as an authentication has found out. Immutable and shared, so that a cache can hand it out.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// What found it out: the name of the filter.
    pub method: &'static str,
    /// Who it is in the words of the credential: the `sub` of a token, a user's name, a certificate's subject.
    pub subject: Box<str>,
    /// Which credential proved it; never the secret itself.
    pub credential: Box<str>,
    /// Who it is here.
    pub consumer: Option<Arc<Consumer>>,
    /// The groups: those of the consumer and those of the claims.
    pub groups: Box<[Box<str>]>,
    /// What the credential is good for.
    pub scopes: Box<[Box<str>]>,
    /// The claims of a token.
    pub claims: Map<String, Value>,
    /// When the credential ends.
    pub expires: Option<Wall>,
}

impl Identity {
    /// The identity that a credential of the directory proves.
    #[must_use]
    pub fn of_credential(method: &'static str, credential: &Credential, subject: &str) -> Self {
        Self {
            method,
            subject: subject.into(),
            credential: credential.id.clone(),
            consumer: Some(Arc::clone(&credential.consumer)),
            groups: credential.consumer.groups.clone(),
            expires: credential.not_after,
            ..Self::default()
        }
    }

    /// A claim, as [`claim`] finds it.
    #[must_use]
    pub fn claim(&self, path: &str) -> Option<&Value> {
        claim(&self.claims, path)
    }

    /// A claim as text: text as it is, numbers and truth values as JSON writes them.
    #[must_use]
    pub fn claim_text(&self, path: &str) -> Option<std::borrow::Cow<'_, str>> {
        match self.claim(path)? {
            Value::String(text) => Some(text.as_str().into()),
            value @ (Value::Number(_) | Value::Bool(_)) => Some(value.to_string().into()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// Whether it belongs to a group.
    #[must_use]
    pub fn has_group(&self, group: &str) -> bool {
        self.groups.iter().any(|known| **known == *group)
    }

    /// Whether it is good for a scope.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|known| **known == *scope)
    }

    /// The name for logs: the consumer's, else the subject.
    #[must_use]
    pub fn name(&self) -> &str {
        self.consumer.as_ref().map_or(&self.subject, |consumer| &consumer.name)
    }
}

/// A claim: by its name as it is, else with dots as steps into objects (`realm_access.roles`).
#[must_use]
pub fn claim<'a>(claims: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(path) {
        return Some(value);
    }
    let mut steps = path.split('.');
    let first = claims.get(steps.next()?)?;
    steps.try_fold(first, |value, step| value.get(step))
}

#[cfg(test)]
mod tests;
