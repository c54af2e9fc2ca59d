use proptest::prelude::*;

use super::*;

#[test]
fn what_is_reserved_is_escaped() {
    assert_eq!(encode([("a b", "ü/?"), ("c", "-._~")]), "a%20b=%C3%BC%2F%3F&c=-._~");
}

#[test]
fn doubled_and_broken_parameters_are_refused() {
    assert!(Form::parse(b"code=1&code=2").is_none());
    assert!(Form::parse(b"code=%ff").is_none());
    assert!(Form::parse("a=1&".repeat(2).as_bytes()).is_none());
    let many: Vec<String> = (0..33).map(|index| format!("p{index}=1")).collect();
    assert!(Form::parse(many.join("&").as_bytes()).is_none());
    let form = Form::parse(b"code=a+b%2Bc&empty=&flag").unwrap();
    assert_eq!(form.value("code"), Some("a b+c"));
    assert_eq!((form.value("empty"), form.value("flag"), form.value("none")), (None, None, None));
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(value in ".{1,40}") {
        let form = Form::parse(encode([("name", value.as_str())]).as_bytes()).unwrap();
        prop_assert_eq!(form.value("name"), Some(value.as_str()));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Form::parse(&bytes);
    }
}
