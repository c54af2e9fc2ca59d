use super::*;
use crate::tests::*;
use crate::{Algorithm, KeyKind, Token};
use proptest::prelude::*;
use serde_json::json;

fn public(source: &str, more: Value) -> Value {
    let mut jwk = map(private_jwk(source));
    for private in ["d", "p", "q", "dp", "dq", "qi"] {
        jwk.remove(private);
    }
    jwk.extend(map(more));
    Value::Object(jwk)
}

fn set(keys: &[Value]) -> KeySet {
    let set = KeySet::parse(json!({"keys": keys}).to_string().as_bytes(), all()).unwrap();
    assert_eq!(set.skipped(), []);
    set
}

/// Checks a token of `key` that says `id`.
fn check(
    keys: &KeySet,
    key: &crate::SigningKey,
    algorithm: Algorithm,
    id: Option<&str>,
) -> Result<(), Fault> {
    let header = match id {
        Some(id) => json!({"alg": algorithm.word(), "kid": id}),
        None => json!({"alg": algorithm.word()}),
    };
    let token = key.mint_with(algorithm, &header, &good_claims()).unwrap();
    let token = Token::parse(token.as_bytes(), crate::TOKEN_BYTES_MAX).unwrap();
    keys.verify(token.header(), token.signed(), token.signature())
}

const RSA: &str = "RFC 7515 A.2";
const EC: &str = "RFC 7515 A.3";

#[test]
fn a_key_is_found_by_its_name_then_by_its_kind() {
    let keys = set(&[
        public(RSA, json!({"kid": "r"})),
        public(EC, json!({"kid": "e"})),
        public("RFC 8037 A.4", json!({})),
    ]);
    let (rsa, ec) = (private_key(RSA), private_key(EC));
    assert_eq!(check(&keys, &rsa, Algorithm::Rs256, Some("r")), Ok(()));
    assert_eq!(check(&keys, &rsa, Algorithm::Ps512, Some("r")), Ok(()));
    assert_eq!(check(&keys, &rsa, Algorithm::Rs256, None), Ok(()));
    assert_eq!(check(&keys, &ec, Algorithm::Es256, Some("e")), Ok(()));
    let wrong = Err(Fault::KeyRefuses(Algorithm::Es256));
    assert_eq!(check(&keys, &ec, Algorithm::Es256, Some("r")), wrong);
    assert_eq!(check(&keys, &rsa, Algorithm::Rs256, Some("x")), Err(Fault::UnknownKey));
    // A key without a name may be the one that is named.
    let ed = private_key("RFC 8037 A.4");
    assert_eq!(check(&keys, &ed, Algorithm::EdDsa, Some("x")), Ok(()));
    let other = private_key("RFC 7520 4.1");
    assert_eq!(check(&keys, &other, Algorithm::Rs256, None), Err(Fault::Signature));
}

#[test]
fn a_key_is_only_for_what_its_set_says() {
    let reasons = |key: Value| {
        let text = json!({"keys": [key, public(EC, json!({"kid": "good"}))]}).to_string();
        let set = KeySet::parse(text.as_bytes(), all()).unwrap();
        assert_eq!(set.keys().len(), 1);
        set.skipped()[0].fault.clone()
    };
    assert_eq!(reasons(public(RSA, json!({"use": "enc"}))), KeyFault::Use);
    assert_eq!(reasons(public(RSA, json!({"key_ops": ["sign", "encrypt"]}))), KeyFault::Use);
    assert_eq!(reasons(public(RSA, json!({"key_ops": "verify"}))), KeyFault::Use);
    assert_eq!(reasons(public(RSA, json!({"alg": "ES256"}))), KeyFault::Algorithm);
    assert_eq!(reasons(public(RSA, json!({"alg": "HS256"}))), KeyFault::Algorithm);
    assert_eq!(reasons(public(RSA, json!({"alg": "RSA-OAEP"}))), KeyFault::Algorithm);
    assert_eq!(reasons(json!({"kty": "EC", "crv": "secp256k1"})), KeyFault::Kind);
    assert_eq!(reasons(json!({"kty": "OKP", "crv": "X25519"})), KeyFault::Kind);
    assert_eq!(reasons(json!({"kty": "AKP"})), KeyFault::Kind);
    assert_eq!(reasons(json!({"kty": "oct", "k": "c2hvcnQ"})), KeyFault::Short);
    assert_eq!(
        reasons(public(EC, json!({"x": "AA"}))),
        KeyFault::Form("a number has another length")
    );
    assert_eq!(reasons(public(RSA, json!({"n": "w7__"}))), KeyFault::Bits);
    assert_eq!(
        reasons(public(RSA, json!({"n": 7}))),
        KeyFault::Form("a part of the key is missing")
    );
    for e in ["AQ", "Ag", "AA", "AQAA"] {
        let fault = KeyFault::Form("it is no RSA key");
        assert_eq!(reasons(public(RSA, json!({"e": e}))), fault, "{e}");
    }
    // The wrong point: not on the curve.
    let x = private_jwk("RFC 7515 A.3")["y"].clone();
    assert_eq!(reasons(public(EC, json!({"x": x}))), KeyFault::Form("it is no key of its kind"));
}

