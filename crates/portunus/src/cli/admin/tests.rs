use serde_json::json;

use super::{Place, accepted, encoded, parse};

#[test]
fn places_are_written_as_the_program_prints_them() {
    let tcp = |text: &str| Place::Tcp(text.parse().unwrap());
    assert_eq!(Place::parse("127.0.0.1:8170").unwrap(), tcp("127.0.0.1:8170"));
    assert_eq!(Place::parse("http://[::1]:8170/").unwrap(), tcp("[::1]:8170"));
    assert_eq!(Place::parse(":9000").unwrap(), tcp("127.0.0.1:9000"));
    assert_eq!(Place::parse("unix:/run/a.sock").unwrap(), Place::Unix("/run/a.sock".into()));
    assert!(Place::parse("nowhere").is_err());
}

#[test]
fn an_answer_is_taken_apart_or_shown() {
    let (status, json) = parse(b"HTTP/1.0 200 OK\r\nA: b\r\n\r\n{\"a\":1}").unwrap();
    assert_eq!((status, json["a"].as_u64()), (200, Some(1)));
    let error = parse(b"HTTP/1.0 403 Forbidden\r\n\r\nno\n").unwrap_err();
    assert_eq!(error.to_string(), "the admin API answered 403: no");
    assert!(parse(b"garbage").is_err());
}

#[test]
fn any_id_fits_into_a_path() {
    assert_eq!(encoded("acme-corp-1"), "acme-corp-1");
    assert_eq!(encoded("a b/ü?#%"), "a%20b%2F%C3%BC%3F%23%25");
}

#[test]
fn a_refusal_says_why() {
    assert_eq!(accepted((201, json!({"id": "a"}))).unwrap(), json!({"id": "a"}));
    let error = accepted((404, json!({"error": "there is no key `a`"}))).unwrap_err();
    assert_eq!(error.to_string(), "there is no key `a`");
}
