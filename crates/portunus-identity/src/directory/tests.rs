use std::sync::Arc;

use portunus_base::ClientCertificate;

use super::{Consumers, Directory};
use crate::{CertificateMatch, Consumer, Credential, CredentialKind, KeyHash};

fn credential(id: &str, kind: CredentialKind) -> Credential {
    let consumer = Arc::new(Consumer { name: "acme".into(), ..Consumer::default() });
    Credential { id: id.into(), consumer, kind, not_after: None }
}

#[test]
fn credentials_are_found_by_what_requests_show() {
    let mut builder = Consumers::builder();
    let acme = Arc::new(Consumer { name: "acme".into(), ..Consumer::default() });
    assert!(builder.consumer(Arc::clone(&acme)));
    assert!(!builder.consumer(acme));
    let password = |hash: &str| CredentialKind::Password { user: "u".into(), hash: hash.into() };
    let claim = |issuer: Option<&str>| CredentialKind::Claim {
        issuer: issuer.map(Box::from),
        claim: "azp".into(),
        value: "web".into(),
    };
    let subject = CredentialKind::Certificate(CertificateMatch::Subject("CN=a".into()));
    assert!(builder.credential(credential("key", CredentialKind::Key(KeyHash::of(b"k")))));
    assert!(!builder.credential(credential("again", CredentialKind::Key(KeyHash::of(b"k")))));
    assert!(builder.credential(credential("old", password("1"))));
    assert!(builder.credential(credential("new", password("2"))));
    assert!(builder.credential(credential("token", claim(None))));
    assert!(!builder.credential(credential("again", claim(None))));
    assert!(builder.credential(credential("of a", claim(Some("https://a")))));
    assert!(!builder.credential(credential("again", claim(Some("https://a")))));
    assert!(builder.credential(credential("cert", subject.clone())));
    assert!(!builder.credential(credential("cert2", subject)));
    let consumers = builder.build();
    let id = |found: Option<&Credential>| found.map(|it| it.id.to_string());
    assert_eq!(id(consumers.key(&KeyHash::of(b"k"))).as_deref(), Some("key"));
    assert_eq!(id(consumers.key(&KeyHash::of(b"K"))), None);
    assert_eq!(consumers.user("u").len(), 2);
    assert!(consumers.user("v").is_empty());
    assert_eq!(id(consumers.claim(None, "azp", "web")).as_deref(), Some("token"));
    assert_eq!(id(consumers.claim(Some("https://a"), "azp", "web")).as_deref(), Some("of a"));
    assert_eq!(id(consumers.claim(Some("https://b"), "azp", "web")).as_deref(), Some("token"));
    assert_eq!(id(consumers.claim(None, "sub", "web")), None);
    let certificate = ClientCertificate { subject: "CN=a".into(), ..Default::default() };
    assert_eq!(id(consumers.certificate(&certificate)).as_deref(), Some("cert"));
}

#[test]
fn a_claim_of_one_issuer_is_none_of_another() {
    let mut builder = Consumers::builder();
    let issuer = Some("https://a".into());
    let kind = CredentialKind::Claim { issuer, claim: "azp".into(), value: "web".into() };
    builder.credential(credential("of a", kind));
    let consumers = builder.build();
    assert!(consumers.claim(Some("https://a"), "azp", "web").is_some());
    assert!(consumers.claim(Some("https://b"), "azp", "web").is_none());
    assert!(consumers.claim(None, "azp", "web").is_none());
}

#[test]
fn what_is_published_is_seen() {
    let directory = Directory::default();
    assert!(directory.load().by_name("acme").is_none());
    let mut builder = Consumers::builder();
    builder.consumer(Arc::new(Consumer { name: "acme".into(), ..Consumer::default() }));
    directory.publish(Arc::new(builder.build()));
    assert!(directory.load().by_name("acme").is_some());
}