#[test]
fn an_algorithm_of_the_set_binds_the_key() {
    let keys = set(&[public(RSA, json!({"kid": "r", "alg": "PS256", "key_ops": ["verify"]}))]);
    let rsa = private_key(RSA);
    assert_eq!(check(&keys, &rsa, Algorithm::Ps256, Some("r")), Ok(()));
    let wrong = Err(Fault::KeyRefuses(Algorithm::Rs256));
    assert_eq!(check(&keys, &rsa, Algorithm::Rs256, Some("r")), wrong);
    assert_eq!(check(&keys, &rsa, Algorithm::Rs256, None), Err(Fault::UnknownKey));
}

#[test]
fn allowed_algorithms_bind_all_keys() {
    let text = json!({"keys": [public(RSA, json!({})), {"kty": "oct", "k": "A".repeat(80)}]});
    let text = text.to_string();
    let keys = KeySet::parse(text.as_bytes(), AlgorithmSet::public()).unwrap();
    assert_eq!(keys.keys().len(), 1);
    assert_eq!(keys.skipped()[0].fault, KeyFault::Algorithm);
    let none = KeySet::parse(text.as_bytes(), AlgorithmSet::NONE).unwrap_err();
    assert_eq!(none, KeySetFault::NoneUsable);
}

#[test]
fn a_thousand_keys_are_fine() {
    let key = public(RSA, json!({}));
    let keys: Vec<Value> = (0..1000)
        .map(|number| {
            let mut key = map(key.clone());
            key.insert("kid".to_owned(), json!(format!("k{number}")));
            key.into()
        })
        .collect();
    let keys = set(&keys);
    let rsa = private_key(RSA);
    assert_eq!(check(&keys, &rsa, Algorithm::Rs256, Some("k999")), Ok(()));
    // Nobody may make us try them all.
    let other = private_key("RFC 7520 4.1");
    assert_eq!(check(&keys, &other, Algorithm::Rs256, None), Err(Fault::WhichKey));
    assert_eq!(check(&keys, &other, Algorithm::Rs256, Some("k1001")), Err(Fault::UnknownKey));
}

