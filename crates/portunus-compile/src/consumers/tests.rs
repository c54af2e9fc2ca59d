use portunus_base::{ClientCertificate, Wall};
use portunus_identity::{CredentialKind, KeyHash, SignatureKey};

use crate::tests::{Process, golden, mistakes};

const TEXT: &str = r#"
listeners: {web: "127.0.0.1:0"}
consumers:
  - name: acme
    id: c-17
    keys:
      - a-key-that-is-long-enough
      - {id: old, value: "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", expires: 1970-01-01T00:00:01Z}
    passwords: [{user: u, hash: "$2y$1"}, {user: u, hash: "$2y$2"}]
    signatures: [{id: s, secret: shared}, {id: b, secret: "base64:AQID"}, {id: p, public_key: pub.pem}]
    certificates: ["CN=robot,O=Example", "sha256:BA:7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "spiffe://a/b", "dns:a.test"]
    claims: {azp: [web, app]}
    groups: [partners]
    attributes: {tier: gold}
    plan: gold
  - plain
  - {name: person, claims: {sub: u-1}, claim_issuer: https://id.example.com}
plans: {gold: {rate: 10/s, quota: [5/d, 9/month]}}
"#;

#[test]
fn a_consumer_is_found_by_all_its_credentials() {
    let process = Process::new();
    process.put("pub.pem", "-----BEGIN PUBLIC KEY-----\n");
    let source = process.load(TEXT, None).consumers;
    let table = source.table().build();
    let acme = table.by_name("acme").unwrap();
    assert_eq!(
        (&*acme.id, &*acme.groups[0], &*acme.attributes["tier"]),
        ("c-17", "partners", "gold")
    );
    let plan = acme.plan.as_ref().unwrap();
    assert_eq!((plan.rates.len(), plan.quotas.len()), (1, 2));
    assert_eq!(&*table.by_name("plain").unwrap().id, "plain");

    let key = table.key(&KeyHash::of(b"a-key-that-is-long-enough")).unwrap();
    assert_eq!((&*key.id, &*key.consumer.name, key.not_after), ("acme-1", "acme", None));
    let old = table.key(&KeyHash::of(b"abc")).unwrap();
    assert_eq!((&*old.id, old.not_after), ("old", Some(Wall(1_000_000))));
    assert_eq!(table.user("u").len(), 2);
    let key = |id: &str| match &table.signature(id).unwrap().kind {
        CredentialKind::Signature { key: SignatureKey::Secret(secret), .. } => secret.to_vec(),
        CredentialKind::Signature { key: SignatureKey::Public { pem }, .. } => {
            pem.as_bytes().to_vec()
        }
        _ => panic!("not a signature key"),
    };
    assert_eq!((key("s"), key("b")), (b"shared".to_vec(), vec![1, 2, 3]));
    assert!(key("p").starts_with(b"-----BEGIN"));
    let robot = |certificate: ClientCertificate| {
        table.certificate(&certificate).map(|credential| credential.id.to_string())
    };
    let uri = ClientCertificate { uris: ["spiffe://a/b".into()].into(), ..Default::default() };
    assert_eq!(robot(uri).as_deref(), Some("spiffe://a/b"));
    let hex = KeyHash::of(b"abc").to_string().replace("sha256:", "").into();
    let exact = ClientCertificate { fingerprint_sha256: hex, ..Default::default() };
    assert!(robot(exact).unwrap().starts_with("sha256:BA:"));
    assert_eq!(table.claim(None, "azp", "app").map(|it| &*it.id), Some("azp=app"));
    let of = |issuer: &str| table.claim(Some(issuer), "sub", "u-1").map(|it| &*it.consumer.name);
    assert_eq!(of("https://id.example.com"), Some("person"));
    assert_eq!(of("https://other.example.com"), None);
}

#[test]
fn what_proves_two_consumers_is_refused() {
    let text = r#"
listeners: {web: "127.0.0.1:0"}
consumers:
  - {name: a, keys: [abc, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"], claims: {azp: x}}
  - {name: b, certificates: [CN=a, "sha256:12", robot], claims: {azp: x}, signatures: [{id: s, secret: "base64:*"}, {id: t, public_key: no.pem}]}
  - {name: c, certificates: [CN=a], signatures: [{id: u, public_key: key.pem}]}
"#;
    golden!("consumers_wrong", mistakes(text));
}
