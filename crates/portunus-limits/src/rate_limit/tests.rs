use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::tests::*;
use portunus_base::{Mono, Rate};
use portunus_exchange::Reason;
use portunus_filter::Filter;
use portunus_spec::{Node, Value};

const SECOND: u64 = 1_000_000;

#[test]
fn a_rate_is_kept_for_each_client() {
    let filter = built("rate_limit", "2/s per client_ip");
    let mut rig = Rig::new();
    let mut ask = |ip: &str, us: u64| {
        let mut exchange = exchange("GET /");
        exchange.client.ip = ip.parse().unwrap();
        rig.now = Mono(us);
        passes(&mut rig, &*filter, &mut exchange)
    };
    assert_eq!(
        [ask("192.0.2.1", 1), ask("192.0.2.1", 1), ask("192.0.2.1", 1)],
        [true, true, false]
    );
    assert!(ask("192.0.2.2", 1));
    assert!(!ask("192.0.2.1", SECOND / 2));
    assert!(ask("192.0.2.1", SECOND / 2 + 1));
    // A whole network of IPv6 is one client.
    assert_eq!(
        [ask("2001:db8::1", 1), ask("2001:db8::2", 1), ask("2001:db8::3", 1)],
        [true, true, false]
    );
    assert!(ask("2001:db8:0:1::1", 1));
    // IPv4 within IPv6 is IPv4.
    assert!(!ask("::ffff:192.0.2.1", SECOND / 2 + 2));
}

#[test]
fn without_per_all_share_one_budget() {
    let filter = built("rate_limit", "2/s");
    let mut rig = Rig::new();
    let mut ask = |ip: &str| {
        let mut exchange = exchange("GET /");
        exchange.client.ip = ip.parse().unwrap();
        passes(&mut rig, &*filter, &mut exchange)
    };
    assert_eq!([ask("192.0.2.1"), ask("192.0.2.2"), ask("192.0.2.3")], [true, true, false]);
}

#[test]
fn clients_are_told() {
    let filter = built("rate_limit", "100/s per client_ip");
    let mut rig = Rig::new();
    let mut first = exchange("GET /");
    assert!(passes(&mut rig, &*filter, &mut first));
    let told = "RateLimit-Policy: \"default\";q=100;w=1; RateLimit: \"default\";r=99;t=1";
    assert_eq!(lines(&first.response_extra), told);
    (0..99).for_each(|_| assert!(passes(&mut rig, &*filter, &mut exchange("GET /"))));
    let mut last = exchange("GET /");
    let verdict = rig.request(&*filter, &mut last);
    assert_eq!(shown(&verdict), "429 limit.rate problem");
    assert_eq!(header(&reply(verdict), "Retry-After"), Some("1"));
    assert!(lines(&last.response_extra).ends_with("RateLimit: \"default\";r=0;t=1"));
    assert_eq!(rig.notes.last().unwrap(), "client_ip 192.0.2.7: 0 of 100/s left");
}

#[test]
fn retry_after_is_true() {
    let filter = built("rate_limit", &[("rate", "6/m"), ("burst", "1")][..]);
    let mut rig = Rig::new();
    rig.now = Mono(SECOND);
    assert!(passes(&mut rig, &*filter, &mut exchange("GET /")));
    rig.now = Mono(SECOND + 1);
    let refused = reply(rig.request(&*filter, &mut exchange("GET /")));
    assert_eq!(header(&refused, "Retry-After"), Some("10"));
    rig.now = Mono(10 * SECOND);
    assert!(!passes(&mut rig, &*filter, &mut exchange("GET /")));
    rig.now = Mono(11 * SECOND + 1);
    assert!(passes(&mut rig, &*filter, &mut exchange("GET /")));
}

#[test]
fn headers_can_be_chosen() {
    let told = |choice| {
        let fields = [("rate", "10/m"), ("headers", choice), ("name", "api")];
        let filter = built("rate_limit", &fields[..]);
        let mut exchange = exchange("GET /");
        assert!(passes(&mut Rig::new(), &*filter, &mut exchange));
        lines(&exchange.response_extra)
    };
    let standard = "RateLimit-Policy: \"api\";q=10;w=60; RateLimit: \"api\";r=9;t=6";
    let legacy = "X-RateLimit-Limit: 10; X-RateLimit-Remaining: 9; X-RateLimit-Reset: 6";
    assert_eq!(told("standard"), standard);
    assert_eq!(told("legacy"), legacy);
    assert_eq!(told("both"), format!("{standard}; {legacy}"));
    assert_eq!(told("none"), "");
}

