//! Answers to the tls-alpn-01 challenge of ACME (RFC 8737).

use std::collections::HashMap;
use std::fmt;

use arc_swap::ArcSwap;

use crate::Certificate;

/// The protocol name that a challenge comes with.
pub const ACME_ALPN: &[u8] = b"acme-tls/1";

/// Certificates that prove to an authority that a name is ours.
#[derive(Default)]
pub struct Challenges {
    by_name: ArcSwap<HashMap<Box<str>, Certificate>>,
}

impl Challenges {
    /// Answers challenges for `name` with a certificate.
    pub fn set(&self, name: &str, certificate: &Certificate) {
        self.by_name.rcu(|known| {
            let mut all = HashMap::clone(known);
            all.insert(name.to_ascii_lowercase().into(), certificate.clone());
            all
        });
    }

    /// Answers them no more.
    pub fn remove(&self, name: &str) {
        self.by_name.rcu(|known| {
            let mut all = HashMap::clone(known);
            all.remove(name.to_ascii_lowercase().as_str());
            all
        });
    }

    /// True while no challenge is to be answered.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_name.load().is_empty()
    }

    /// The answer for a name, which is in lower case.
    pub(crate) fn answer(&self, name: &str) -> Option<Certificate> {
        self.by_name.load().get(name).cloned()
    }
}

impl fmt::Debug for Challenges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_name.load().keys()).finish()
    }
}
