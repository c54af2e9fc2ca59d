use rcgen::{CertificateParams, KeyPair};

use super::Issued;
use crate::plan::Names;

fn pair(names: &[&str]) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2026, 4, 1);
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

fn issued(wanted: &[&str], chain: &str, key: &str) -> Result<Issued, String> {
    let names = Names::new(wanted).unwrap();
    Issued::new(names, chain.to_owned(), key.to_owned(), "https://ca.test/dir".to_owned())
}

#[test]
fn a_certificate_comes_back_from_storage_as_it_was() {
    let (chain, key) = pair(&["a.test", "*.a.test"]);
    let one = issued(&["a.test", "*.a.test"], &chain, &key).unwrap();
    assert_eq!(one.not_after().0 - one.not_before().0, 90 * 24 * 3600 * 1_000_000);
    let again = Issued::from_stored(one.names().clone(), &one.to_stored()).unwrap();
    assert_eq!(
        (again.names(), again.life(), again.directory()),
        (one.names(), one.life(), one.directory())
    );
    assert_eq!(again.chain_pem(), one.chain_pem());
    assert_eq!(again.key_pem().trim(), one.key_pem().trim());
    assert!(!format!("{one:?}").contains("PRIVATE"), "{one:?}");
}

#[test]
fn a_certificate_for_other_names_or_another_key_is_not_taken() {
    let (chain, key) = pair(&["a.test"]);
    let (_, other_key) = pair(&["a.test"]);
    let error = issued(&["a.test", "b.test"], &chain, &key).unwrap_err();
    assert!(error.contains("b.test"), "{error}");
    let error = issued(&["a.test"], &chain, &other_key).unwrap_err();
    assert!(error.contains("another key"), "{error}");
}

#[test]
fn what_is_cut_or_strange_is_not_taken() {
    let (chain, key) = pair(&["a.test"]);
    let stored = issued(&["a.test"], &chain, &key).unwrap().to_stored();
    let names = Names::new(["a.test"]).unwrap();
    for end in [0, 5, 40, stored.len() / 2, stored.len() - 30] {
        assert!(Issued::from_stored(names.clone(), &stored[..end]).is_err(), "{end}");
    }
    assert!(Issued::from_stored(names, &[0xff, b'\n']).is_err());
}
