use serde_json::json;

use super::claim;

#[test]
fn claims_are_text_unless_they_are_other_json() {
    let of = |text: &str| claim(text).unwrap();
    assert_eq!(of("sub=u-1"), ("sub".to_owned(), json!("u-1")));
    assert_eq!(of("n=7"), ("n".to_owned(), json!(7)));
    assert_eq!(of("aud=[\"a\",\"b\"]"), ("aud".to_owned(), json!(["a", "b"])));
    assert_eq!(of("q=\"7\""), ("q".to_owned(), json!("\"7\"")));
    assert_eq!(of("e=a=b"), ("e".to_owned(), json!("a=b")));
    assert!(claim("sub").is_err());
    assert!(claim("=x").is_err());
}
