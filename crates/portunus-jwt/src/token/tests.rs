use super::*;
use crate::tests::*;
use crate::{Algorithm, JsonFault, Key};
use proptest::prelude::*;

/// A token of these parts in plain text.
fn token(header: &str, claims: &str) -> String {
    let encode = |text: &str| base64url::encode(text.as_bytes());
    format!("{}.{}.{}", encode(header), encode(claims), encode("signature"))
}

fn fault(text: &str) -> Fault {
    Token::parse(text.as_bytes(), TOKEN_BYTES_MAX).unwrap_err()
}

#[test]
fn a_token_has_three_parts() {
    for text in ["", "a", "a.b", "a.b.c.d", "a.b.c.d.e.f", "a.b.c."] {
        assert_eq!(fault(text), Fault::Parts, "{text}");
    }
    assert_eq!(fault("a.b.c.d.e"), Fault::Encrypted);
    assert_eq!(fault(".."), Fault::Json(Part::Header, JsonFault::Syntax));
    let long = token(r#"{"alg":"RS256"}"#, &"x".repeat(TOKEN_BYTES_MAX));
    assert_eq!(fault(&long), Fault::TooLong);
}

#[test]
fn base64_has_one_form() {
    let good = token(r#"{"alg":"RS256"}"#, "{}");
    let (header, rest) = good.split_once('.').unwrap();
    for wrong in [
        format!("{header}=.{rest}"),
        format!("{header}\n.{rest}"),
        format!(" {header}.{rest}"),
        // The same bytes with bits left over at the end.
        format!("eyJhbGciOiJIUzI1NiJ9.e31.QR.{}", "")
            .trim_end_matches('.')
            .to_owned()
            .replace("eyJhbGciOiJIUzI1NiJ9", "eyJhbGciOiJIUzI1NiJ-"),
    ] {
        assert!(matches!(fault(&wrong), Fault::Base64(_) | Fault::Json(..)), "{wrong}");
    }
    assert_eq!(fault("eyJhbGciOiJIUzI1NiJ9.e30.QR"), Fault::Base64(Part::Signature));
    assert!(Token::parse(b"eyJhbGciOiJIUzI1NiJ9.e30.QQ", TOKEN_BYTES_MAX).is_ok());
    assert_eq!(fault("eyJhbGciOiJIUzI1NiJ9.e30.Q+/="), Fault::Base64(Part::Signature));
}

#[test]
fn headers_are_read_strictly() {
    let header = |text: &str| fault(&token(text, "{}"));
    assert_eq!(header(r#"{"alg":"none"}"#), Fault::Unsigned);
    assert_eq!(header(r#"{"alg":"NoNe"}"#), Fault::Unsigned);
    assert_eq!(header(r#"{"alg":"rs256"}"#), Fault::Algorithm);
    assert_eq!(header(r#"{"alg":"HS1"}"#), Fault::Algorithm);
    assert_eq!(header(r#"{"alg":""}"#), Fault::Algorithm);
    assert_eq!(header(r#"{"typ":"JWT"}"#), Fault::NoAlgorithm);
    assert_eq!(header(r#"{"alg":256}"#), Fault::NoAlgorithm);
    assert_eq!(header(r#"{"alg":["RS256"]}"#), Fault::NoAlgorithm);
    assert_eq!(header(r#"{"alg":"RS256","crit":["exp"]}"#), Fault::Critical);
    assert_eq!(header(r#"{"alg":"RS256","crit":[]}"#), Fault::Critical);
    assert_eq!(header(r#"{"alg":"RS256","b64":false}"#), Fault::Critical);
    let twice = Fault::Json(Part::Header, JsonFault::DuplicateKey);
    assert_eq!(header(r#"{"alg":"none","alg":"RS256"}"#), twice);
    assert_eq!(header(r#"{"alg":"RS256","\u0061lg":"none"}"#), twice);
    assert_eq!(header(r#"{"alg":"RS256","x":1,"x":1}"#), twice);
    let many: String = (0..40).map(|number| format!(r#","x{number}":1"#)).collect();
    assert_eq!(header(&format!(r#"{{"alg":"RS256"{many}}}"#)), twice);
    assert_eq!(header(r#"["RS256"]"#), Fault::Json(Part::Header, JsonFault::NoObject));
    assert_eq!(header(r#"{"alg":"RS256"} "x""#), Fault::Json(Part::Header, JsonFault::Syntax));
}

#[test]
fn claims_are_read_strictly() {
    let claims = |text: &str| {
        let text = token(r#"{"alg":"RS256"}"#, text);
        Token::parse(text.as_bytes(), TOKEN_BYTES_MAX).unwrap().claims()
    };
    let fault = |fault| Err(Fault::Json(Part::Claims, fault));
    assert_eq!(claims(r#"{"sub":"a","sub":"b"}"#), fault(JsonFault::DuplicateKey));
    assert_eq!(claims(r#"{"a":{"b":1,"b":1}}"#), fault(JsonFault::DuplicateKey));
    assert_eq!(claims(r#"{"a":[{"b":1,"b":1}]}"#), fault(JsonFault::DuplicateKey));
    assert_eq!(claims(r#""text""#), fault(JsonFault::NoObject));
    assert_eq!(claims("{"), fault(JsonFault::Syntax));
    assert_eq!(claims(r#"{"a":NaN}"#), fault(JsonFault::Syntax));
    assert_eq!(claims(r#"{"a":1e999}"#), fault(JsonFault::Syntax));
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(500), "]".repeat(500));
    assert_eq!(claims(&deep), fault(JsonFault::Syntax));
    assert_eq!(claims(r#"{"sub":"é"}"#).unwrap()["sub"], "é");
}

#[test]
fn the_header_says_key_and_type() {
    let text = token(r#"{"alg":"Ed25519","kid":"k1","typ":"at+jwt","x":[1]}"#, "{}");
    let token = Token::parse(text.as_bytes(), TOKEN_BYTES_MAX).unwrap();
    let header = token.header();
    assert_eq!(header.algorithm, Algorithm::EdDsa);
    assert_eq!((header.key_id.as_deref(), header.kind.as_deref()), (Some("k1"), Some("at+jwt")));
    assert_eq!(token.signed(), text.rsplit_once('.').unwrap().0.as_bytes());
    assert_eq!(token.signature(), b"signature");
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = Token::parse(&bytes, TOKEN_BYTES_MAX);
    }

    #[test]
    fn any_header_is_read_without_harm(text in r#"\{"alg": ?"[A-Za-z0-9]{0,6}"(,"(kid|typ|crit|alg)": ?("x"|1|null|\[\]))?\}?"#) {
        if let Ok(read) = Token::parse(token(&text, "{}").as_bytes(), TOKEN_BYTES_MAX) {
            prop_assert!(text.contains(read.header().algorithm.word()) || text.contains("Ed25519"));
            prop_assert!(!text.contains("crit"));
        }
    }
}

#[test]
fn debug_shows_no_key() {
    let key = Key::secret(Some("k1"), b"0123456789abcdef0123456789abcdef", all()).unwrap();
    assert_eq!(format!("{key:?}"), r#"Key(Some("k1"), Secret, {"HS256"})"#);
    assert_eq!(format!("{:?}", private_key("RFC 7515 A.1")), "SigningKey(None, Secret)");
}
