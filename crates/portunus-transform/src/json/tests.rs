use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn written(json: &Json<'_>) -> String {
    let mut out = Vec::new();
    json.write(&mut out);
    String::from_utf8(out).unwrap()
}

fn open_all(json: &mut Json<'_>) -> Result<(), Fault> {
    json.open()?;
    match json {
        Json::Text(_) => Ok(()),
        Json::Object(entries) => entries.iter_mut().try_for_each(|(_, value)| open_all(value)),
        Json::Array(items) => items.iter_mut().try_for_each(open_all),
    }
}

fn opened(text: &str) -> Result<String, Fault> {
    let mut json = Json::parse(text.as_bytes())?;
    open_all(&mut json)?;
    Ok(written(&json))
}

#[test]
fn what_is_not_opened_stays_as_it_was() {
    let text = r#"{"a": 1e400 , "b" :[ 0.10000000000000000000000001, -0 ],"c":"\u00e9\/","d":{}}"#;
    let mut json = Json::parse(text.as_bytes()).unwrap();
    assert_eq!(written(&json), text);
    json.open().unwrap();
    let same = r#"{"a":1e400,"b":[ 0.10000000000000000000000001, -0 ],"c":"\u00e9\/","d":{}}"#;
    assert_eq!(written(&json), same);
}

#[test]
fn brackets_and_quotes_in_strings_end_nothing() {
    let text = r#"{"a]":"}\"{","b":["[\\",{"c\"":"\\\\"}],"":[[],[[]]]}"#;
    assert_eq!(opened(text).unwrap(), text);
}

#[test]
fn what_is_no_json_is_told_without_its_text() {
    for text in ["", "{", "[1,]", "{\"secret\":}", "nul", "1 2", "{'a':1}", "\"\t\"", "[01]"] {
        match Json::parse(text.as_bytes()) {
            Err(Fault::Syntax(why)) => assert!(!why.contains("secret"), "{why}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    assert!(Json::parse(b"\"\xff\"").is_err());
    assert_eq!(opened("\u{feff}[1]").unwrap(), "[1]");
}

#[test]
fn half_a_character_is_no_key() {
    assert!(matches!(opened(r#"{"\ud800":1}"#), Err(Fault::Syntax(_))));
    assert_eq!(opened(r#"{"\ud83d\ude00":1}"#).unwrap(), "{\"\u{1f600}\":1}");
}

#[test]
fn a_key_twice_is_refused_where_it_is_opened() {
    assert_eq!(opened(r#"{"a":1,"a":2}"#), Err(Fault::Duplicate));
    assert_eq!(opened(r#"{"a":1,"\u0061":2}"#), Err(Fault::Duplicate));
    let many = (0..20).map(|key| format!("\"{key}\":0,")).collect::<String>();
    assert_eq!(opened(&format!("{{{many}\"7\":1}}")), Err(Fault::Duplicate));
    assert!(opened(&format!("{{{many}\"x\":1}}")).is_ok());
}

#[test]
fn bombs_are_refused_or_cost_nothing() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(opened(&deep(DEPTH_MAX)).is_ok());
    assert_eq!(opened(&deep(DEPTH_MAX + 1)), Err(Fault::TooDeep));
    assert!(Json::parse(&b"[".repeat(10_000_000)).is_err());
    assert!(Json::parse(&b"{\"a\":".repeat(1_000_000)).is_err());
    // Ten megabytes of one number, and of one string.
    let number = format!("{{\"a\":{}}}", "9".repeat(10_000_000));
    assert_eq!(opened(&number).unwrap(), number);
    let string = format!("[\"{}\"]", "\\\"".repeat(5_000_000));
    assert_eq!(opened(&string).unwrap(), string);
}

pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-c\"\\\\{}\\[\\],:\u{e9} ]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-c\"/~0-2]{0,2}", inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn opening_changes_nothing(value in any_json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        let text = opened(&text.unwrap()).unwrap();
        prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn nothing_that_comes_makes_it_fall(text in "[\\[\\]{}\",:0-9a\\\\\\-. \n]{0,60}") {
        let ours = opened(&text);
        let theirs = serde_json::from_str::<Value>(&text);
        if let (Ok(ours), Ok(theirs)) = (&ours, &theirs) {
            prop_assert_eq!(&serde_json::from_str::<Value>(ours).unwrap(), theirs);
        }
        prop_assert!(ours.is_err() || theirs.is_ok() || text.contains('e'), "{text}");
    }
}
