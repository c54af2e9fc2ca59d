use rcgen::string::{BmpString, PrintableString};
use rcgen::{CertificateParams, DnType, DnValue, KeyPair};

use super::read_certificate;

/// The subject of a certificate with these parts, in their order.
fn subject(parts: Vec<(DnType, DnValue)>) -> String {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    parts.into_iter().for_each(|(kind, value)| params.distinguished_name.push(kind, value));
    let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
    let read = read_certificate(certificate.der()).unwrap();
    assert_eq!(read.subject, read.issuer);
    read.subject.into()
}

fn named(name: &str) -> String {
    subject(vec![(DnType::CommonName, name.into())])
}

#[test]
fn the_last_part_comes_first() {
    let parts = vec![
        (DnType::CountryName, DnValue::PrintableString(PrintableString::try_from("CH").unwrap())),
        (DnType::OrganizationName, "Example AG".into()),
        (DnType::from_oid(&[1, 2, 840, 113549, 1, 9, 1]), "a@example.com".into()),
        (DnType::CommonName, "robot".into()),
    ];
    assert_eq!(subject(parts), "CN=robot,emailAddress=a@example.com,O=Example AG,C=CH");
    assert_eq!(subject(vec![]), "");
}

#[test]
fn no_value_looks_like_another_part() {
    assert_eq!(named("a,O=b"), r"CN=a\,O=b");
    assert_eq!(named("a+O=b"), r"CN=a\+O=b");
    let honest = vec![(DnType::OrganizationName, "b".into()), (DnType::CommonName, "a".into())];
    assert_eq!(subject(honest), "CN=a,O=b");
    assert_eq!(named(r#"a;"<b>\"#), r#"CN=a\;\"\<b\>\\"#);
    assert_eq!(named(" a b "), r"CN=\ a b\ ");
    assert_eq!(named(" "), r"CN=\ ");
    assert_eq!(named("#a#"), r"CN=\#a#");
    assert_eq!(named("a\0b\n"), r"CN=a\00b\0a");
    assert_eq!(named("Zo\u{eb}"), "CN=Zo\u{eb}");
}

#[test]
fn what_has_no_short_name_is_written_as_bytes() {
    let unknown = vec![(DnType::from_oid(&[1, 3, 6, 1, 4, 1, 1]), "ab".into())];
    assert_eq!(subject(unknown), "1.3.6.1.4.1.1=#0c026162");
    let wide = DnValue::BmpString(BmpString::try_from("a,b").unwrap());
    assert_eq!(subject(vec![(DnType::CommonName, wide)]), r"CN=a\,b");
}
