use crate::Exchange;

fn merged(own: &[(&str, &str)], extra: &[(&str, &str)]) -> Vec<String> {
    let mut exchange = Exchange::default();
    for (name, value) in own {
        exchange.response.headers.append(name.as_bytes(), value.as_bytes());
    }
    for (name, value) in extra {
        exchange.response_extra.append(name.as_bytes(), value.as_bytes());
    }
    exchange.merge_extra();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let headers = exchange.response.headers.iter();
    headers.map(|header| format!("{}: {}", text(header.name), text(header.value))).collect()
}

#[test]
fn an_extra_header_takes_the_place_of_the_answer_s_own() {
    assert_eq!(merged(&[("X-A", "1"), ("x-b", "2")], &[("x-a", "3")]), ["x-b: 2", "x-a: 3"]);
}

#[test]
fn cookies_and_what_an_answer_varies_by_are_united() {
    let own = [("Vary", "Accept-Encoding, origin"), ("Set-Cookie", "a=1")];
    let both = merged(&own, &[("Vary", "Origin"), ("Vary", "Cookie"), ("Set-Cookie", "b=2")]);
    assert_eq!(
        both,
        ["Vary: Accept-Encoding, origin", "Set-Cookie: a=1", "Vary: Cookie", "Set-Cookie: b=2"]
    );
    assert_eq!(merged(&[("Vary", "*")], &[("Vary", "Origin")]), ["Vary: *"]);
}