#[test]
fn several_rates_must_all_hold() {
    for algorithm in ["gcra", "sliding_window"] {
        let filter = built(
            "rate_limit",
            [("rate", list(&["2/s", "3/m"])), ("algorithm", Node::text(algorithm))],
        );
        let mut rig = Rig::new();
        let mut ask = |us| {
            rig.now = Mono(us);
            let mut exchange = exchange("GET /");
            let passes = passes(&mut rig, &*filter, &mut exchange);
            (passes, lines(&exchange.response_extra))
        };
        let (passed, told) = ask(1);
        assert!(passed && told.contains("\"default/s\";r=1;t="), "{told}");
        assert!(told.contains("\"default/m\";r=2;t="), "{told}");
        assert!(ask(1).0 && !ask(1).0);
        assert!(ask(2 * SECOND).0);
        // The minute is used up; and the second loses nothing by it.
        let (passed, told) = ask(2 * SECOND);
        assert!(!passed && told.contains("\"default/s\";r=1;t="), "{told}");
        assert!(told.contains("\"default/m\";r=0;t="), "{told}");
        assert!(ask(122 * SECOND).0);
    }
}

#[test]
fn a_dry_run_blocks_nothing() {
    let filter = built("rate_limit", &[("rate", "1/h"), ("dry_run", "true")][..]);
    let mut rig = Rig::new();
    for _ in 0..5 {
        let mut exchange = exchange("GET /");
        assert!(passes(&mut rig, &*filter, &mut exchange));
        assert_eq!(lines(&exchange.response_extra), "");
    }
}

#[test]
fn explaining_takes_nothing() {
    let filter = built("rate_limit", "1/h per host");
    let mut rig = Rig::new();
    rig.offline = true;
    (0..3).for_each(|_| assert!(passes(&mut rig, &*filter, &mut exchange("GET /"))));
    assert_eq!(rig.notes.last().unwrap(), "host shop.example.com: 1 of 1/h left");
    rig.offline = false;
    assert!(passes(&mut rig, &*filter, &mut exchange("GET /")));
    assert!(!passes(&mut rig, &*filter, &mut exchange("GET /")));
}

#[test]
fn plans_have_rates_of_their_own() {
    let filter = built("rate_limit", "plan");
    let mut rig = Rig::new();
    let rate = Rate { count: 2, window: Duration::from_secs(60) };
    let mut ask = |who: Option<&str>| {
        let mut exchange = exchange("GET /");
        exchange.identity = who.map(|name| identity(name, &[rate], &[]));
        let passes = passes(&mut rig, &*filter, &mut exchange);
        (passes, lines(&exchange.response_extra))
    };
    let told = "RateLimit-Policy: \"gold\";q=2;w=60; RateLimit: \"gold\";r=1;t=30";
    assert_eq!(ask(Some("ann")), (true, told.to_owned()));
    assert!(ask(Some("ann")).0 && !ask(Some("ann")).0);
    assert!(ask(Some("bob")).0);
    assert_eq!(ask(None), (false, String::new()));
}

#[test]
fn who_has_no_plan_is_refused_unless_it_is_wanted() {
    let someone = Arc::new(portunus_identity::Identity::default());
    for (node, expected) in [
        (texts(&[("rate", "plan")]), "403 limit.plan problem"),
        (texts(&[("rate", "plan"), ("no_plan", "refuse")]), "403 limit.plan problem"),
        (texts(&[("rate", "plan"), ("no_plan", "skip")]), "continue"),
        (texts(&[("rate", "plan"), ("dry_run", "true")]), "continue"),
    ] {
        let filter = built("rate_limit", Written(node));
        for identity in [None, Some(Arc::clone(&someone))] {
            let mut exchange = exchange("GET /");
            exchange.identity = identity;
            let verdict = Rig::new().request(&*filter, &mut exchange);
            match expected {
                "continue" => assert!(matches!(verdict, portunus_filter::Verdict::Continue)),
                _ => assert_eq!(shown(&verdict), expected),
            }
        }
    }
}

#[test]
fn costs_can_be_told_by_the_request() {
    let filter = built(
        "rate_limit",
        [("rate", Node::text("10/h")), ("cost", texts(&[("header", "X-Cost")]))],
    );
    let mut rig = Rig::new();
    let mut ask = |cost: &str| {
        let mut exchange = exchange("GET /");
        exchange.request.headers.append(b"X-Cost", cost.as_bytes());
        passes(&mut rig, &*filter, &mut exchange)
    };
    assert!(ask("7") && !ask("4"));
    // Nothing is for free, and what is no number costs one.
    assert!(ask("0") && ask("-5") && ask("many"));
    assert!(!ask("0"));
    assert!(!ask("99999999999999999999999"));
}

