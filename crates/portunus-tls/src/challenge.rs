//! Answers to the tls-alpn-01 challenge of ACME (RFC 8737).

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::server::ClientHello;
use rustls::sign::CertifiedKey;

use crate::Certificate;

/// The protocol name that a challenge comes with.
pub const ACME_ALPN: &[u8] = b"acme-tls/1";

/// Certificates that prove to an authority that a name is ours.
#[derive(Default)]
pub struct Challenges {
    by_name: ArcSwap<HashMap<Box<str>, Arc<CertifiedKey>>>,
}

impl Challenges {
    /// Answers challenges for `name` with a certificate.
    pub fn set(&self, name: &str, certificate: &Certificate) {
        self.by_name.rcu(|known| {
            let mut all = HashMap::clone(known);
            all.insert(name.to_ascii_lowercase().into(), Arc::clone(&certificate.key));
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

    pub(crate) fn is_asked(hello: &ClientHello<'_>) -> bool {
        hello.alpn().is_some_and(|mut protocols| protocols.any(|protocol| protocol == ACME_ALPN))
    }

    pub(crate) fn answer(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        self.by_name.load().get(name.to_ascii_lowercase().as_str()).cloned()
    }
}

impl fmt::Debug for Challenges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_name.load().keys()).finish()
    }
}
