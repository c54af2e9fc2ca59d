use serde_json::json;

use super::{accepted, encoded};

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
