//! When a request is sent again, and when it must not be.

use portunus_testkit::{Origin, Program, Response, faulty};

/// Answers the first request of its first connection, and closes at the second without an answer,
/// as an origin does whose keep-alive time is over just then.
fn stale_once() -> Origin {
    Origin::raw(|mut peer| {
        while let Some(request) = peer.request() {
            if peer.number() == 1 && request.target != "/first" {
                return;
            }
            peer.answer(&Response::text("fine"), &request.method);
        }
    })
}

#[test]
fn a_get_on_a_stale_connection_is_sent_again_on_a_fresh_one() {
    let origin = stale_once();
    let program = Program::before(&origin);
    let mut client = program.client();
    assert_eq!(client.get("/first").text(), "fine");
    assert_eq!(client.get("/second").text(), "fine");
    assert_eq!((origin.connections(), origin.requests().len()), (2, 3));
}

#[test]
fn a_put_with_a_body_is_sent_again_whole_or_not_at_all() {
    let origin = stale_once();
    let program = Program::before(&origin);
    let mut client = program.client();
    client.get("/first");
    let answer = client.request("PUT", "/second").body("all of it").send();
    assert!(answer.text() == "fine" || answer.status == 502, "{answer:?}");
    let puts: Vec<_> = origin.requests().into_iter().skip(1).collect();
    assert!(puts.iter().all(|put| put.is_complete && put.text() == "all of it"), "{puts:?}");
}

#[test]
fn a_post_that_the_upstream_may_have_seen_is_not_sent_again() {
    let origin = stale_once();
    let program = Program::before(&origin);
    let mut client = program.client();
    client.get("/first");
    let answer = client.request("POST", "/second").body("pay").send();
    answer.assert_own(502, "upstream.reset");
    assert_eq!(origin.requests().len(), 2);
}

#[test]
fn what_is_no_answer_leads_a_get_to_the_next_endpoint() {
    let (babbling, origin) = (faulty::saying("SSH-2.0-none\r\n\r\n"), Origin::text("fine"));
    let program = Program::config("hosts: {\"*\": {routes: {/: [\"{babbling}\", \"{origin}\"]}}}")
        .fill("babbling", &babbling)
        .fill("origin", &origin)
        .start();
    let mut client = program.client();
    for _ in 0..2 {
        assert_eq!(client.get("/").text(), "fine");
    }
    let posts: Vec<_> =
        (0..2).map(|_| client.request("POST", "/").body("pay").send().status).collect();
    assert!(posts.contains(&502), "a POST that an endpoint has had is not sent again: {posts:?}");
}

#[test]
fn a_refused_connection_leads_to_the_next_endpoint_whatever_the_method() {
    let (refusing, origin) = (faulty::refusing(), Origin::text("fine"));
    let program = Program::config("hosts: {\"*\": {routes: {/: [\"{refusing}\", \"{origin}\"]}}}")
        .fill("refusing", &refusing)
        .fill("origin", &origin)
        .start();
    let mut client = program.client();
    for _ in 0..2 {
        assert_eq!(client.get("/").text(), "fine");
        assert_eq!(client.request("POST", "/").body("a").send().text(), "fine");
    }
    assert!(program.metrics().sum("portunus_upstream_retries_total", &[]) >= 1.0);
}

#[test]
fn one_attempt_means_no_retry() {
    let refusing = faulty::refusing();
    let origin = Origin::text("fine");
    let program = Program::config(
        r#"
hosts: {"*": {routes: {/: {to: ["{refusing}", "{origin}"], retry: {attempts: 1}}}}}
"#,
    )
    .fill("refusing", &refusing)
    .fill("origin", &origin)
    .start();
    let mut client = program.client();
    let mut statuses = [client.get("/").status, client.get("/").status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 502]);
}

#[test]
fn a_status_in_the_list_is_tried_again_for_methods_that_allow_it() {
    let bad = Origin::new(|_| Response::status(503));
    let good = Origin::text("good");
    let program = Program::config(
        r#"
hosts:
  "*":
    routes:
      /: {to: ["{bad}", "{good}"], retry: {attempts: 2, on: ["503"], budget: 100%}}
"#,
    )
    .fill("bad", &bad)
    .fill("good", &good)
    .start();
    let mut client = program.client();
    for _ in 0..4 {
        assert_eq!(client.get("/").text(), "good");
    }
    let posts: Vec<_> =
        (0..2).map(|_| client.request("POST", "/").body("a").send().status).collect();
    assert!(posts.contains(&503), "{posts:?}");
}

