use axum::http::{HeaderMap, header};

use super::{EndpointWish, wanted_versions};

#[test]
fn a_weight_that_is_null_is_not_one_that_is_not_said() {
    let weight = |text: &str| serde_json::from_str::<EndpointWish>(text).map(|wish| wish.weight);
    assert_eq!(weight("{}").unwrap(), None);
    assert_eq!(weight(r#"{"weight": null}"#).unwrap(), Some(None));
    assert_eq!(weight(r#"{"weight": 3}"#).unwrap(), Some(Some(3)));
    for wrong in [r#"{"weight": -1}"#, r#"{"weigth": 1}"#, r#"{"drain": 1}"#] {
        assert!(weight(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_wish_may_name_the_versions_that_it_is_for() {
    let wanted = |texts: &[&str]| {
        let values = texts.iter().map(|text| (header::IF_MATCH, text.parse().unwrap()));
        let mut headers = HeaderMap::new();
        values.for_each(|(name, value)| _ = headers.append(name, value));
        wanted_versions(&headers)
    };
    assert_eq!(wanted(&[]), Ok(None));
    assert_eq!(wanted(&["*"]), Ok(None));
    assert_eq!(wanted(&["\"7\""]), Ok(Some(vec![7])));
    assert_eq!(wanted(&["7"]), Ok(Some(vec![7])));
    assert_eq!(wanted(&["\"7\", \"8\"", "\"9\""]), Ok(Some(vec![7, 8, 9])));
    // The comparison is a strong one, and a tag of another resource is none of ours.
    assert_eq!(wanted(&["W/\"7\", \"8\""]), Ok(Some(vec![8])));
    assert_eq!(wanted(&["\"seven\""]), Ok(Some(vec![])));
    assert_eq!(wanted(&[""]), Ok(Some(vec![])));
    for wrong in ["seven", "\"7", "W/seven"] {
        assert!(wanted(&[wrong]).is_err(), "{wrong}");
    }
}
