use serde_json::json;

use super::*;

const ISSUER: &str = "https://id.example.com/realms/shop";

fn document() -> Value {
    json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://id.example.com/auth",
        "token_endpoint": "https://api.example.com/token",
        "end_session_endpoint": "https://id.example.com/logout",
        "authorization_response_iss_parameter_supported": true,
    })
}

fn parse(document: &Value) -> Result<Metadata, String> {
    Metadata::parse(document.to_string().as_bytes(), ISSUER, false)
}

#[test]
fn a_document_of_the_issuer_is_taken() {
    let metadata = parse(&document()).unwrap();
    assert_eq!(metadata.token, "https://api.example.com/token");
    assert_eq!(metadata.userinfo, None);
    assert_eq!(metadata.end_session.as_deref(), Some("https://id.example.com/logout"));
    assert!(metadata.names_itself);
}

#[test]
fn a_document_of_another_issuer_is_refused() {
    for issuer in ["https://id.example.com/realms/shop/", "https://evil.test", ""] {
        let mut other = document();
        other["issuer"] = json!(issuer);
        assert!(parse(&other).unwrap_err().contains("issuer"), "{issuer}");
    }
}

#[test]
fn endpoints_are_there_and_safe() {
    for name in ["authorization_endpoint", "token_endpoint"] {
        let mut without = document();
        without.as_object_mut().unwrap().remove(name);
        assert!(parse(&without).unwrap_err().contains(name));
        let mut plain = document();
        plain[name] = json!("http://id.example.com/x");
        assert!(parse(&plain).unwrap_err().contains(name));
        assert!(Metadata::parse(plain.to_string().as_bytes(), ISSUER, true).is_ok());
    }
    assert!(Metadata::parse(b"<html>", ISSUER, false).unwrap_err().starts_with("no JSON"));
}

#[test]
fn http_is_good_enough_for_this_machine_alone() {
    for url in ["http://127.0.0.1:80/a", "http://[::1]:80", "http://localhost/", "https://a"] {
        assert!(is_safe(url, false), "{url}");
    }
    for url in [
        "http://a/",
        "http://localhost.evil.test/",
        "http://127.0.0.1.evil.test",
        "http://evil.test/127.0.0.1",
        "http://localhost:80@evil.test/",
        "ftp://a",
        "https://a/\r\nX: y",
        "https://a/ b",
    ] {
        assert!(!is_safe(url, false), "{url}");
    }
}

#[test]
fn the_secret_goes_where_the_provider_takes_it() {
    let with = |methods: Value| {
        let mut document = document();
        document["token_endpoint_auth_methods_supported"] = methods;
        parse(&document).unwrap().wants_secret_in_body
    };
    assert!(with(json!(["client_secret_post", "private_key_jwt"])));
    assert!(!with(json!(["client_secret_post", "client_secret_basic"])));
    assert!(!with(json!([])));
}
