use super::*;
use crate::tests::*;

#[test]
fn private_keys_come_in_several_forms() {
    let der = |key: &SigningKey| match &key.signer {
        Signer::Ec(pair) => pair.to_pkcs8v1().unwrap().as_ref().to_vec(),
        Signer::Ed25519(pair) => pair.to_pkcs8().unwrap().as_ref().to_vec(),
        _ => panic!("no DER of this one"),
    };
    for source in ["RFC 7515 A.3", "RFC 7515 A.4", "RFC 8037 A.4"] {
        let key = private_key(source);
        let again = SigningKey::from_der(&der(&key)).unwrap();
        assert_eq!(again.kind, key.kind);
        let algorithm = again.algorithms().next().unwrap();
        let token = again.mint(algorithm, &good_claims()).unwrap();
        let rules = crate::Rules::default();
        assert!(crate::verify(token.as_bytes(), 8192, &set_of(&key), &rules, now()).is_ok());
    }
    assert_eq!(
        SigningKey::from_pem(b"x").unwrap_err(),
        KeyFault::Form("there is no private key in PEM")
    );
    assert_eq!(SigningKey::from_der(b"x").unwrap_err(), KeyFault::Kind);
}

#[test]
fn a_key_signs_with_its_own_algorithms() {
    let claims = good_claims();
    let short = SigningKey::secret(b"short");
    assert_eq!(short.mint(Algorithm::Hs256, &claims), Err(KeyFault::Short));
    let ec = private_key("RFC 7515 A.3");
    assert_eq!(ec.mint(Algorithm::Es512, &claims), Err(KeyFault::Algorithm));
    assert_eq!(ec.algorithms().collect::<Vec<_>>(), [Algorithm::Es256]);
    let wrong = private_jwk("RFC 7515 A.3").to_string().replace("jpsQ", "kpsQ");
    let fault = SigningKey::from_jwk(wrong.as_bytes()).unwrap_err();
    assert_eq!(fault, KeyFault::Form("its halves do not fit"));
}
