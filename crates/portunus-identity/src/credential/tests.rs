use std::sync::Arc;

use portunus_base::{ClientCertificate, Wall};

use super::{CertificateMatch, Credential, CredentialKind, KeyHash, NoKeyHash, SignatureKey};
use crate::Consumer;

#[test]
fn a_hash_is_read_as_it_is_written() {
    let hash = KeyHash::of(b"abc");
    // FIPS 180-4, the example of one block.
    let text = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(hash.to_string(), text);
    assert_eq!(text.parse(), Ok(hash));
    for wrong in ["", "sha256:", "sha256:+f", &text[1..], &text[..70], &text.replace('b', "é")] {
        assert_eq!(wrong.parse::<KeyHash>(), Err(NoKeyHash), "{wrong}");
    }
}

#[test]
fn secrets_are_not_shown() {
    let kinds = [
        CredentialKind::Key(KeyHash([7; 32])),
        CredentialKind::Password { user: "u".into(), hash: "7777".into() },
        CredentialKind::Signature { key_id: "k".into(), key: SignatureKey::Secret([7; 9].into()) },
    ];
    for kind in kinds {
        let shown = format!("{kind:?}");
        assert!(!shown.contains('7'), "{shown}");
    }
    assert_eq!(format!("{:?}", SignatureKey::Public { pem: "-".into() }), "Public(..)");
}

#[test]
fn a_credential_ends_at_its_last_moment() {
    let consumer = Arc::new(Consumer::default());
    let kind = CredentialKind::Key(KeyHash([0; 32]));
    let mut credential = Credential { id: "a".into(), consumer, kind, not_after: None };
    assert!(!credential.is_expired(Wall(u64::MAX)));
    credential.not_after = Some(Wall(10));
    assert!(!credential.is_expired(Wall(9)));
    assert!(credential.is_expired(Wall(10)));
}

#[test]
fn certificates_fit_by_what_is_asked_for() {
    let certificate = ClientCertificate {
        subject: "CN=robot".into(),
        fingerprint_sha256: "ab".into(),
        uris: ["spiffe://x/robot".into()].into(),
        dns_names: ["Robot.example.com".into()].into(),
        ..ClientCertificate::default()
    };
    let fit = |wanted: CertificateMatch| wanted.fits(&certificate);
    assert!(fit(CertificateMatch::Subject("CN=robot".into())));
    assert!(fit(CertificateMatch::Fingerprint("ab".into())));
    assert!(fit(CertificateMatch::Uri("spiffe://x/robot".into())));
    assert!(fit(CertificateMatch::Dns("robot.example.com".into())));
    assert!(!fit(CertificateMatch::Subject("CN=robo".into())));
    assert!(!fit(CertificateMatch::Uri("spiffe://x/Robot".into())));
}
