use super::*;
use crate::tests::*;
use crate::{Algorithm, AlgorithmSet, FaultKind, Key, SigningKey, TOKEN_BYTES_MAX};
use proptest::prelude::*;
use serde_json::json;

fn checked(token: &str, keys: &KeySet) -> Result<Verified, Fault> {
    verify(token.as_bytes(), TOKEN_BYTES_MAX, keys, &Rules::default(), now())
}

#[test]
fn the_examples_of_the_rfcs_are_good() {
    for vector in vectors() {
        let keys = KeySet::parse(vector["key"].to_string().as_bytes(), all()).unwrap();
        let text = vector["token"].as_str().unwrap();
        let token = Token::parse(text.as_bytes(), TOKEN_BYTES_MAX).unwrap();
        let signature = keys.verify(token.header(), token.signed(), token.signature());
        assert_eq!(signature, Ok(()), "{}", vector["source"]);
        let wrong = [token.signed(), b"x"].concat();
        let wrong = keys.verify(token.header(), &wrong, token.signature());
        assert_eq!(wrong, Err(Fault::Signature), "{}", vector["source"]);
    }
}

#[test]
fn the_examples_of_the_rfcs_are_signed_alike_where_signatures_do_not_vary() {
    for vector in vectors() {
        let text = vector["token"].as_str().unwrap();
        let token = Token::parse(text.as_bytes(), TOKEN_BYTES_MAX).unwrap();
        let algorithm = token.header().algorithm;
        let key = SigningKey::from_jwk(vector["key"].to_string().as_bytes()).unwrap();
        let signature = key.sign(algorithm, token.signed()).unwrap();
        match algorithm {
            Algorithm::Hs256 | Algorithm::Rs256 | Algorithm::EdDsa => {
                assert_eq!(signature, token.signature(), "{}", vector["source"]);
            }
            _ => assert_eq!(signature.len(), token.signature().len(), "{}", vector["source"]),
        }
    }
}

#[test]
fn every_algorithm_signs_and_checks() {
    for algorithm in Algorithm::ALL {
        let key = key_for(algorithm).named("k1");
        let token = key.mint(algorithm, &good_claims()).unwrap();
        let verified = checked(&token, &set_of(&key)).unwrap();
        assert_eq!(verified.claims, good_claims(), "{algorithm:?}");
        assert_eq!(verified.header.algorithm, algorithm);
        assert_eq!(verified.header.key_id.as_deref(), Some("k1"));
    }
}

#[test]
fn no_token_is_taken_for_one_of_another_algorithm() {
    for (made, asked) in Algorithm::ALL.into_iter().flat_map(|a| Algorithm::ALL.map(|b| (a, b))) {
        if made == asked {
            continue;
        }
        let key = key_for(made);
        // The signature of one algorithm under a header that names another one.
        let mut token =
            crate::base64url::encode(json!({"alg": asked.word()}).to_string().as_bytes());
        token.push('.');
        crate::base64url::encode_onto(&serde_json::to_vec(&good_claims()).unwrap(), &mut token);
        let signature = key.sign(made, token.as_bytes()).unwrap();
        token.push('.');
        crate::base64url::encode_onto(&signature, &mut token);
        assert!(checked(&token, &set_of(&key)).is_err(), "{made:?} as {asked:?}");
    }
}

#[test]
fn a_public_key_is_never_a_secret() {
    let rsa = key_for(Algorithm::Rs256);
    let public = rsa.verifier(all()).unwrap();
    let set = set_of(&rsa);
    assert!(public.algorithms().both(AlgorithmSet::shared()).is_empty());
    // What an attacker knows: the modulus, its JSON and the PEM text of the key.
    let jwk = private_jwk("RFC 7515 A.2");
    let public_jwk = json!({"kty": "RSA", "n": jwk["n"], "e": jwk["e"]}).to_string();
    let n = crate::base64url::decode(jwk["n"].as_str().unwrap().as_bytes()).unwrap();
    for secret in [public_jwk.as_bytes(), n.as_slice(), jwk["n"].as_str().unwrap().as_bytes()] {
        for algorithm in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512] {
            let token = SigningKey::secret(secret).mint(algorithm, &good_claims()).unwrap();
            assert_eq!(checked(&token, &set), Err(Fault::UnknownKey));
            let named = KeySet::new(vec![rsa_named("k1")]);
            let token = SigningKey::secret(secret).named("k1").mint(algorithm, &good_claims());
            assert_eq!(checked(&token.unwrap(), &named), Err(Fault::KeyRefuses(algorithm)));
        }
    }
}

fn rsa_named(id: &str) -> Key {
    key_for(Algorithm::Rs256).named(id).verifier(all()).unwrap()
}

