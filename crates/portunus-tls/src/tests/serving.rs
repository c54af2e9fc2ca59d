//! What is served to whom: kinds of keys, protocols, challenges, resumption.

use rcgen::{CertificateParams, CustomExtension, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{cipher_suite, default_provider};
use rustls::pki_types::UnixTime;
use rustls::{
    DigitallySignedStruct, SignatureScheme, SupportedCipherSuite, SupportedProtocolVersion,
};

use super::*;

fn of_kind(kind: &'static rcgen::SignatureAlgorithm) -> Certificate {
    let key = KeyPair::generate_for(kind).unwrap();
    let certificate = CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
    let certificate = certificate.self_signed(&key).unwrap();
    load_pair(certificate.pem().as_bytes(), key.serialize_pem().as_bytes(), None).unwrap()
}

/// A client that believes everybody, with these suites and versions.
fn trusting(
    suites: &[SupportedCipherSuite],
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    let provider = CryptoProvider { cipher_suites: suites.to_vec(), ..default_provider() };
    let anybody = crate::verify::Anybody(provider.signature_verification_algorithms);
    ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(anybody))
        .with_no_client_auth()
}

fn everything() -> ClientConfig {
    let versions = [&rustls::version::TLS13, &rustls::version::TLS12];
    trusting(&default_provider().cipher_suites, &versions)
}

fn leaf(stream: &TlsStream<TcpStream>) -> &[u8] {
    &stream.get_ref().1.peer_certificates().unwrap()[0]
}

#[test]
fn ecdsa_is_served_to_those_who_know_it_and_rsa_to_the_others() {
    run(async {
        let world = World::new();
        let (rsa, ecdsa) = (of_kind(&PKCS_RSA_SHA256), of_kind(&PKCS_ECDSA_P256_SHA256));
        let old = [cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256];
        let mut table = CertTable::default();
        table.add(rsa.clone());
        table.add(ecdsa.clone());
        let tls = world.server_of(&ServerOptions::default(), table);
        for (client, expected) in
            [(everything(), &ecdsa), (trusting(&old, &[&rustls::version::TLS12]), &rsa)]
        {
            let (accepted, client) = world.connect(&tls, client, "a.test").await;
            let der = expected.key.end_entity_cert().unwrap();
            assert_eq!(leaf(&client.unwrap()), &**der);
            assert!(Arc::ptr_eq(&accepted.unwrap().names, expected.names()));
        }
        let mut table = CertTable::default();
        table.add(ecdsa);
        tls.store().replace(table);
        let client = trusting(&old, &[&rustls::version::TLS12]);
        let (accepted, _) = world.connect(&tls, client, "a.test").await;
        assert_eq!(kind(accepted), "no_certificate");
        tls.store().replace(CertTable::default());
        let (accepted, _) = world.connect(&tls, everything(), "a.test").await;
        assert_eq!(kind(accepted), "no_certificate");
    });
}

/// Our protocols, the client's, and what comes of it.
type Case =
    (&'static [&'static str], &'static [&'static str], Result<Option<&'static str>, &'static str>);

#[test]
fn protocols_are_agreed_on_or_refused() {
    run(async {
        let world = World::new();
        let of = |names: &[&str]| names.iter().map(|name| name.as_bytes().to_vec()).collect();
        let cases: [Case; 6] = [
            (&["h2", "http/1.1"], &["http/1.1", "h2"], Ok(Some("h2"))),
            (&["h2", "http/1.1"], &["http/1.1"], Ok(Some("http/1.1"))),
            (&["h2"], &[], Ok(None)),
            (&[], &["h2"], Ok(None)),
            (&[], &[], Ok(None)),
            (&["h2"], &["spdy/3"], Err("no_shared_alpn")),
        ];
        for (ours, theirs, expected) in cases {
            let options = ServerOptions { alpn: of(ours), ..Default::default() };
            let mut table = CertTable::default();
            table.add(world.issue(&["a.test"]));
            let store = Arc::new(CertStore::new(table));
            let tickets = Arc::clone(&world.tickets);
            // That challenges could be answered changes nothing for others.
            let challenges = Some(Arc::default());
            let tls = Arc::new(ServerTls::new(&options, store, tickets, challenges).unwrap());
            let mut client = world.client();
            client.alpn_protocols = of(theirs);
            let (accepted, _client) = world.connect(&tls, client, "a.test").await;
            let agreed = accepted.map(|accepted| accepted.facts.alpn.clone());
            let agreed = agreed.as_ref().map(|agreed| agreed.as_deref());
            let expected = expected.map(|name| name.map(str::as_bytes));
            assert_eq!(agreed.map_err(|error| error.kind()), expected, "{ours:?} {theirs:?}");
        }
    });
}

