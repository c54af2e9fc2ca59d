use super::*;

fn request() -> RequestHead {
    let mut request = RequestHead::default();
    request.set_method(b"GET");
    request.set_query(Some(b"v=2&name=a+b%21&%66lag&tag=x&tag=y"));
    request.headers.append(b"X-Beta", b"1");
    request.headers.append(b"x-beta", b"two");
    request.headers.append(b"Cookie", b"sid=abc; theme=dark");
    request.headers.append(b"Cookie", b"lang=\"de\"");
    request
}

fn connection() -> ConnectionFacts {
    ConnectionFacts { listener: ListenerId(1), client_ip: "::ffff:10.1.2.3".parse().unwrap() }
}

fn named(place: &str, name: &str, value: &str) -> Condition {
    let (name, value) = (name.to_owned(), TextMatch::parse(value).unwrap());
    match place {
        "header" => Condition::Header { name, value },
        "query" => Condition::Query { name, value },
        _ => Condition::Cookie { name, value },
    }
}

fn nets(texts: &[&str]) -> Condition {
    Condition::ClientIp(texts.iter().map(|text| text.parse().unwrap()).collect())
}

fn methods(names: &[&str]) -> Condition {
    Condition::Methods(MethodSet::parse(names.iter().copied()).unwrap())
}

#[test]
fn named_values() {
    for (place, name, value, holds) in [
        ("header", "x-beta", "1", true),
        ("header", "X-BETA", "two", true),
        ("header", "x-beta", "tw", false),
        ("header", "x-beta", "~ t.*", true),
        ("header", "x-beta", "~ w", false),
        ("header", "x-beta", "*", true),
        ("header", "x-beta", "!", false),
        ("header", "x-other", "*", false),
        ("header", "x-other", "!", true),
        ("query", "v", "2", true),
        ("query", "name", "a b!", true),
        ("query", "name", "a+b%21", true),
        ("query", "name", "a b", false),
        ("query", "flag", "", true),
        ("query", "flag", "*", true),
        ("query", "tag", "y", true),
        ("query", "name", "~ a[+]b.*", true),
        ("cookie", "sid", "abc", true),
        ("cookie", "id", "*", false),
        ("cookie", "theme", "dark", true),
        ("cookie", "lang", "\"de\"", true),
        ("cookie", "sid", "~ [a-c]+", true),
    ] {
        let condition = named(place, name, value);
        assert_eq!(condition.holds(&request(), &connection()), holds, "{place} {name} {value}");
    }
}

#[test]
fn addresses_listeners_and_methods() {
    let holds = |condition: Condition| condition.holds(&request(), &connection());
    assert!(holds(nets(&["192.0.2.0/24", "10.0.0.0/8"])));
    assert!(!holds(nets(&["192.0.2.0/24", "::/0"])));
    assert!(holds(Condition::Listeners(vec![ListenerId(0), ListenerId(1)])));
    assert!(!holds(Condition::Listeners(vec![ListenerId(0)])));
    assert!(holds(methods(&["GET"])) && !holds(methods(&["POST"])));
}

#[test]
fn failures_say_what_was_there() {
    for (condition, expected) in [
        (named("header", "x-other", "1"), "header x-other is absent, wanted `1`"),
        (named("header", "x-beta", "~ x.*"), "header x-beta is `1`, wanted `~ x.*`"),
        (named("header", "x-beta", "!"), "header x-beta is `1`, wanted none"),
        (named("query", "w", "*"), "query w is absent, wanted any value"),
        (named("cookie", "sid", "d"), "cookie sid is `abc`, wanted `d`"),
        (nets(&["192.0.2.0/24"]), "client is 10.1.2.3, wanted 192.0.2.0/24"),
        (methods(&["PUT", "POST"]), "method is GET, wanted POST, PUT"),
        (Condition::Listeners(vec![ListenerId(0)]), "listener is 1, wanted 0"),
    ] {
        assert!(!condition.holds(&request(), &connection()), "{expected}");
        assert_eq!(condition.failure(&request(), &connection()).to_string(), expected);
    }
}

#[test]
fn wider_conditions_cover_narrower_ones() {
    for (wide, narrow, covers) in [
        (named("header", "a", "*"), named("header", "a", "1"), true),
        (named("header", "a", "~ [0-9]"), named("header", "a", "1"), true),
        (named("header", "a", "1"), named("header", "a", "*"), false),
        (named("header", "a", "*"), named("header", "a", "!"), false),
        (named("header", "a", "*"), named("header", "b", "1"), false),
        (named("query", "a", "*"), named("query", "a", "~ x"), true),
        (named("query", "a", "~ [+]"), named("query", "a", "+"), false),
        (nets(&["10.0.0.0/8"]), nets(&["10.1.0.0/16", "10.2.0.0/16"]), true),
        (nets(&["10.1.0.0/16"]), nets(&["10.0.0.0/8"]), false),
        (methods(&["GET", "PUT"]), methods(&["HEAD"]), true),
    ] {
        assert_eq!(wide.covers(&narrow), covers, "{wide:?} {narrow:?}");
    }
}
