//! Clients that stay at their endpoint by a cookie.

use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use portunus_testkit::{
    Answer, Authority, Gate, Origin, Program, Response, Setup, TlsClient, eventually,
};

const CONFIG: &str = r#"
upstreams:
  shop:
    endpoints: ["{a}", "{b}", "{c}"]
    sticky: {sticky}
hosts: {"*": {routes: {/**: {to: shop, retry: {attempts: 3, on: [connect, reset, 503]}}}}}
"#;

/// Three endpoints that say who they are.
struct Shop([Origin; 3]);

impl Shop {
    fn open() -> Self {
        Self(["a", "b", "c"].map(Origin::text))
    }

    fn setup(&self, sticky: &str) -> Setup {
        let Self([a, b, c]) = self;
        let config = CONFIG.replace("{sticky}", sticky);
        Program::config(&config).fill("a", a).fill("b", b).fill("c", c)
    }

    fn requests(&self) -> usize {
        self.0.iter().map(|origin| origin.requests().len()).sum()
    }
}

/// The value of the cookie that an answer sets.
fn cookie(answer: &Answer) -> Option<String> {
    let line = answer.header("set-cookie")?;
    let (name, rest) = line.split_once('=').unwrap();
    assert_eq!(name, "srv");
    Some(rest.split(';').next().unwrap().to_owned())
}

/// A request of somebody who has this cookie.
fn with(program: &Program, cookie: &str) -> Answer {
    let mut client = program.client();
    client.request("GET", "/").header("Cookie", &format!("a=1; srv={cookie}; b=2")).send()
}

/// Gets a cookie from each endpoint.
fn visitors(program: &Program) -> Vec<(String, String)> {
    let mut client = program.client();
    let visits = (0..3).map(|_| client.get("/"));
    let mut all: Vec<_> =
        visits.map(|answer| (answer.text().to_owned(), cookie(&answer).unwrap())).collect();
    all.sort();
    assert_eq!(all.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    all
}

#[test]
fn a_client_stays_and_is_told_so_once() {
    let shop = Shop::open();
    let program = shop.setup("srv").start();
    let all = visitors(&program);
    for _ in 0..4 {
        for (name, cookie) in &all {
            let answer = with(&program, cookie);
            assert_eq!((answer.text(), answer.header("set-cookie")), (name.as_str(), None));
            assert_eq!(answer.header("cache-control"), None);
        }
    }
    let [origin, ..] = &shop.0;
    assert_eq!(origin.last().header("cookie"), Some("a=1; b=2"), "it is no concern of theirs");
    assert_eq!(all.iter().map(|(_, cookie)| cookie).collect::<HashSet<_>>().len(), 3);
    let explained = program.folder().run("explain GET http://x/").with_code(0);
    assert!(
        explained.stdout.contains("sticky: a client stays by its cookie `srv`"),
        "{explained:?}"
    );
}

#[test]
fn the_cookie_says_nothing_and_is_for_one_client_alone() {
    let open = Origin::new(|_| Response::text("a").header("Cache-Control", "public, max-age=60"));
    let program = Program::config(
        r#"
upstreams:
  shop:
    endpoints: "{a}"
    sticky: {cookie: {path: /x, domain: shop.example, max_age: 1d, same_site: strict, hide: false}}
hosts: {"*": {routes: {/**: shop}}}
"#,
    )
    .fill("a", &open)
    .start();
    let answer = program.get("/");
    let line = answer.header("set-cookie").unwrap();
    let (value, attributes) = line.split_once("; ").unwrap();
    let expected = "Path=/x; Domain=shop.example; Max-Age=86400; HttpOnly; SameSite=Strict";
    assert_eq!(attributes, expected);
    assert_eq!(value.len(), "srv=".len() + 32, "{value}");
    assert_eq!(answer.header("cache-control"), Some("max-age=60, private"));
    let again = with(&program, value.strip_prefix("srv=").unwrap());
    assert_eq!(again.header("cache-control"), Some("public, max-age=60"));
    assert!(open.last().header("cookie").unwrap().contains("srv="));
}

#[test]
fn over_https_the_cookie_is_for_https_alone() {
    let (authority, origin) = (Authority::new("ours"), Origin::text("a"));
    let program = Program::config(
        r#"
listeners:
  web: {address: "127.0.0.1:0", tls: {certificates: [{cert: site.pem, key: site.key}]}}
upstreams: {shop: {endpoints: "{a}", sticky: srv}}
hosts: {"*": {routes: {/**: shop}}}
"#,
    )
    .fill("a", &origin)
    .identity("site", &authority.issue(&["shop.test"]))
    .start();
    let mut client = TlsClient::trusting(&authority).h1(&program.address("web"), "shop.test");
    let answer = client.get("/");
    assert!(answer.header("set-cookie").unwrap().ends_with("; SameSite=Lax; Secure"), "{answer:?}");
}

#[test]
fn what_nobody_signed_is_no_cookie() {
    let shop = Shop::open();
    let program = shop.setup("srv").start();
    let [a, ..] = &shop.0;
    for forged in ["", "a", "0", &a.address().to_string(), &"0".repeat(32)] {
        let answer = with(&program, forged);
        assert!(cookie(&answer).is_some(), "{forged}");
    }
}

#[test]
fn of_several_cookies_of_the_name_the_one_that_means_an_endpoint_counts() {
    let shop = Shop::open();
    let program = shop.setup("srv").start();
    for (name, mark) in visitors(&program) {
        let answer = with(&program, &format!("old; srv={mark}"));
        assert_eq!((answer.text(), cookie(&answer)), (&*name, None));
    }
}

#[test]
fn a_client_whose_endpoint_is_away_moves_for_good() {
    let sick = Arc::new(AtomicBool::new(false));
    let state = Arc::clone(&sick);
    let a = Origin::new(move |_| match state.load(Relaxed) {
        true => Response::status(503),
        false => Response::text("a"),
    });
    let shop = Shop([a, Origin::text("b"), Origin::text("c")]);
    let program = shop.setup("srv").start();
    let all = visitors(&program);
    sick.store(true, Relaxed);
    // A retry is answered by another one: the cookie says which.
    let moved = with(&program, &all[0].1);
    let next = cookie(&moved).unwrap();
    let (name, _) = all.iter().find(|(_, cookie)| *cookie == next).unwrap();
    assert_eq!((moved.status, moved.text()), (200, name.as_str()));
    sick.store(false, Relaxed);
    assert_eq!(with(&program, &next).text(), name);
}

#[test]
fn an_endpoint_that_takes_no_new_clients_keeps_its_own() {
    let shop = Shop::open();
    let program = shop.setup("srv").start();
    let all = visitors(&program);
    let drained = CONFIG.replace("\"{a}\"", "{url: \"{a}\", weight: 0}").replace("{sticky}", "srv");
    program.reload(&drained);
    for _ in 0..6 {
        let (name, cookie) = &all[0];
        let answer = with(&program, cookie);
        assert_eq!((answer.text(), answer.header("set-cookie")), (name.as_str(), None));
        assert_ne!(program.get("/").text(), "a");
    }
    // One that is gone cannot.
    program.reload(&CONFIG.replace("\"{a}\", ", "").replace("{sticky}", "srv"));
    let moved = with(&program, &all[0].1);
    assert_ne!(moved.text(), "a");
    assert!(cookie(&moved).is_some());
    assert_eq!(with(&program, &all[1].1).text(), "b");
}

#[test]
fn an_endpoint_that_has_all_that_it_may_have_loses_a_client() {
    let open = Gate::new();
    let is_open = open.clone();
    let a = Origin::new(move |request| {
        if request.target == "/slow" {
            is_open.wait();
        }
        Response::text("a")
    });
    let shop = Shop([a, Origin::text("b"), Origin::text("c")]);
    let [a, b, c] = &shop.0;
    let config = CONFIG.replace("{sticky}", "srv\n    limits: {requests_max: 1}");
    let program = Program::config(&config).fill("a", a).fill("b", b).fill("c", c).start();
    let all = visitors(&program);
    let mut slow = program.client();
    slow.request("GET", "/slow").header("Cookie", &format!("srv={}", all[0].1)).start();
    a.wait_for(2);
    let moved = with(&program, &all[0].1);
    assert_ne!(moved.text(), "a");
    assert!(cookie(&moved).is_some());
    open.open();
    assert_eq!(slow.read().text(), "a");
    let moves = "portunus_upstream_sticky_moves_total";
    eventually("the move is counted", || program.metrics().sum(moves, &[]) == 1.0);
}

#[test]
fn a_connection_that_went_stale_ends_no_session() {
    // Answers one request of each connection, and closes without an answer at the second one.
    let fleeting = |name: &'static str| {
        Origin::raw(move |mut peer| {
            if let Some(request) = peer.request() {
                peer.answer(&Response::text(name), &request.method);
                let _ = peer.request();
            }
        })
    };
    let shop = Shop([fleeting("a"), fleeting("b"), fleeting("c")]);
    let program = shop.setup("srv").start();
    let all = visitors(&program);
    for (name, cookie) in &all {
        let answer = with(&program, cookie);
        assert_eq!((answer.text(), answer.header("set-cookie")), (name.as_str(), None));
    }
    assert_eq!(shop.requests(), 9);
}

#[test]
fn sessions_outlive_a_restart_and_a_key_makes_nodes_agree() {
    let shop = Shop::open();
    let program = shop.setup("srv").start();
    let all = visitors(&program);
    let key = program.path("state/sticky.key");
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let kept = std::fs::read_to_string(&key).unwrap();
    let program = program.stop_and_start();
    assert_eq!(with(&program, &all[1].1).text(), "b");
    let node = shop.setup("{cookie: srv, key: {file: sticky.secret}}");
    let node = node.file("sticky.secret", &kept).start();
    assert!(!node.path("state/sticky.key").exists());
    assert_eq!(with(&node, &all[2].1).text(), "c");
}

#[test]
fn a_session_is_kept_with_each_algorithm() {
    for balance in ["random", "least_requests", "p2c", "ewma", "{hash: {key: {header: x}}}"] {
        let shop = Shop::open();
        let config =
            CONFIG.replace("sticky: {sticky}", &format!("sticky: srv\n    balance: {balance}"));
        let [a, b, c] = &shop.0;
        let program = Program::config(&config).fill("a", a).fill("b", b).fill("c", c).start();
        let first = program.get("/");
        let cookie = cookie(&first).unwrap();
        for _ in 0..8 {
            assert_eq!(with(&program, &cookie).text(), first.text(), "{balance}");
        }
    }
}