/// The answer to a challenge, with its critical extension (RFC 8737 section 3).
fn answer(name: &str) -> Certificate {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(&[7; 32])];
    let certificate = params.self_signed(&key).unwrap();
    load_pair(certificate.pem().as_bytes(), key.serialize_pem().as_bytes(), None).unwrap()
}

/// Takes the critical extension, which the library's checks do not.
#[derive(Debug)]
struct Authority;

impl ServerCertVerifier for Authority {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}

#[test]
fn challenges_are_answered_beside_everything_else() {
    run(async {
        let world = World::new();
        let mut table = CertTable::default();
        table.add(world.issue(&["a.test"]));
        let (store, challenges) =
            (Arc::new(CertStore::new(table)), Arc::new(Challenges::default()));
        // An authority shows no certificate, and speaks neither of the protocols.
        let options = mtls(&world.ca, ClientAuthMode::Require);
        let options = ServerOptions { alpn: vec![b"h2".to_vec()], ..options };
        let (tickets, answers) = (Arc::clone(&world.tickets), Some(Arc::clone(&challenges)));
        let tls = Arc::new(ServerTls::new(&options, store, tickets, answers).unwrap());
        let authority = || {
            let mut config = everything();
            config.dangerous().set_certificate_verifier(Arc::new(Authority));
            config.alpn_protocols = vec![ACME_ALPN.to_vec()];
            config
        };
        let (accepted, _) = world.connect(&tls, authority(), "new.test").await;
        assert_eq!(kind(accepted), "no_shared_alpn");
        let answer = answer("new.test");
        challenges.set("NEW.test", &answer);
        let (accepted, client) = world.connect(&tls, authority(), "new.test").await;
        assert_eq!(accepted.unwrap().facts.alpn.as_deref(), Some(ACME_ALPN));
        assert_eq!(leaf(&client.unwrap()), &**answer.key.end_entity_cert().unwrap());
        let (accepted, _) = world.connect(&tls, authority(), "a.test").await;
        assert_eq!(kind(accepted), "no_certificate");
        let known = world.client_with_certificate(&world.ca);
        let (accepted, _client) = world.connect(&tls, known, "a.test").await;
        assert!(accepted.unwrap().facts.client.is_some());
        challenges.remove("new.test");
        let (accepted, _) = world.connect(&tls, authority(), "new.test").await;
        assert_eq!(kind(accepted), "no_shared_alpn");
    });
}

#[test]
fn both_versions_resume_and_say_which_they_are() {
    run(async {
        let world = World::new();
        let tls = world.server(&ServerOptions::default(), &[&["a.test"]]);
        for (version, name, cipher) in [
            (&rustls::version::TLS12, "TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
            (&rustls::version::TLS13, "TLSv1.3", "TLS_AES_128_GCM_SHA256"),
        ] {
            let client = Arc::new(trusting(&default_provider().cipher_suites, &[version]));
            let mut resumed = Vec::new();
            for _ in 0..2 {
                let (accepted, client) = world.connect_with(&tls, &client, "a.test").await;
                let (accepted, mut client) = (accepted.unwrap(), client.unwrap());
                assert_eq!((accepted.facts.version, accepted.facts.cipher), (name, cipher));
                accepted.io.write_all(b"x").await.unwrap();
                client.read_exact(&mut [0]).await.unwrap();
                resumed.push(accepted.facts.resumed);
            }
            assert_eq!(resumed, [false, true], "{name}");
        }
    });
}
