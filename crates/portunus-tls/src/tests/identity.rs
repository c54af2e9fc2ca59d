//! Certificates of clients: bundles of authorities, revoked ones, and those whose time is over.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};

use super::*;

/// An authority that can revoke.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    fn client(&self, world: &World, serial: u64, until_year: i32) -> ClientConfig {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["robot.test".to_owned()]).unwrap();
        params.serial_number = Some(SerialNumber::from(serial));
        params.not_after = date_time_ymd(until_year, 1, 1);
        let chain = vec![params.signed_by(&key, &self.issuer).unwrap().der().clone()];
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let builder = builder.with_root_certificates(world.roots());
        builder.with_client_auth_cert(chain, key).unwrap()
    }

    fn revoke(&self, serial: u64) -> Vec<u8> {
        let revoked = RevokedCertParams {
            serial_number: SerialNumber::from(serial),
            revocation_time: date_time_ymd(2024, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2024, 1, 1),
            next_update: date_time_ymd(2024, 2, 1),
            crl_number: SerialNumber::from(1u64),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap().into_bytes()
    }
}

#[test]
fn revoked_and_expired_clients_are_refused_whichever_authority_they_come_from() {
    run(async {
        let world = World::new();
        let authorities = [Authority::new("one"), Authority::new("two")];
        let [one, two] = &authorities;
        for mode in [ClientAuthMode::Require, ClientAuthMode::Optional] {
            let auth = ClientAuth {
                mode,
                ca_pem: [one.pem.as_bytes(), two.pem.as_bytes()].concat(),
                // One that is out of date still says who was revoked; the other authority has none.
                crl_pems: vec![one.revoke(7)],
            };
            let options = ServerOptions { client_auth: Some(auth), ..Default::default() };
            let tls = world.server(&options, &[&["a.test"]]);
            for (authority, serial, until_year, expected) in [
                (one, 6, 2090, "fine"),
                (two, 7, 2090, "fine"),
                (one, 7, 2090, "certificate_revoked"),
                (one, 6, 2020, "certificate_expired"),
                (&Authority::new("one"), 6, 2090, "bad_certificate"),
                (&Authority::new("three"), 6, 2090, "unknown_ca"),
            ] {
                let client = authority.client(&world, serial, until_year);
                let (accepted, _client) = world.connect(&tls, client, "a.test").await;
                assert_eq!(kind(accepted), expected, "{serial} {until_year}");
            }
        }
    });
}

#[test]
fn a_ticket_of_before_a_revocation_is_no_way_in() {
    run(async {
        let world = World::new();
        let authority = Authority::new("one");
        let server = |crl_pems| {
            let ca_pem = authority.pem.clone().into_bytes();
            let auth = ClientAuth { mode: ClientAuthMode::Require, ca_pem, crl_pems };
            let options = ServerOptions { client_auth: Some(auth), ..Default::default() };
            world.server(&options, &[&["a.test"]])
        };
        let client = Arc::new(authority.client(&world, 7, 2090));
        let (before, after) = (server(Vec::new()), server(vec![authority.revoke(7)]));
        for expected in ["full", "resumed"] {
            let (accepted, stream) = world.connect_with(&before, &client, "a.test").await;
            let (accepted, mut stream) = (accepted.unwrap(), stream.unwrap());
            // The tickets go with it.
            accepted.io.write_all(b"x").await.unwrap();
            stream.read_exact(&mut [0]).await.unwrap();
            assert_eq!(accepted.facts.resumed, expected == "resumed");
        }
        let (accepted, _client) = world.connect_with(&after, &client, "a.test").await;
        assert_eq!(kind(accepted), "certificate_revoked");
    });
}
