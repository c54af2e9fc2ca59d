use super::*;
use crate::tests::*;
use portunus_spec::Node;

const OWN: &str = "https://shop.example.com:8080";

fn verdict(filter: &dyn Filter, method: &str, headers: &[(&str, &str)]) -> String {
    let mut exchange = exchange(&format!("{method} /orders"));
    for (name, value) in headers {
        exchange.request.headers.append(name.as_bytes(), value.as_bytes());
    }
    shown(&Rig::new().request(filter, &mut exchange))
}

#[test]
fn browsers_tell_where_a_request_comes_from() {
    let filter = build("csrf", Node::map::<&str>([])).unwrap();
    let (yes, no) = ("continue", "403 csrf.cross_origin problem");
    for (headers, wanted) in [
        (&[][..], yes),
        (&[("Sec-Fetch-Site", "same-origin")], yes),
        (&[("Sec-Fetch-Site", "none")], yes),
        (&[("Sec-Fetch-Site", "same-site")], no),
        (&[("Sec-Fetch-Site", "cross-site")], no),
        (&[("Sec-Fetch-Site", "weird")], no),
        (&[("Sec-Fetch-Site", "same-origin"), ("Origin", "https://evil.net")], yes),
        (&[("Sec-Fetch-Site", "cross-site"), ("Origin", OWN)], no),
        (&[("Origin", OWN)], yes),
        (&[("Origin", "http://SHOP.example.com:8080")], yes),
        (&[("Origin", "https://shop.example.com")], no),
        (&[("Origin", "https://evil.net")], no),
        (&[("Origin", "null")], no),
        (&[("Origin", "shop.example.com:8080")], no),
    ] {
        for method in ["POST", "PUT", "PATCH", "DELETE", "PROPFIND", "get"] {
            assert_eq!(verdict(&*filter, method, headers), wanted, "{method} {headers:?}");
        }
        for method in ["GET", "HEAD", "OPTIONS"] {
            assert_eq!(verdict(&*filter, method, headers), yes, "{method} {headers:?}");
        }
    }
}

#[test]
fn trusted_origins_may() {
    let filter =
        build("csrf", list(&["https://app.example.com", "https://*.partner.net"])).unwrap();
    let of = |origin: &str| {
        verdict(&*filter, "POST", &[("Sec-Fetch-Site", "cross-site"), ("Origin", origin)])
    };
    assert_eq!(of("https://app.example.com"), "continue");
    assert_eq!(of("https://a.partner.net"), "continue");
    assert_eq!(of("https://partner.net"), "403 csrf.cross_origin problem");
}

#[test]
fn a_websocket_of_another_origin_is_refused() {
    let filter = build("csrf", Node::map::<&str>([])).unwrap();
    for (site, wanted) in
        [("cross-site", "403 csrf.cross_origin problem"), ("same-origin", "continue")]
    {
        let mut asked = exchange("GET /socket");
        asked.request.headers.append(b"Sec-Fetch-Site", site.as_bytes());
        asked.attributes.set(UPGRADE, b"websocket");
        assert_eq!(shown(&Rig::new().request(&*filter, &mut asked)), wanted);
    }
}

#[test]
fn a_dry_run_refuses_nothing() {
    let filter = build("csrf", texts(&[("dry_run", "true")])).unwrap();
    let mut rig = Rig::new();
    let mut asked = exchange("POST /");
    asked.request.headers.append(b"Origin", b"https://evil.net");
    assert_eq!(shown(&rig.request(&*filter, &mut asked)), "continue");
    assert_eq!(rig.notes, ["a page of another origin sends this"]);
}