#[test]
fn a_status_that_is_not_in_the_list_is_the_answer() {
    let origin = Origin::new(|_| Response::text("mine").with_status(503));
    let program = Program::before(&origin);
    let answer = program.get("/");
    assert_eq!((answer.status, answer.text()), (503, "mine"));
    assert_eq!(answer.header("proxy-status"), None);
    assert_eq!(origin.requests().len(), 1);
}

/// Two endpoints that always refuse, before a route that gives a request a fifth of a second.
fn refused(origins: &[Origin; 2], retry: &str) -> Program {
    let config = r#"
hosts:
  "*":
    routes:
      /: {to: ["{one}", "{two}"], timeouts: {request: 200ms}, retry: {{retry}, budget: 100%}}
"#;
    let setup = Program::config(&config.replace("{retry}", retry));
    setup.fill("one", &origins[0]).fill("two", &origins[1]).start()
}

fn refusing(status: u16) -> [Origin; 2] {
    let answer = move |_: &_| Response::status(status).header("Retry-After", "3600");
    [Origin::new(answer), Origin::new(answer)]
}

fn requests(origins: &[Origin; 2]) -> usize {
    origins.iter().map(|origin| origin.requests().len()).sum()
}

#[test]
fn a_retry_waits_as_the_route_says_within_the_bound_of_the_whole() {
    let origins = refusing(503);
    let program = refused(&origins, "on: [503], backoff: 1h .. 2h");
    program.get("/").assert_own(504, "request.timeout");
    assert_eq!(requests(&origins), 1);

    let origins = refusing(503);
    let program = refused(&origins, "attempts: 4, on: [503], backoff: 1ms .. 2ms");
    assert_eq!(program.get("/").status, 503);
    assert!(requests(&origins) >= 2);
}

#[test]
fn a_retry_waits_as_the_answer_says_where_that_is_short_enough() {
    let origins = refusing(429);
    let program = refused(&origins, "on: [429], retry_after_max: 1h");
    program.get("/").assert_own(504, "request.timeout");
    assert_eq!(requests(&origins), 1);

    let origins = refusing(429);
    let program = refused(&origins, "on: [429], retry_after_max: 59m");
    assert_eq!(program.get("/").status, 429);
    assert_eq!(requests(&origins), 2);
}

#[test]
fn a_retry_after_a_refused_connection_tells_of_its_way_here() {
    let (refusing, origin) = (faulty::refusing(), Origin::text("fine"));
    let program = Program::config(
        r#"
upstreams: {shop: {endpoints: ["{refusing}", {url: "{origin}", backup: true}]}}
hosts: {"*": {routes: {/: shop}}}
"#,
    )
    .fill("refusing", &refusing)
    .fill("origin", &origin)
    .start();
    assert_eq!(program.get("/").text(), "fine");
    assert_eq!(origin.request().header("via"), Some("1.1 portunus"));
    assert_eq!(program.metrics().sum("portunus_upstream_retries_total", &[]), 1.0);
}

#[test]
fn an_answer_is_kept_where_the_breaker_lets_no_retry_pass() {
    let origins = [(); 2].map(|()| Origin::new(|_| Response::text("mine").with_status(503)));
    let program = Program::config(
        r#"
upstreams: {shop: {endpoints: ["{one}", "{two}"], breaker: {min_requests: 1, error_rate: 1%}}}
hosts: {"*": {routes: {/: {to: shop, retry: {attempts: 2, on: [503]}}}}}
"#,
    )
    .fill("one", &origins[0])
    .fill("two", &origins[1])
    .start();
    let answer = program.get("/");
    assert_eq!((answer.status, answer.text()), (503, "mine"));
    assert_eq!(requests(&origins), 1);
}

#[test]
fn a_reload_gives_no_new_budget_of_retries() {
    let origins = refusing(503);
    let config = r#"
workers: 1
upstreams: {shop: {endpoints: ["{one}", "{two}"], timeouts: {connect: {connect}}}}
hosts: {"*": {routes: {/: {to: shop, retry: {attempts: 2, on: [503], budget: 0%}}}}}
"#;
    let config = config.replace("{one}", &origins[0].to_string());
    let config = config.replace("{two}", &origins[1].to_string());
    let program = Program::config(&config.replace("{connect}", "3s")).start();
    let ask = || (0..12).for_each(|_| assert_eq!(program.get("/").status, 503));
    ask();
    assert_eq!(requests(&origins), 22);
    program.reload(&config.replace("{connect}", "4s"));
    ask();
    assert_eq!(requests(&origins), 34);
}
