use super::*;
use portunus_base::UpstreamId;
use portunus_exchange::{ErrorKind, Retry};
use portunus_filter::Factory;
use portunus_filter::testing::{Bench, Rig, exchange, lines, list, resumed, shown, texts};
use portunus_spec::Node;
use serde_json::{Value, json};

static FILTERS: &[Factory] = &[Factory::of::<IntrospectionSpec>()];

fn build(more: Vec<(&'static str, Node)>) -> Arc<dyn Filter> {
    let usual = [
        ("endpoint", Node::text("http://auth.internal:9000/introspect")),
        ("client_id", Node::text("gate")),
        ("client_secret", Node::text("s3cret")),
        ("insecure", Node::text("true")),
    ];
    let node = Node::map(usual.into_iter().chain(more));
    Bench::new(FILTERS).build("introspection", node).unwrap()
}

fn bearing(token: &str) -> Exchange {
    let mut exchange = exchange("GET /");
    exchange.request.headers.append(b"Authorization", format!("Bearer {token}").as_bytes());
    exchange
}

fn answer(rig: &Rig, status: u16, body: impl ToString) {
    let body = body.to_string().into_bytes();
    rig.service.answers.borrow_mut().push(Ok(CallAnswer { status, body, ..CallAnswer::default() }));
}

/// The verdict after the answer has come.
fn asked(rig: &mut Rig, filter: &dyn Filter, exchange: &mut Exchange) -> String {
    let verdict = rig.request(filter, exchange);
    let Resume::Again(_, again) = resumed(verdict) else { panic!("it does not look again") };
    shown(&rig.again(filter, exchange, again))
}

fn active(more: Value) -> Value {
    let mut answer =
        crate::tests::map(json!({"active": true, "sub": "alice", "scope": "read write"}));
    answer.extend(crate::tests::map(more));
    answer.into()
}

#[test]
fn the_server_is_asked_and_says_who_asks() {
    let filter = build(vec![("forward_claims", texts(&[("X-User", "username")]))]);
    let mut rig = Rig::new();
    answer(&rig, 200, active(json!({"username": "al"})));
    let mut exchange = bearing("a+b/c=&d");
    exchange.request.headers.append(b"x-user", b"mallory");
    assert_eq!(asked(&mut rig, &*filter, &mut exchange), "continue");
    let identity = exchange.identity.as_ref().unwrap();
    assert_eq!((identity.method, &*identity.subject), ("introspection", "alice"));
    assert!(identity.has_scope("read"));
    assert_eq!(exchange.request.headers.values(b"X-User").collect::<Vec<_>>(), [b"al"]);
    let calls = rig.service.calls.borrow();
    let call = calls.first().unwrap();
    assert_eq!(call.upstream, UpstreamId(2));
    assert_eq!((call.head.method_text(), call.head.path()), (&b"POST"[..], &b"/introspect"[..]));
    assert_eq!(call.head.authority(), b"auth.internal:9000");
    assert_eq!(call.body, &b"token=a%2Bb%2Fc%3D%26d&token_type_hint=access_token"[..]);
    let headers = "Content-Type: application/x-www-form-urlencoded; Accept: application/json; \
                   Authorization: Basic Z2F0ZTpzM2NyZXQ=";
    assert_eq!(lines(&call.head.headers), headers);
}

#[test]
fn answers_are_remembered_for_a_while() {
    let filter = build(vec![("cache", Node::text("1m"))]);
    let mut rig = Rig::new();
    answer(&rig, 200, active(json!({})));
    answer(&rig, 200, json!({"active": false}));
    assert_eq!(asked(&mut rig, &*filter, &mut bearing("good")), "continue");
    assert_eq!(asked(&mut rig, &*filter, &mut bearing("bad")), "401 auth.invalid problem");
    for _ in 0..3 {
        assert_eq!(shown(&rig.request(&*filter, &mut bearing("good"))), "continue");
        assert_eq!(shown(&rig.request(&*filter, &mut bearing("bad"))), "401 auth.invalid problem");
    }
    assert_eq!(rig.service.calls.borrow().len(), 2);
    // The bad one is asked for again after 5 s, the good one after a minute.
    rig.wall.0 += 5_000_000;
    answer(&rig, 200, active(json!({})));
    assert_eq!(asked(&mut rig, &*filter, &mut bearing("bad")), "continue");
    assert_eq!(shown(&rig.request(&*filter, &mut bearing("good"))), "continue");
    rig.wall.0 += 55_000_000;
    answer(&rig, 200, json!({"active": false}));
    assert_eq!(asked(&mut rig, &*filter, &mut bearing("good")), "401 auth.invalid problem");
}

#[test]
fn a_good_token_is_never_remembered_beyond_its_end() {
    let filter = build(vec![("cache", Node::text("1h"))]);
    let mut rig = Rig::new();
    let end = rig.wall.0 / 1_000_000 + 10;
    answer(&rig, 200, active(json!({"exp": end})));
    assert_eq!(asked(&mut rig, &*filter, &mut bearing("t")), "continue");
    rig.wall.0 += (10 + LEEWAY.as_secs()) * 1_000_000;
    answer(&rig, 200, active(json!({"exp": end})));
    assert_eq!(asked(&mut rig, &*filter, &mut bearing("t")), "401 auth.expired problem");
}

#[test]
fn answers_must_fit_the_rules() {
    let filter = build(vec![
        ("audience", Node::text("shop")),
        ("issuer", Node::text("https://id.example.com")),
        ("scopes", list(&["admin"])),
    ]);
    let mut rig = Rig::new();
    let iss = "https://id.example.com";
    for (token, more, expected) in [
        ("1", json!({"iss": iss, "aud": "shop", "scope": "admin"}), "continue"),
        ("2", json!({"iss": iss, "aud": "shop"}), "403 auth.forbidden problem"),
        ("3", json!({"iss": iss, "aud": "x", "scope": "admin"}), "401 auth.invalid problem"),
        ("4", json!({"iss": "x", "aud": "shop", "scope": "admin"}), "401 auth.invalid problem"),
        ("5", json!({}), "401 auth.invalid problem"),
    ] {
        answer(&rig, 200, active(more));
        assert_eq!(asked(&mut rig, &*filter, &mut bearing(token)), expected);
    }
}

#[test]
fn a_server_that_gives_no_answer_closes_the_way_and_is_asked_again() {
    let filter = build(vec![]);
    let mut rig = Rig::new();
    let failed = "503 auth.introspection_failed problem";
    let reset = ProxyError::upstream(ErrorKind::Reset, Retry::Never);
    rig.service.answers.borrow_mut().push(Err(reset));
    assert_eq!(asked(&mut rig, &*filter, &mut bearing("t")), failed);
    for (status, body) in [
        (401, "{}"),
        (500, "{\"active\":true}"),
        (200, "<html>"),
        (200, "[]"),
        (200, "{}"),
        (200, "{\"active\":\"true\"}"),
        (200, "{\"active\":false,\"active\":true}"),
    ] {
        answer(&rig, status, body);
        assert_eq!(asked(&mut rig, &*filter, &mut bearing("t")), failed, "{status} {body}");
    }
    answer(&rig, 200, active(json!({})));
    assert_eq!(asked(&mut rig, &*filter, &mut bearing("t")), "continue");
}

#[test]
fn equal_tokens_are_asked_for_once() {
    let filter = build(vec![("cache", Node::text("0s")), ("cache_denied", Node::text("0s"))]);
    let mut rig = Rig::new();
    for (said, expected) in
        [(active(json!({})), "continue"), (json!({"active": false}), "401 auth.invalid problem")]
    {
        answer(&rig, 200, said);
        let (mut one, mut two) = (bearing("t"), bearing("t"));
        let pilot = rig.request(&*filter, &mut one);
        let passenger = rig.request(&*filter, &mut two);
        for (verdict, exchange) in [(pilot, &mut one), (passenger, &mut two)] {
            let Resume::Again(_, again) = resumed(verdict) else { panic!("no answer") };
            assert_eq!(shown(&rig.again(&*filter, exchange, again)), expected);
        }
    }
    assert_eq!(rig.service.calls.borrow().len(), 2);
}

#[test]
fn who_waits_asks_himself_when_the_one_who_asked_has_gone() {
    let filter = build(vec![]);
    let mut rig = Rig::new();
    answer(&rig, 200, active(json!({})));
    answer(&rig, 200, active(json!({})));
    let mut two = bearing("t");
    let gone = rig.request(&*filter, &mut bearing("t"));
    let passenger = rig.request(&*filter, &mut two);
    drop(gone);
    let Resume::Again(_, again) = resumed(passenger) else { panic!("no word") };
    let verdict = rig.again(&*filter, &mut two, again);
    let Resume::Again(_, again) = resumed(verdict) else { panic!("no answer") };
    assert_eq!(shown(&rig.again(&*filter, &mut two, again)), "continue");
}

#[test]
fn no_more_questions_are_open_than_the_bound() {
    let filter = build(vec![]);
    let mut rig = Rig::new();
    let mut open = Vec::new();
    for number in 0..flights::OPEN_MAX {
        answer(&rig, 200, active(json!({})));
        open.push(rig.request(&*filter, &mut bearing(&number.to_string())));
    }
    let full = shown(&rig.request(&*filter, &mut bearing("one more")));
    assert_eq!(full, "503 auth.busy problem");
    drop(open.pop());
    answer(&rig, 200, active(json!({})));
    assert_eq!(asked(&mut rig, &*filter, &mut bearing("one more")), "continue");
}

#[test]
fn nobody_is_asked_for_what_is_no_token() {
    let filter = build(vec![]);
    let mut rig = Rig::new();
    assert_eq!(shown(&rig.request(&*filter, &mut exchange("GET /"))), "401 auth.missing problem");
    let long = "x".repeat(TOKEN_BYTES_MAX + 1);
    assert_eq!(shown(&rig.request(&*filter, &mut bearing(&long))), "401 auth.invalid problem");
    rig.offline = true;
    let offline = shown(&rig.request(&*filter, &mut bearing("t")));
    assert_eq!(offline, "503 auth.introspection_failed problem");
    assert!(rig.service.calls.borrow().is_empty());
}

#[test]
fn bad_tokens_do_not_drive_out_good_ones() {
    let filter = build(vec![("cache_denied", Node::text("1h"))]);
    let mut rig = Rig::new();
    answer(&rig, 200, active(json!({})));
    assert_eq!(asked(&mut rig, &*filter, &mut bearing("good")), "continue");
    for number in 0..2 * KEPT_DENIED {
        answer(&rig, 200, json!({"active": false}));
        let _ = asked(&mut rig, &*filter, &mut bearing(&format!("bad-{number}")));
    }
    assert_eq!(shown(&rig.request(&*filter, &mut bearing("good"))), "continue");
}

#[test]
fn mistakes_are_told() {
    let mut bench = Bench::new(FILTERS);
    let mut told = |node: Node, expected: &str| {
        let told = bench.mistakes("introspection", node);
        assert!(told.contains(expected), "{told}");
    };
    told(Node::map::<&str>([]), "endpoint");
    told(texts(&[("endpoint", "nobody/x")]), "no upstream `nobody`");
    told(texts(&[("endpoint", "auth/a?b")]), "is not a path");
    told(texts(&[("endpoint", "http://auth.internal:9000/a")]), "no token is sent to");
    told(texts(&[("endpoint", "auth/a"), ("client_id", "x")]), "belong together");
}
