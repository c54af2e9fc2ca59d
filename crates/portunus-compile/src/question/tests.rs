use super::*;

fn parsed(words: &str) -> Result<Question, String> {
    let words: Vec<String> = words.split('|').map(str::to_owned).collect();
    Question::parse(&words)
}

#[test]
fn words_are_read_as_for_curl() {
    let question = parsed(
        "POST|https://a.test:8443/x/y?z=1#there|-H|x-beta:  1 |-b|a=b|--client-ip|::1|--listener|web",
    );
    let question = question.unwrap();
    assert_eq!(question.to_string(), "POST https://a.test:8443/x/y?z=1");
    assert_eq!(question.headers, [("x-beta".into(), "1".into()), ("Cookie".into(), "a=b".into())]);
    assert_eq!((question.client_ip.to_string(), question.port()), ("::1".into(), 8443));
    assert_eq!(question.listener.as_deref(), Some("web"));
    assert_eq!(parsed("a.test").unwrap().to_string(), "GET http://a.test/");
    assert_eq!(parsed("-I|a.test?q").unwrap().to_string(), "HEAD http://a.test/?q");
    assert_eq!(parsed("a.test|-H|Host: b.test:1").unwrap().to_string(), "GET http://b.test:1/");
    assert_eq!(parsed("https://[::1]/").unwrap().port(), 443);
    let sni = |words| parsed(words).unwrap().sni;
    assert_eq!(sni("https://A.test:8443/|-H|Host: b.test").as_deref(), Some("a.test"));
    assert_eq!(sni("https://a.test/|--sni|c.test").as_deref(), Some("c.test"));
    assert_eq!(
        [sni("http://a.test/"), sni("https://[::1]/"), sni("https://10.0.0.1/")],
        [const { None }; 3]
    );
}

#[test]
fn a_body_makes_a_post_and_brings_its_headers() {
    let question = parsed("a.test/|-d|{\"a\": 1}|--at|1970-01-01T00:00:01Z").unwrap();
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let expected = [header("Content-Length", "8"), header("Content-Type", "application/json")];
    assert_eq!(question.method, "POST");
    assert_eq!(question.headers, expected);
    assert_eq!(question.at, Some(portunus_base::Wall(1_000_000)));
    let question = parsed("PUT|a.test/|-d|a=1|-H|Content-Type: text/plain").unwrap();
    assert_eq!((question.method.as_str(), question.headers.len()), ("PUT", 2));
}

#[test]
fn mistakes_are_one_line_each() {
    for (words, expected) in [
        ("GET", "a URL is missing: write GET http://shop.example.com/orders/7"),
        ("ftp://a.test/", "`ftp` is not http or https"),
        ("http:///x", "`` is not a host: write http://shop.example.com/path"),
        ("http://u@a.test/x", "`u@a.test` is not a host: write http://shop.example.com/path"),
        ("a.test/a b", "`/a b` cannot stand in a request"),
        ("a.test|-H|x", "`x` is no header: write 'name: value'"),
        ("a.test|-H|x y: 1", "`x y` is not the name of a header"),
        ("a.test|-H", "`-H` needs a value"),
        ("a.test|-H|host: a b", "`a b` is not a host"),
        ("a.test|--client-ip|me", "`me` is not an IP address"),
        (
            "a.test|-k|x",
            "`-k` is unknown here; known: -X, -H, -A, -b, -d, -e, -I, --at, --client-ip, --listener, \
             --sni",
        ),
        (
            "a.test|--at|noon",
            "write date, time and zone: 2026-12-31T23:59:59Z, 2026-12-31T23:59:59+01:00",
        ),
        ("GET|a.test|b.test", "`b.test` is one word too many"),
        ("-X|G T|a.test", "`G T` is not a method"),
    ] {
        assert_eq!(parsed(words), Err(expected.to_owned()), "{words}");
    }
}
