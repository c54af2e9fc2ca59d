use super::*;
use bytes::Bytes;
use portunus_base::Wall;
use portunus_filter::Factory;
use portunus_filter::testing::{Bench, Rig, exchange, lines, resumed, shown, texts};
use portunus_spec::Node;
use token_source::Token;

static FILTERS: &[Factory] = &[Factory::of::<ClientCredentialsSpec>()];

fn spec(more: &[(&str, &str)]) -> Node {
    let usual = [
        ("token_url", "https://id.example.com/token"),
        ("client_id", "gate"),
        ("client_secret", "s3cret"),
    ];
    texts(&[&usual, more].concat())
}

/// A filter of the bench, with its source.
fn build(bench: &mut Bench, more: &[(&str, &str)]) -> (Arc<dyn Filter>, Arc<TokenSource>) {
    let mut reader = portunus_spec::Reader::new(&portunus_spec::NoLookup);
    let read = <ClientCredentialsSpec as portunus_spec::Spec>::read(&spec(more), &mut reader);
    let key = read.unwrap().request().hash(b"").to_string();
    let filter = bench.build("client_credentials", spec(more)).unwrap();
    let source = bench.services.state(&key, || -> TokenSource { panic!("there is none") });
    (filter, source)
}

fn publish(source: &TokenSource, value: &'static str, expires: Wall) {
    source.publish(Token { value: Bytes::from_static(value.as_bytes()), expires });
}

#[tokio::test]
async fn the_upstream_gets_our_token_in_place_of_the_client_s() {
    let (filter, source) = build(&mut Bench::new(FILTERS), &[]);
    let mut rig = Rig::new();
    let mut asked = exchange("GET /");
    asked.request.headers.append(b"authorization", b"Bearer client");
    // There is none yet: the request waits for it.
    let verdict = rig.request(&*filter, &mut asked);
    publish(&source, "Bearer ours", Wall(rig.wall.0 + 1));
    source.end_fetch();
    let Resume::Again(_, again) = resumed(verdict) else { panic!("it does not look again") };
    assert_eq!(shown(&rig.again(&*filter, &mut asked, again)), "continue");
    let expected = "Host: shop.example.com:8080; Authorization: Bearer ours";
    assert_eq!(lines(&asked.request.headers), expected);
    assert_eq!(shown(&rig.request(&*filter, &mut exchange("GET /"))), "continue");
    // Its end has come, and there is no other one.
    rig.wall.0 += 1;
    let again = rig.again(&*filter, &mut asked, Again::default());
    assert_eq!(shown(&again), "503 upstream.token_unavailable problem");
}

#[test]
fn a_token_that_the_upstream_refuses_is_fetched_anew() {
    let mut bench = Bench::new(FILTERS);
    let (filter, source) = build(&mut bench, &[("header", "X-Token")]);
    publish(&source, "Bearer ours", Wall(u64::MAX));
    let mut rig = Rig::new();
    let mut exchange = exchange("GET /");
    assert_eq!(shown(&rig.request(&*filter, &mut exchange)), "continue");
    assert_eq!(exchange.request.headers.value(b"X-Token"), Some(&b"Bearer ours"[..]));
    exchange.response.set_status(401);
    assert_eq!(shown(&rig.response(&*filter, &mut exchange)), "continue");
    assert_eq!(bench.tasks.len(), 1);
}

#[test]
fn the_question_says_who_we_are() {
    let request = |more: &[(&str, &str)]| {
        let mut reader = portunus_spec::Reader::new(&portunus_spec::NoLookup);
        let read = <ClientCredentialsSpec as portunus_spec::Spec>::read(&spec(more), &mut reader);
        let request = read.unwrap().request();
        (String::from_utf8(request.form).unwrap(), request.authorization)
    };
    let basic = Some("Basic Z2F0ZTpzM2NyZXQ=".to_owned());
    assert_eq!(request(&[]), ("grant_type=client_credentials".to_owned(), basic.clone()));
    let (form, authorization) = request(&[("scopes", "a"), ("audience", "x y")]);
    assert_eq!(form, "grant_type=client_credentials&scope=a&audience=x+y");
    assert_eq!(authorization, basic);
    let post = "grant_type=client_credentials&client_id=gate&client_secret=s3cret";
    assert_eq!(request(&[("auth", "post")]), (post.to_owned(), None));
}

#[test]
fn explaining_fetches_nothing() {
    let (filter, _source) = build(&mut Bench::new(FILTERS), &[]);
    let mut rig = Rig { offline: true, ..Rig::new() };
    assert_eq!(shown(&rig.request(&*filter, &mut exchange("GET /"))), "continue");
    assert!(rig.notes[0].contains("not fetched here"));
}

#[test]
fn mistakes_are_told_without_the_secret() {
    let mut bench = Bench::new(FILTERS);
    let mut told = |node: Node, expected: &str| {
        let told = bench.mistakes("client_credentials", node);
        assert!(told.contains(expected) && !told.contains("s3cret"), "{told}");
    };
    told(texts(&[("token_url", "https://a/")]), "client_id");
    let plain = [("token_url", "http://a/"), ("client_id", "x"), ("client_secret", "s3cret")];
    told(texts(&plain), "no secret is sent to `http://a/`");
    told(spec(&[("header", "a b")]), "is not a header name");
    told(spec(&[("ca", "/nowhere")]), "cannot read /nowhere");
}
