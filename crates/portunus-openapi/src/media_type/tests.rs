use super::{MediaRange, accepted, is_json, parameter};

#[test]
fn json_is_told_by_its_name() {
    for text in ["application/json", "Application/JSON; charset=utf-8", "application/vnd.api+json"]
    {
        assert!(is_json(text), "{text}");
    }
    for text in ["application/xml", "json", "image/json", "application/json-seq", "*/*"] {
        assert!(!is_json(text), "{text}");
    }
}

#[test]
fn the_closest_range_counts() {
    let range = |text| MediaRange::parse(text).unwrap();
    let json = range("application/json");
    assert_eq!(range("*/*").closeness(&json), Some(0));
    assert_eq!(range("application/*").closeness(&json), Some(1));
    assert_eq!(range("application/json").closeness(&json), Some(2));
    assert_eq!(range("text/*").closeness(&json), None);
}

#[test]
fn parameters_and_weights() {
    assert_eq!(parameter("text/plain; Charset=\"UTF-8\"", "charset").unwrap(), "utf-8");
    let weights: Vec<u16> =
        accepted(b"text/html;q=0.5, */*;q=0, application/json, bad").iter().map(|a| a.1).collect();
    assert_eq!(weights, [500, 0, 1000]);
}