#[test]
fn costs_can_be_told_by_the_answer() {
    let filter = built(
        "rate_limit",
        [
            ("rate", Node::text("10/h")),
            ("per", Node::text("client_ip")),
            ("cost", texts(&[("response_bytes", "1KiB")])),
        ],
    );
    let mut rig = Rig::new();
    let mut ask = |bytes| {
        let mut exchange = exchange("GET /");
        let passes = passes(&mut rig, &*filter, &mut exchange);
        exchange.bytes.response = bytes;
        exchange.reason = (!passes).then_some(Reason("limit.rate"));
        rig.finish(&*filter, &exchange);
        (passes, lines(&exchange.response_extra))
    };
    assert!(ask(1).1.contains("r=10;"));
    assert!(ask(100 * 1024).1.contains("r=9;"));
    // Far below zero now; a refusal costs nothing more.
    let (passed, told) = ask(500);
    assert!(!passed && told.contains("r=0;t=36360"), "{told}");
    assert!(ask(500).1.contains("t=36360"));
}

#[test]
fn what_is_known_afterwards_is_charged_to_whom_it_was_asked_for() {
    let fields = || {
        [
            ("rate", Node::text("10/h")),
            ("per", Node::text("header:X-Tenant")),
            ("cost", texts(&[("response_bytes", "1KiB")])),
        ]
    };
    let filter = built("rate_limit", fields());
    let mut rig = Rig::new();
    let left = |rig: &mut Rig| {
        let mut exchange = exchange("GET /");
        exchange.request.headers.append(b"X-Tenant", b"acme");
        assert!(passes(rig, &*filter, &mut exchange));
        lines(&exchange.response_extra)
    };
    let mut unseen = exchange("GET /");
    unseen.request.headers.append(b"X-Tenant", b"acme");
    unseen.bytes.response = 5 * 1024;
    // An earlier filter answered it.
    rig.finish(&*filter, &unseen);
    assert!(left(&mut rig).contains("r=10;"));
    let mut changed = exchange("GET /");
    changed.request.headers.append(b"X-Tenant", b"acme");
    assert!(passes(&mut rig, &*filter, &mut changed));
    // A later filter took away what the key was read from.
    changed.request.headers.remove(b"X-Tenant");
    changed.bytes.response = 5 * 1024;
    rig.finish(&*filter, &changed);
    assert!(left(&mut rig).contains("r=5;"));
}

#[test]
fn one_that_only_counts_takes_nothing_from_its_neighbour() {
    let mut bench = bench();
    let mut rig = Rig::new();
    let dry = bench.build("rate_limit", texts(&[("rate", "1/h"), ("dry_run", "true")])).unwrap();
    let real = bench.build("rate_limit", texts(&[("rate", "1/h")])).unwrap();
    let dear = bench.build("rate_limit", texts(&[("rate", "1/h"), ("cost", "2")])).unwrap();
    (0..3).for_each(|_| assert!(passes(&mut rig, &*dry, &mut exchange("GET /"))));
    assert!(!passes(&mut rig, &*dear, &mut exchange("GET /")));
    assert!(passes(&mut rig, &*real, &mut exchange("GET /")));
    assert!(!passes(&mut rig, &*real, &mut exchange("GET /")));
}

#[test]
fn what_is_missing_can_be_chosen() {
    let ask = |missing, token: Option<&str>, times| {
        let fields = [("rate", "1/h"), ("per", "header:X-Tenant"), ("missing", missing)];
        let filter = built("rate_limit", &fields[..]);
        let mut rig = Rig::new();
        let mut verdict = String::new();
        for _ in 0..times {
            let mut exchange = exchange("GET /");
            if let Some(token) = token {
                exchange.request.headers.append(b"X-Tenant", token.as_bytes());
            }
            verdict = shown(&rig.request(&*filter, &mut exchange));
        }
        verdict
    };
    assert_eq!(ask("share", None, 2), "429 limit.rate problem");
    assert_eq!(ask("skip", None, 2), "continue");
    assert_eq!(ask("refuse", None, 1), "403 limit.key problem");
    assert_eq!(ask("refuse", Some("a"), 1), "continue");
    assert_eq!(ask("skip", Some("a"), 2), "429 limit.rate problem");
}

#[test]
fn budgets_outlive_a_reload_and_a_name_shares_them() {
    let mut bench = bench();
    let node = |name| texts(&[("rate", "1/h"), ("per", "host"), ("name", name)]);
    let mut rig = Rig::new();
    let before = bench.build("rate_limit", node("one")).unwrap();
    assert!(passes(&mut rig, &*before, &mut exchange("GET /")));
    let after = bench.build("rate_limit", node("one")).unwrap();
    drop(before);
    assert!(!passes(&mut rig, &*after, &mut exchange("GET /")));
    let other = bench.build("rate_limit", node("two")).unwrap();
    assert!(passes(&mut rig, &*other, &mut exchange("GET /")));
}

