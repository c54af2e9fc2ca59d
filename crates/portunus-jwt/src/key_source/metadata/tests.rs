use super::*;
use serde_json::json;

const ISSUER: &str = "https://id.example.com/realms/shop";

#[test]
fn metadata_stand_below_the_issuer() {
    let expected = "https://id.example.com/realms/shop/.well-known/openid-configuration";
    assert_eq!(metadata_url(ISSUER), expected);
    assert_eq!(metadata_url(&format!("{ISSUER}/")), expected);
}

#[test]
fn metadata_must_be_the_issuers_own() {
    let uri = |issuer: &str, uri: &str| {
        let text = json!({"issuer": issuer, "jwks_uri": uri}).to_string();
        jwks_uri(text.as_bytes(), ISSUER, false)
    };
    assert_eq!(uri(ISSUER, "https://id.example.com/k"), Ok("https://id.example.com/k".to_owned()));
    for other in
        [&format!("{ISSUER}/"), "https://attacker.example", "HTTPS://id.example.com/realms/shop"]
    {
        let fault = MetadataFault::Issuer(other.to_owned());
        assert_eq!(uri(other, "https://id.example.com/k"), Err(fault));
    }
    assert_eq!(uri(ISSUER, "http://id.example.com/k"), Err(MetadataFault::PlainText));
    assert_eq!(uri(ISSUER, "file:///etc/passwd"), Err(MetadataFault::PlainText));
    let read = |text: &[u8]| jwks_uri(text, ISSUER, true);
    assert_eq!(read(b"[]"), Err(MetadataFault::Json(JsonFault::NoObject)));
    assert_eq!(read(b"{}"), Err(MetadataFault::Issuer(String::new())));
    let bare = json!({"issuer": ISSUER}).to_string();
    assert_eq!(read(bare.as_bytes()), Err(MetadataFault::NoKeys));
}

#[test]
fn plain_text_is_good_within_the_machine() {
    for url in [
        "https://id.example.com",
        "http://localhost/k",
        "http://LOCALHOST:8080",
        "http://127.0.0.1:80/k",
        "http://127.8.9.1",
        "http://[::1]:8080/k",
        "http://[::ffff:127.0.0.1]/k",
    ] {
        assert!(is_confidential(url), "{url}");
    }
    for url in [
        "http://id.example.com",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com/",
        "http://localhost@id.example.com/",
        "http://10.0.0.1/",
        "http://",
        "ftp://localhost/",
        "",
    ] {
        assert!(!is_confidential(url), "{url}");
    }
}
