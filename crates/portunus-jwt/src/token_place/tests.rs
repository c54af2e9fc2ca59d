use super::*;
use portunus_filter::testing::{exchange, lines};
use portunus_spec::{NoLookup, Span};
use proptest::prelude::*;

fn place(header: Option<&str>, cookie: Option<&str>, query: Option<&str>) -> TokenPlace {
    let name = |name: Option<&str>| name.map(|name| Spanned::new(Span::NONE, name.to_owned()));
    let spec = FromSpec { header: name(header), cookie: name(cookie), query: name(query) };
    TokenPlace::build(Some(&spec), &mut Reader::new(&NoLookup)).unwrap()
}

fn request(line: &str, headers: &[(&str, &str)]) -> Exchange {
    let mut exchange = exchange(line);
    for (name, value) in headers {
        exchange.request.headers.append(name.as_bytes(), value.as_bytes());
    }
    exchange
}

/// What the place finds, in short.
fn found(place: &TokenPlace, line: &str, headers: &[(&str, &str)]) -> String {
    match place.find(&request(line, headers).request) {
        Shown::Nothing => "-".to_owned(),
        Shown::Several => "several".to_owned(),
        Shown::Token(token) => String::from_utf8(token.to_vec()).unwrap(),
    }
}

#[test]
fn the_usual_place_is_the_authorization_header() {
    let place = TokenPlace::build(None, &mut Reader::new(&NoLookup)).unwrap();
    let of = |values: &[&str]| {
        let headers: Vec<_> = values.iter().map(|value| ("Authorization", *value)).collect();
        found(&place, "GET /", &headers)
    };
    assert_eq!(of(&[]), "-");
    assert_eq!(of(&["Bearer a.b.c"]), "a.b.c");
    assert_eq!(of(&["bEARER  a.b.c"]), "a.b.c");
    assert_eq!(of(&["Basic YTpi"]), "-");
    assert_eq!(of(&["Bearer"]), "-");
    assert_eq!(of(&["a.b.c"]), "-");
    assert_eq!(of(&["Basic YTpi", "Bearer a.b.c"]), "a.b.c");
    assert_eq!(of(&["Bearer a.b.c", "Bearer d.e.f"]), "several");
    assert_eq!(found(&place, "GET /?access_token=a.b.c", &[("Cookie", "t=a.b.c")]), "-");
}

#[test]
fn other_places_are_looked_at_in_their_order() {
    let place = place(Some("X-Token"), Some("t"), Some("access_token"));
    assert_eq!(found(&place, "GET /", &[("Authorization", "Bearer a")]), "-");
    assert_eq!(found(&place, "GET /", &[("x-token", "a")]), "a");
    assert_eq!(found(&place, "GET /", &[("X-Token", "Bearer a")]), "a");
    assert_eq!(found(&place, "GET /?access_token=c", &[("X-Token", "a"), ("Cookie", "t=b")]), "a");
    assert_eq!(found(&place, "GET /?access_token=c", &[("Cookie", "x=1; t=b; tt=2")]), "b");
    assert_eq!(found(&place, "GET /", &[("Cookie", "t=\"b\"")]), "b");
    assert_eq!(found(&place, "GET /", &[("Cookie", "t=b"), ("Cookie", "t=c")]), "several");
    assert_eq!(found(&place, "GET /?a=1&access_token=c", &[("Cookie", "T=b")]), "c");
    assert_eq!(found(&place, "GET /?access_token=c&access_token=d", &[]), "several");
    assert_eq!(found(&place, "GET /?xaccess_token=c", &[]), "-");
}

#[test]
fn a_token_is_taken_out_of_its_place_alone() {
    let mut asked = request(
        "GET /p?a=1&access_token=c&access_tokens=2&access_token",
        &[("Authorization", "Bearer a"), ("Authorization", "Basic b"), ("Cookie", "x=1; t=b;y=2")],
    );
    place(Some("Authorization"), Some("t"), Some("access_token")).strip(&mut asked);
    assert_eq!(asked.request.query(), Some(&b"a=1&access_tokens=2"[..]));
    let rest = "Host: shop.example.com:8080; Authorization: Basic b; Cookie: x=1; y=2";
    assert_eq!(lines(&asked.request.headers), rest);
    let mut asked = request("GET /p?t=a", &[("Cookie", "t=b"), ("X-T", "a")]);
    place(Some("X-T"), Some("t"), Some("t")).strip(&mut asked);
    assert_eq!(asked.request.query(), None);
    assert_eq!(lines(&asked.request.headers), "Host: shop.example.com:8080");
}

proptest! {
    #[test]
    fn what_is_stripped_is_not_found_any_more(query in "[at&=]{0,12}", cookie in "[at;= ]{0,12}", value in "(Bearer )?[a ]{0,3}") {
        let place = place(Some("Authorization"), Some("t"), Some("a"));
        let line = format!("GET /?{query}");
        let mut asked = request(&line, &[("Cookie", &cookie), ("Authorization", &value)]);
        place.strip(&mut asked);
        prop_assert_eq!(place.find(&asked.request), Shown::Nothing);
    }
}