#[test]
fn sets_are_bounded() {
    let many = json!({"keys": vec![json!({"kty": "oct"}); SET_KEYS_MAX + 1]}).to_string();
    let parse = |text: &str| KeySet::parse(text.as_bytes(), all()).unwrap_err();
    assert_eq!(parse(&many), KeySetFault::TooMany);
    assert_eq!(parse(&" ".repeat(SET_BYTES_MAX + 1)), KeySetFault::TooLong);
    assert_eq!(parse("{}"), KeySetFault::NoKeys);
    assert_eq!(parse(r#"{"keys":{}}"#), KeySetFault::NoKeys);
    assert_eq!(parse(r#"{"keys":[1,2]}"#), KeySetFault::NoneUsable);
    assert_eq!(parse(r#"{"keys":[],"keys":[]}"#), KeySetFault::Json(JsonFault::DuplicateKey));
    assert_eq!(parse("<html>"), KeySetFault::Json(JsonFault::Syntax));
}

#[test]
fn two_keys_of_one_name_are_both_tried() {
    let keys =
        set(&[public("RFC 7520 4.1", json!({"kid": "k"})), public(RSA, json!({"kid": "k"}))]);
    assert_eq!(check(&keys, &private_key(RSA), Algorithm::Rs256, Some("k")), Ok(()));
}

#[test]
fn pem_holds_keys_and_certificates() {
    let ed = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";
    let keys = KeySet::keys_of_pem(Some("ed"), ed.as_bytes(), all()).unwrap();
    assert_eq!((keys[0].kind(), keys[0].id()), (KeyKind::Ed25519, Some("ed")));
    let keys = KeySet::new(keys);
    assert_eq!(check(&keys, &private_key("RFC 8037 A.4"), Algorithm::EdDsa, Some("ed")), Ok(()));
    let fault = |text: &str| KeySet::keys_of_pem(None, text.as_bytes(), all()).unwrap_err();
    assert_eq!(fault("no pem"), KeyFault::Form("there is no PEM in it"));
    let private = ed.replace("PUBLIC", "PRIVATE");
    assert!(fault(&private).to_string().contains("private key"));
    assert_eq!(fault(&ed.replace("PUBLIC KEY", "X")), KeyFault::Kind);
}

/// The PEM text of some DER.
fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap());
    let lines: Vec<&str> = lines.collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

#[test]
fn every_kind_of_key_is_read_from_pem() {
    use aws_lc_rs::encoding::AsDer;
    use aws_lc_rs::signature::{self, EcdsaKeyPair, KeyPair, RsaKeyPair};
    let rsa = RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let signer = crate::SigningKey::from_der(rsa.as_der().unwrap().as_ref()).unwrap();
    let info = pem("PUBLIC KEY", rsa.public_key().as_der().unwrap().as_ref());
    let alone = pem("RSA PUBLIC KEY", rsa.public_key().as_ref());
    for text in [&info, &alone] {
        let keys = KeySet::new(KeySet::keys_of_pem(None, text.as_bytes(), all()).unwrap());
        assert_eq!(check(&keys, &signer, Algorithm::Ps384, Some("any")), Ok(()));
    }
    let mut texts = info;
    for (curve, algorithm) in [
        (&signature::ECDSA_P256_SHA256_FIXED_SIGNING, Algorithm::Es256),
        (&signature::ECDSA_P384_SHA384_FIXED_SIGNING, Algorithm::Es384),
        (&signature::ECDSA_P521_SHA512_FIXED_SIGNING, Algorithm::Es512),
    ] {
        let pair = EcdsaKeyPair::generate(curve).unwrap();
        let text = pem("PUBLIC KEY", pair.public_key().as_der().unwrap().as_ref());
        let keys = KeySet::new(KeySet::keys_of_pem(None, text.as_bytes(), all()).unwrap());
        let der = pair.to_pkcs8v1().unwrap();
        let signer = crate::SigningKey::from_der(der.as_ref()).unwrap();
        assert_eq!(check(&keys, &signer, algorithm, None), Ok(()), "{algorithm:?}");
        texts.push_str(&text);
    }
    // Several in one text.
    assert_eq!(KeySet::keys_of_pem(None, texts.as_bytes(), all()).unwrap().len(), 4);
}

#[test]
fn the_key_of_a_certificate_is_read() {
    let made = rcgen::generate_simple_self_signed(["id.example.com".to_owned()]).unwrap();
    let text = made.cert.pem();
    let keys = KeySet::new(KeySet::keys_of_pem(Some("c"), text.as_bytes(), all()).unwrap());
    let signer = crate::SigningKey::from_pem(made.signing_key.serialize_pem().as_bytes()).unwrap();
    assert_eq!(check(&keys, &signer, Algorithm::Es256, Some("c")), Ok(()));
}

#[test]
fn short_rsa_keys_are_none() {
    use base64::Engine;
    // A number of 1024 bits; nobody looks whether it is a product of two primes.
    let der = "MIGJAoGBAMF7IoAD0n9oZ8FtLwaVcXr0qAq6UfAtCtLqr8mQ0mJ2PpBvXkqK1cM2cS8TzG1m9pJcQ3o3GxkqV1gkCkY7Wm8F2bB3wqVxS8XkS5n4z2r5mYl0cJ1O0rS5bG2yX0wT6t3uH9eQm1pQ4mWz8c6lYbQ1r7s2xV5n9kD3f8hJ0aBfAgMBAAE=";
    let der = base64::engine::general_purpose::STANDARD.decode(der).unwrap();
    let text = pem("RSA PUBLIC KEY", &der);
    let fault = KeySet::keys_of_pem(None, text.as_bytes(), all()).unwrap_err();
    assert_eq!(fault, KeyFault::Bits);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = KeySet::parse(&bytes, all());
        let _ = KeySet::keys_of_pem(None, &bytes, all());
    }

    #[test]
    fn any_numbers_are_read_without_harm(n in "[A-Za-z0-9_-]{0,400}", e in "[A-Za-z0-9_-]{0,8}") {
        let text = json!({"kty": "RSA", "n": n, "e": e}).to_string();
        let _ = KeySet::parse(text.as_bytes(), all());
        let text = json!({"kty": "EC", "crv": "P-256", "x": n, "y": e}).to_string();
        let _ = KeySet::parse(text.as_bytes(), all());
    }
}
