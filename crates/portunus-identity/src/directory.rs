//! Where credentials are looked up: a table that is replaced as a whole when consumers or keys change.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use portunus_base::ClientCertificate;

use crate::{CertificateMatch, Consumer, Credential, CredentialKind, KeyHash};

/// The consumers in force. Readers take no lock.
#[derive(Debug, Default)]
pub struct Directory {
    consumers: ArcSwap<Consumers>,
}

impl Directory {
    /// The consumers of now.
    pub fn load(&self) -> Guard<Arc<Consumers>> {
        self.consumers.load()
    }

    /// Puts others in their place.
    pub fn publish(&self, consumers: Arc<Consumers>) {
        self.consumers.store(consumers);
    }
}

/// Consumers and their credentials, by what requests show.
#[derive(Clone, Debug, Default)]
pub struct Consumers {
    by_name: HashMap<Box<str>, Arc<Consumer>>,
    keys: HashMap<KeyHash, Credential>,
    users: HashMap<Box<str>, Vec<Credential>>,
    signatures: HashMap<Box<str>, Credential>,
    certificates: Vec<(CertificateMatch, Credential)>,
    /// By claim and value.
    claims: HashMap<Box<str>, HashMap<Box<str>, OfIssuers>>,
}

/// The credentials that one claim proves, each for tokens of another issuer.
type OfIssuers = Vec<(Option<Box<str>>, Credential)>;

impl Consumers {
    /// Starts an empty table.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The consumer of that name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&Arc<Consumer>> {
        self.by_name.get(name)
    }

    /// All consumers, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Consumer>> {
        self.by_name.values()
    }

    /// The credential of a key. Whether it still holds is for the caller to ask.
    #[must_use]
    pub fn key(&self, hash: &KeyHash) -> Option<&Credential> {
        self.keys.get(hash)
    }

    /// The passwords of a user: several while one takes the place of another.
    #[must_use]
    pub fn user(&self, name: &str) -> &[Credential] {
        self.users.get(name).map_or(&[], Vec::as_slice)
    }

    /// The credential whose key signs under that name.
    #[must_use]
    pub fn signature(&self, key_id: &str) -> Option<&Credential> {
        self.signatures.get(key_id)
    }

    /// The first credential that a client's certificate fits.
    #[must_use]
    pub fn certificate(&self, certificate: &ClientCertificate) -> Option<&Credential> {
        let fits = |(wanted, _): &&(CertificateMatch, Credential)| wanted.fits(certificate);
        self.certificates.iter().find(fits).map(|(_, credential)| credential)
    }

    /// The credential of a token of that issuer with that claim; one for tokens of any issuer where there is none for it
    /// alone.
    #[must_use]
    pub fn claim(&self, issuer: Option<&str>, claim: &str, value: &str) -> Option<&Credential> {
        let known = self.claims.get(claim)?.get(value)?;
        let of = |wanted: Option<&str>| known.iter().find(|(it, _)| it.as_deref() == wanted);
        of(issuer).or_else(|| of(None)).map(|(_, credential)| credential)
    }

    /// The claims that tell consumers apart.
    pub fn claims(&self) -> impl Iterator<Item = &str> {
        self.claims.keys().map(|claim| &**claim)
    }
}

/// Gathers consumers and credentials. Of two under the same name the first one stays.
#[derive(Debug, Default)]
pub struct Builder {
    made: Consumers,
}

impl Builder {
    /// Adds a consumer; false when there is one of its name.
    pub fn consumer(&mut self, consumer: Arc<Consumer>) -> bool {
        let name = consumer.name.clone();
        match self.made.by_name.entry(name) {
            std::collections::hash_map::Entry::Occupied(_) => false,
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(consumer);
                true
            }
        }
    }

    /// Adds a credential; false when another one has what proves it.
    pub fn credential(&mut self, credential: Credential) -> bool {
        let made = &mut self.made;
        match &credential.kind {
            CredentialKind::Key(hash) => insert(&mut made.keys, *hash, credential),
            CredentialKind::Password { user, .. } => {
                made.users.entry(user.clone()).or_default().push(credential);
                true
            }
            CredentialKind::Signature { key_id, .. } => {
                insert(&mut made.signatures, key_id.clone(), credential)
            }
            CredentialKind::Certificate(wanted) => {
                let is_new = made.certificates.iter().all(|(known, _)| known != wanted);
                if is_new {
                    made.certificates.push((wanted.clone(), credential));
                }
                is_new
            }
            CredentialKind::Claim { issuer, claim, value } => {
                let issuer = issuer.clone();
                let values = made.claims.entry(claim.clone()).or_default();
                let known = values.entry(value.clone()).or_default();
                let is_new = known.iter().all(|(other, _)| *other != issuer);
                if is_new {
                    known.push((issuer, credential));
                }
                is_new
            }
        }
    }

    /// The table.
    #[must_use]
    pub fn build(self) -> Consumers {
        self.made
    }
}

fn insert<K: Eq + std::hash::Hash>(
    table: &mut HashMap<K, Credential>,
    key: K,
    credential: Credential,
) -> bool {
    let is_new = !table.contains_key(&key);
    if is_new {
        table.insert(key, credential);
    }
    is_new
}

#[cfg(test)]
mod tests;
