use super::*;

fn headers(pairs: &[(&str, &str)]) -> HeaderList {
    let mut list = HeaderList::default();
    pairs.iter().for_each(|(name, value)| list.append(name.as_bytes(), value.as_bytes()));
    list
}

fn of(content_type: &str) -> HeaderList {
    headers(&[("Content-Type", content_type)])
}

#[test]
fn the_usual_types_are_those_that_can_be_read() {
    let json = Types::Usual { json: true, form: false };
    for (content_type, kind) in [
        ("application/json", Ok(Kind::Json)),
        ("Application/Problem+JSON; charset=utf-8", Ok(Kind::Json)),
        ("application/x-www-form-urlencoded", Err("application/x-www-form-urlencoded")),
        ("text/html", Err("text/html")),
        ("application/jsonp", Err("application/jsonp")),
    ] {
        let kind = kind.map_err(|it: &str| Untouched::Type(it.to_owned()));
        assert_eq!(json.kind(&of(content_type)), kind, "{content_type}");
    }
    let form = Types::Usual { json: false, form: true };
    assert_eq!(form.kind(&of("application/x-www-form-urlencoded;a=b")), Ok(Kind::Form));
    assert!(form.kind(&HeaderList::default()).is_err());
    assert_eq!(Types::All.kind(&HeaderList::default()), Ok(Kind::Other));
}

#[test]
fn written_types_may_be_ranges() {
    let types = Types::Written(vec!["text/*".into(), "application/vnd.x".into()]);
    assert!(types.kind(&of("TEXT/plain")).is_ok() && types.kind(&of("application/vnd.x")).is_ok());
    assert!(types.kind(&of("textual/x")).is_err() && types.kind(&of("application/json")).is_err());
    assert!(Types::Written(vec!["*/*".into()]).kind(&of("a/b")).is_ok());
    for (text, fine) in
        [("a/b", true), ("*/*", true), ("*/b", false), ("a", false), ("a/b;c=d", false)]
    {
        assert_eq!(is_range(text), fine, "{text}");
    }
}

#[test]
fn what_is_encoded_is_left_alone() {
    let with =
        |coding| headers(&[("Content-Type", "application/json"), ("Content-Encoding", coding)]);
    assert_eq!(Types::All.kind(&with("gzip")), Err(Untouched::Encoded));
    assert_eq!(Types::All.kind(&with("identity, br")), Err(Untouched::Encoded));
    assert!(Types::All.kind(&with(" Identity ")).is_ok());
}

#[test]
fn the_charset_must_be_one_that_is_utf8() {
    for (content_type, fine) in [
        ("application/json", true),
        ("application/json; charset=\"UTF-8\"", true),
        ("application/json; a=b; Charset = us-ascii", true),
        ("application/json; charset=utf-16", false),
    ] {
        assert_eq!(is_utf8(&of(content_type)), fine, "{content_type}");
    }
}