#[test]
fn workers_share_budgets_exactly() {
    let filter = built("rate_limit", "100/h per client_ip");
    let ask = |filter: &Arc<dyn Filter>| {
        let mut rig = Rig::new();
        let passed = |_: &u32| passes(&mut rig, &**filter, &mut exchange("GET /"));
        (0..100).filter(passed).count()
    };
    let passed: usize = thread::scope(|scope| {
        let workers = [(); 4].map(|()| scope.spawn(|| ask(&filter)));
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert_eq!(passed, 100);
}

#[test]
fn the_short_form_says_whom_it_is_for() {
    let entry =
        |node: &Node, key: &str| node.get(key).map(|node| node.scalar().unwrap().into_owned());
    let short = normal("rate_limit", "100/s per client_ip");
    assert_eq!(entry(&short, "rate").as_deref(), Some("100/s"));
    assert_eq!(short.get("per").unwrap(), &list(&["client_ip"]));
    let field = normal("rate_limit", &[("rate", "5/m per consumer, route"), ("name", "a")][..]);
    assert_eq!(field.get("per").unwrap(), &list(&["consumer", "route"]));
    assert_eq!(normal("rate_limit", "100/s").get("per"), None);
}

#[test]
fn mistakes_are_told() {
    for (node, expected) in [
        (texts(&[("rate", "100")]), "`100` is not a rate"),
        (texts(&[("rate", "0/s")]), "at least 1"),
        (texts(&[("rate", "2000000/s")]), "1000000 a second"),
        (texts(&[("rate", "1/s"), ("per", "clientip")]), "tells no clients apart"),
        (texts(&[("rate", "1/s"), ("per", "request")]), "tells no clients apart"),
        (texts(&[("rate", "1/s"), ("per", "param:nope")]), "has no part `nope`"),
        (texts(&[("rate", "1/s"), ("per", "{nope}")]), "unknown variable"),
        (texts(&[("rate", "1/s"), ("ipv6_prefix", "129")]), "from 1 to 128"),
        (texts(&[("rate", "1/s"), ("keys_max", "0")]), "`keys_max` must be"),
        (texts(&[("rate", "1/s"), ("name", "a\"b")]), "cannot be the name"),
        (texts(&[("rate", "1/s"), ("no_plan", "skip")]), "for the limits of plans"),
        (texts(&[("rate", "plan"), ("burst", "3")]), "plans have no burst"),
        (texts(&[("rate", "plan"), ("algorithm", "sliding_window")]), "not kept by sliding"),
        (texts(&[("rate", "1/s"), ("store", "redis")]), "no `stores.redis`"),
        (texts(&[("rate", "1/s"), ("batch", "3")]), "for `store: redis`"),
        (Node::map([("rate", list(&["1/s", "2/s"]))]), "same window"),
        (Node::map([("rate", list(&[]))]), "no limit"),
        (Node::map([("rate", Value::plain("1/s").into()), ("cost", list(&[]))]), "a cost"),
        (Node::map::<&str>([]), "rate"),
    ] {
        let told = bench().mistakes("rate_limit", node.clone());
        assert!(told.contains(expected), "{node:?}: {told}");
    }
}

#[test]
fn nothing_is_allocated() {
    for node in ["1000000/s per client_ip", "1000000/s per header:X-Tenant, {path}"] {
        let filter = built("rate_limit", node);
        let prepare = |exchange: &mut portunus_exchange::Exchange| {
            exchange.request.set_path(b"/orders");
            exchange.request.headers.append(b"X-Tenant", b"acme");
            exchange.client.ip = "2001:db8::7".parse().unwrap();
        };
        assert_eq!(allocations(&*filter, prepare), 0, "{node}");
    }
    let filter = built("rate_limit", "plan");
    let rate = Rate { count: 1_000_000, window: Duration::from_secs(1) };
    let ann = identity("ann", &[rate, Rate { window: Duration::from_secs(60), ..rate }], &[]);
    let prepare =
        |exchange: &mut portunus_exchange::Exchange| exchange.identity = Some(Arc::clone(&ann));
    assert_eq!(allocations(&*filter, prepare), 0);
}

#[test]
#[ignore = "prints how long it takes"]
fn how_long_it_takes() {
    use portunus_base::{Clock, SystemClock};
    for node in ["1000000/s", "1000000/s per client_ip", "1000000/s per header:X-Tenant"] {
        let filter = built("rate_limit", node);
        let (mut rig, mut exchange) = (Rig::new(), exchange("GET /"));
        exchange.request.headers.append(b"X-Tenant", b"acme");
        let start = SystemClock.mono();
        for at in 0..1_000_000 {
            exchange.response_extra.clear();
            rig.now = Mono(at);
            let mut cx = rig.cx();
            cx.notes = None;
            let _ = filter.on_request(&mut exchange, &mut cx);
        }
        println!("{node}: {} ns", SystemClock.mono().since_us(start) / 1000);
    }
}
