use super::*;
use crate::tests::*;
use serde_json::json;

fn source() -> Arc<KeySource> {
    let issuer = "https://id.example.com".to_owned();
    let place = KeyPlace { url: None, issuer, insecure: false, cooldown: COOLDOWN };
    Arc::new(KeySource::new(place, AlgorithmSet::public(), Fetcher::default()))
}

fn text(source: &str) -> Vec<u8> {
    json!({"keys": [private_jwk(source)]}).to_string().into_bytes()
}

fn generation(source: &KeySource) -> Option<u64> {
    source.keys().as_ref().map(|keys| keys.generation)
}

#[test]
fn the_generation_moves_with_the_keys_alone() {
    let source = source();
    assert_eq!(generation(&source), None);
    source.publish(&text("RFC 7515 A.2")).unwrap();
    source.publish(&text("RFC 7515 A.2")).unwrap();
    assert_eq!(generation(&source), Some(1));
    source.publish(&text("RFC 7515 A.3")).unwrap();
    assert_eq!(generation(&source), Some(2));
}

#[test]
fn what_is_no_set_does_not_take_the_place_of_keys() {
    let source = source();
    source.publish(&text("RFC 7515 A.2")).unwrap();
    for wrong in ["", "<html>", "{}", r#"{"keys":[]}"#] {
        assert!(source.publish(wrong.as_bytes()).is_err(), "{wrong}");
    }
    // A secret that everybody can fetch is no key.
    assert!(source.publish(&text("RFC 7515 A.1")).is_err());
    assert_eq!(generation(&source), Some(1));
}