#[test]
fn keys_in_headers_are_passed_over() {
    let attacker = private_key("RFC 7520 4.1");
    let jwk = private_jwk("RFC 7520 4.1");
    for (name, value) in [
        ("jwk", json!({"kty": "RSA", "n": jwk["n"], "e": jwk["e"]})),
        ("jku", json!("https://attacker.example/jwks.json")),
        ("x5u", json!("https://attacker.example/cert.pem")),
        ("x5c", json!(["MIIB"])),
    ] {
        let header = json!({"alg": "RS256", "kid": "k1", name: value});
        let forged = attacker.mint_with(Algorithm::Rs256, &header, &good_claims()).unwrap();
        let keys = KeySet::new(vec![rsa_named("k1")]);
        assert_eq!(checked(&forged, &keys), Err(Fault::Signature), "{name}");
        let good = key_for(Algorithm::Rs256).mint_with(Algorithm::Rs256, &header, &good_claims());
        assert!(checked(&good.unwrap(), &keys).is_ok(), "{name}");
    }
}

#[test]
fn names_of_keys_are_only_compared() {
    let key = key_for(Algorithm::Hs256);
    let keys = KeySet::new(vec![Key::secret(Some("k1"), &[7; 64], all()).unwrap()]);
    for id in ["../../dev/null", "k1' OR '1'='1", "", "K1", "k1\u{0}", "https://attacker.example/k"]
    {
        let token = key_for(Algorithm::Hs256).named(id).mint(Algorithm::Hs256, &good_claims());
        assert_eq!(checked(&token.unwrap(), &keys), Err(Fault::UnknownKey), "{id}");
    }
    let empty = SigningKey::secret(&[0; 32]).named("../../dev/null");
    let token = empty.mint(Algorithm::Hs256, &good_claims()).unwrap();
    assert_eq!(checked(&token, &set_of(&key)), Err(Fault::UnknownKey));
}

#[test]
fn without_a_signature_nothing_of_the_claims_is_said() {
    let key = key_for(Algorithm::Es256);
    let mut claims = good_claims();
    claims.insert("exp".to_owned(), json!(1));
    let token = key.mint(Algorithm::Es256, &claims).unwrap();
    assert_eq!(checked(&token, &set_of(&key)), Err(Fault::Expired));
    let cut = token.rsplit_once('.').unwrap().0;
    assert_eq!(checked(&format!("{cut}.AAAA"), &set_of(&key)), Err(Fault::Signature));
    assert_eq!(checked(&format!("{cut}."), &set_of(&key)), Err(Fault::Signature));
}

#[test]
fn signatures_that_some_take_for_good_are_wrong() {
    for (algorithm, len) in
        [(Algorithm::Es256, 64), (Algorithm::Es384, 96), (Algorithm::Es512, 132)]
    {
        let key = key_for(algorithm);
        let token = key.mint(algorithm, &good_claims()).unwrap();
        let signed = token.rsplit_once('.').unwrap().0;
        // Two zeros, which fit every message where nobody looks at their range.
        let zeros = crate::base64url::encode(&vec![0; len]);
        assert_eq!(checked(&format!("{signed}.{zeros}"), &set_of(&key)), Err(Fault::Signature));
        let longer = crate::base64url::encode(&vec![1; len + 1]);
        assert_eq!(checked(&format!("{signed}.{longer}"), &set_of(&key)), Err(Fault::Signature));
    }
}

#[test]
fn an_unsigned_check_looks_at_everything_else() {
    let token = key_for(Algorithm::Es256).mint(Algorithm::Es256, &good_claims()).unwrap();
    let rules = Rules { issuer: Some("https://other.example".to_owned()), ..Rules::default() };
    let check = |rules| check_unsigned(token.as_bytes(), TOKEN_BYTES_MAX, rules, now());
    assert_eq!(check(&rules), Err(Fault::Issuer));
    assert_eq!(check(&Rules::default()).unwrap().claims, good_claims());
}

#[test]
fn faults_speak_in_sentences() {
    for fault in [Fault::Expired, Fault::Claim("a".into()), Fault::KeyRefuses(Algorithm::Rs256)] {
        let text = fault.to_string();
        assert!(text.starts_with("The token") && text.ends_with('.'), "{text}");
    }
    assert_eq!(Fault::Expired.kind(), FaultKind::Expired);
    assert_eq!(Fault::Scope("a".into()).kind(), FaultKind::Forbidden);
    assert_eq!(Fault::Signature.kind(), FaultKind::Invalid);
}

proptest! {
    #[test]
    fn a_changed_byte_makes_a_token_worthless(at: prop::sample::Index, to in "[A-Za-z0-9_.=-]") {
        let key = key_for(Algorithm::Es256);
        let token = key.mint(Algorithm::Es256, &good_claims()).unwrap();
        let keys = set_of(&key);
        let mut bytes = token.clone().into_bytes();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != to.as_bytes()[0]);
        bytes[at] = to.as_bytes()[0];
        prop_assert!(verify(&bytes, TOKEN_BYTES_MAX, &keys, &Rules::default(), now()).is_err());
    }

    #[test]
    fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let keys = set_of(&key_for(Algorithm::Hs256));
        prop_assert!(verify(&bytes, TOKEN_BYTES_MAX, &keys, &Rules::default(), now()).is_err());
    }
}
