//! What a certificate authority asks for over HTTP to see that a name is ours (RFC 8555 section 8.3).

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

/// Tokens and their key authorisations. Written by whoever asks for certificates, read by every worker without a
/// lock.
#[derive(Debug, Default)]
pub struct HttpChallenges {
    answers: ArcSwap<HashMap<Box<str>, Arc<str>>>,
}

impl HttpChallenges {
    /// Answers `token` with `key_authorization` from now on.
    pub fn set(&self, token: &str, key_authorization: &str) {
        self.answers.rcu(|answers| {
            let mut answers = HashMap::clone(answers);
            answers.insert(token.into(), key_authorization.into());
            answers
        });
    }

    /// Forgets `token`.
    pub fn remove(&self, token: &str) {
        self.answers.rcu(|answers| {
            let mut answers = HashMap::clone(answers);
            answers.remove(token);
            answers
        });
    }

    /// The answer for a request's path, when it asks for a token that is known. Other paths, and tokens that are not
    /// ours, are served like any other request.
    #[must_use]
    pub fn answer(&self, path: &[u8]) -> Option<Arc<str>> {
        let token = path.strip_prefix(PATH.as_bytes())?;
        let token = std::str::from_utf8(token).ok()?;
        self.answers.load().get(token).cloned()
    }
}

/// What the path of a question begins with.
const PATH: &str = "/.well-known/acme-challenge/";

#[cfg(test)]
mod tests;
