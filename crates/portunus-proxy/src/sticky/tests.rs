use super::*;

fn headers(id: HeaderId, values: &[&str]) -> HeaderList {
    let mut headers = HeaderList::default();
    values.iter().for_each(|value| headers.append_id(id, value.as_bytes()));
    headers
}

fn text(headers: &HeaderList, id: HeaderId) -> Vec<String> {
    headers.values_of(id).map(|value| String::from_utf8_lossy(value).into_owned()).collect()
}

#[test]
fn the_cookie_is_hidden_wherever_it_stands_and_others_are_left() {
    let cases: [(&[&str], &[&str]); 5] = [
        (&["srv=1"], &[]),
        (&["a=1; srv=2; b=3"], &["a=1; b=3"]),
        (&["srv=1; srv=2", "b=srv"], &["b=srv"]),
        (&["srv2=1;srv = 2"], &["srv2=1"]),
        (&["a=1"], &["a=1"]),
    ];
    for (before, after) in cases {
        let mut headers = headers(HeaderId::Cookie, before);
        hide(&mut headers, b"srv");
        assert_eq!(text(&headers, HeaderId::Cookie), after, "{before:?}");
    }
}

#[test]
fn all_cookies_of_the_name_are_looked_at() {
    let headers = headers(HeaderId::Cookie, &["srv=1; a=2; srv = 3 ", "srv2=4;srv=5=6; srv"]);
    let found: Vec<_> = values(&headers, b"srv").collect();
    assert_eq!(found, [&b"1"[..], b"3", b"5=6"]);
}

#[test]
fn what_speaks_to_shared_caches_alone_is_dropped() {
    let mut headers = headers(HeaderId::CacheControl, &["no-store"]);
    headers.append(b"cdn-cache-control", b"max-age=60");
    headers.append(b"Surrogate-Control", b"max-age=60");
    make_private(&mut headers);
    assert_eq!(headers.iter().count(), 1);
    assert_eq!(text(&headers, HeaderId::CacheControl), ["no-store"]);
}

#[test]
fn what_is_not_private_becomes_so_and_keeps_its_age() {
    let cases: [(&[&str], &[&str]); 7] = [
        (&[], &["private"]),
        (&["max-age=60"], &["max-age=60, private"]),
        (&["public, max-age=60, S-MaxAge=90"], &["max-age=60, private"]),
        (&["max-age=1", "public"], &["max-age=1, private"]),
        (&["private=\"x-user\", no-cache"], &["no-cache, private"]),
        (&["Private, max-age=1"], &["Private, max-age=1"]),
        (&["no-store"], &["no-store"]),
    ];
    for (before, after) in cases {
        let mut headers = headers(HeaderId::CacheControl, before);
        make_private(&mut headers);
        assert_eq!(text(&headers, HeaderId::CacheControl), after, "{before:?}");
    }
}

#[test]
fn who_has_left_does_not_come_back() {
    let mut stay = Stay::At(7);
    stay.leave();
    assert_eq!(stay, Stay::Left(7));
    let mut nowhere = Stay::Nowhere;
    nowhere.leave();
    assert_eq!(nowhere, Stay::Nowhere);
}
