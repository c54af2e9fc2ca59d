//! The rules of the crate's documentation, one by one.

use super::*;

#[test]
fn the_most_specific_host_is_chosen_and_final() {
    let router = router([
        rule(0, "*", "/**", &[]),
        rule(1, "*.a.test", "/**", &[]),
        rule(2, "*.b.a.test", "/**", &[]),
        rule(3, "x.b.a.test", "/only", &[]),
    ]);
    for (host, expected) in [
        ("x.b.a.test", Some(3)),
        ("X.B.A.test:8080", Some(3)),
        ("y.b.a.test", Some(2)),
        ("z.y.b.a.test", Some(2)),
        ("b.a.test", Some(1)),
        ("a.test", Some(0)),
        ("xa.test", Some(0)),
        ("other", Some(0)),
        ("", Some(0)),
    ] {
        assert_eq!(found(&router, &format!("GET {host}/only")), expected, "{host}");
    }
    assert_eq!(found(&router, "GET x.b.a.test/other"), None);
}

#[test]
fn a_host_counts_only_on_its_listeners() {
    let on = |listener| ConnectionFacts { listener: ListenerId(listener), ..connection() };
    let router = router([
        rule(0, "*", "/**", &[]),
        rule(1, "a.test", "/**", &["listener 1"]),
        rule(2, "b.test", "/x", &["listener 1"]),
        rule(3, "b.test", "/**", &[]),
    ]);
    let find = |line: &str, listener| {
        let request = request(line);
        router.find(&request, &on(listener), &mut Params::default(), &mut NoRecorder).ok()
    };
    assert_eq!(find("GET a.test/", 0), Some(RouteId(0)));
    assert_eq!(find("GET a.test/", 1), Some(RouteId(1)));
    assert_eq!(find("GET b.test/x", 0), Some(RouteId(3)));
    assert_eq!(find("GET b.test/x", 1), Some(RouteId(2)));
}

#[test]
fn the_most_specific_path_wins() {
    let router = router([
        rule(0, "*", "/**", &[]),
        rule(1, "*", "/api/**", &[]),
        rule(2, "*", "/api/users", &[]),
        rule(3, "*", "/api/{kind}", &[]),
        rule(4, "*", "/{area}/users", &[]),
        rule(5, "*", "/api/users/{id}/photo", &[]),
        rule(6, "*", "/api/{kind}/{id}/{part}", &[]),
        rule(7, "*", "~ /files/.*[.]png", &[]),
        rule(8, "*", "~ /(files|img)/.*", &[]),
        rule(9, "*", "/files/logo.png", &[]),
        rule(10, "*", "/files/**", &[]),
        rule(11, "*", "/api/users/", &[]),
    ]);
    for (path, expected) in [
        ("/", 0),
        ("/other", 0),
        ("/api", 1),
        ("/api/", 1),
        ("/api/users", 2),
        ("/api/users/", 11),
        ("/api/orders", 3),
        ("/web/users", 4),
        ("/web/orders", 0),
        ("/api/users/7", 1),
        ("/api/users/7/photo", 5),
        ("/api/users/7/name", 6),
        ("/api/users/7/name/x", 1),
        ("/files/a.png", 7),
        ("/files/a.txt", 8),
        ("/files/logo.png", 9),
        ("/files", 10),
        ("/img/x", 8),
        ("//", 0),
        ("/API", 0),
    ] {
        assert_eq!(found(&router, &format!("GET h{path}")), Some(expected), "{path}");
    }
}

#[test]
fn more_conditions_win_and_failing_ones_fall_back() {
    let router = router([
        rule(0, "*", "/**", &[]),
        rule(1, "*", "/s", &[]),
        rule(2, "*", "/s", &["header x-beta: 1"]),
        rule(3, "*", "/s", &["header x-beta: 1", "query v: 2"]),
        rule(4, "*", "/s", &["cookie c: 1"]),
        rule(5, "*", "/t", &["POST"]),
    ]);
    let mut beta = request("GET h/s?v=2");
    assert_eq!(find(&router, &beta), Ok(1));
    beta.headers.append(b"X-Beta", b"1");
    assert_eq!(find(&router, &beta), Ok(3));
    beta.set_query(None);
    assert_eq!(find(&router, &beta), Ok(2));
    beta.headers.append(b"Cookie", b"c=1");
    assert_eq!(find(&router, &beta), Ok(2), "a tie goes by written order");
    assert_eq!(found(&router, "POST h/t"), Some(5));
    assert_eq!(found(&router, "GET h/t"), Some(0), "a less specific path may match");
}

#[test]
fn head_goes_where_get_goes_unless_it_has_a_rule() {
    let rules = [rule(0, "*", "/", &["GET"]), rule(1, "*", "/", &["HEAD"])];
    assert_eq!(found(&router(rules.clone()), "HEAD h/"), Some(1));
    assert_eq!(found(&router(rules.clone()), "GET h/"), Some(0));
    assert_eq!(found(&router(rules.into_iter().take(1)), "HEAD h/"), Some(0));
}

#[test]
fn a_miss_says_why() {
    let router = router([
        rule(0, "a.test", "/x", &["GET"]),
        rule(1, "a.test", "/{any}", &["PURGE", "header x-a: 1"]),
        rule(2, "a.test", "~ /x", &["POST"]),
        rule(3, "a.test", "/y", &["header x-a: 1"]),
        rule(4, "a.test", "/z", &["listener 7"]),
    ]);
    let miss = |line: &str| find(&router, &request(line)).unwrap_err();
    assert_eq!(miss("GET b.test/x"), Missed::default());
    let missed = miss("DELETE a.test/x");
    assert!(missed.host_known && missed.path_known);
    assert_eq!(missed.methods.to_string(), "GET, HEAD, POST");
    assert_eq!(missed.to_string(), "a path fits, but only for the methods GET, HEAD, POST");
    let missed = miss("GET a.test/y");
    assert!(missed.path_known && missed.methods.is_empty());
    assert!(!miss("GET a.test/q/r").path_known);
    assert!(miss("GET a.test/z").path_known, "for `/{{any}}`, which fails by its header");
}

#[test]
fn a_path_of_another_listener_is_not_known() {
    let router = router([rule(0, "*", "/z", &["listener 7"]), rule(1, "*", "/y", &[])]);
    assert!(!find(&router, &request("GET h/z")).unwrap_err().path_known);
}

#[test]
fn targets_without_a_path_reach_the_rest_of_all() {
    let rest = router([rule(0, "*", "/**", &[]), rule(1, "*", "/", &[])]);
    let mut options = request("OPTIONS h/");
    options.set_path(b"*");
    assert_eq!(find(&rest, &options), Ok(0));
    options.set_path(b"");
    assert_eq!(find(&rest, &options), Ok(0));
}

#[test]
fn params_survive_a_rewrite_and_are_recycled() {
    let router = router([rule(0, "*", "/o/{id}/**", &[]), rule(1, "*", "/plain", &[])]);
    let mut params = Params::default();
    let mut get = request("GET h/o/7/a/b");
    router.find(&get, &connection(), &mut params, &mut NoRecorder).unwrap();
    get.set_path(b"/elsewhere");
    assert_eq!(params.value("id"), Some(&b"7"[..]));
    assert_eq!(params.value("rest"), Some(&b"a/b"[..]));
    assert_eq!(params.value("other"), None);
    get.set_path(b"/plain");
    router.find(&get, &connection(), &mut params, &mut NoRecorder).unwrap();
    assert!(params.is_empty());
}

#[test]
fn the_trace_tells_why_each_runner_up_lost() {
    let router = router([
        rule(0, "*", "/**", &[]),
        rule(1, "h", "/**", &[]),
        rule(2, "h", "/s", &["header x-beta: 1"]),
        rule(3, "h", "/s", &["header x-a"]),
        rule(4, "h", "/s", &["header x-a", "query v: 2"]),
        rule(5, "h", "/s", &[]),
        rule(6, "h", "~ /s", &[]),
        rule(7, "h", "/s", &["cookie c: !"]),
    ]);
    let mut get = request("GET h/s?v=1");
    get.headers.append(b"X-A", b"1");
    let mut trace = Trace::default();
    router.find(&get, &connection(), &mut Params::default(), &mut trace).unwrap();
    let lines: Vec<_> = trace.events.iter().map(Event::to_string).collect();
    assert_eq!(
        lines,
        [
            "host `h`",
            "route 4 lost: query v is `1`, wanted `2`",
            "route 2 lost: header x-beta is absent, wanted `1`",
            "route 3 won: path `/s`",
            "route 7 lost: path `/s` matches too, but route 3 is written earlier",
            "route 5 lost: path `/s` matches too, but route 3 has more conditions",
            "route 1 lost: path `/**` matches too, but route 3 has a more specific path",
            "route 6 lost: path `~ /s` matches too, but route 3 has a more specific path",
        ]
    );
    assert!(trace.steps > 0);
    let mut trace = Trace::default();
    let _ = router.find(&request("GET h/s"), &connection(), &mut Params::default(), &mut trace);
    assert_eq!(trace.events.iter().filter_map(Event::route).count(), 7);
}

#[test]
fn a_miss_is_traced() {
    let router = router([rule(0, "h", "/s", &["listener 9"])]);
    let mut trace = Trace::default();
    let found = router.find(&request("GET h/s"), &connection(), &mut Params::default(), &mut trace);
    assert_eq!(found, Err(Missed::default()));
    let lines: Vec<_> = trace.events.iter().map(Event::to_string).collect();
    assert_eq!(lines, ["host `h` is not on this listener", "no host fits"]);
}

#[test]
fn rules_that_cannot_be_told_apart_conflict() {
    let mut builder = RouterBuilder::new();
    for rule in [
        rule(3, "h", "/o/{id}", &["GET", "header x: 1"]),
        rule(1, "H", "/o/{name}", &["header X: 1", "GET,HEAD"]),
        rule(2, "h", "~ /x", &[]),
        rule(4, "h", "~  /x", &[]),
        rule(5, "h", "/same", &[]),
        rule(5, "h", "/same", &[]),
        rule(6, "h", "/same", &["GET"]),
    ] {
        builder.add(rule);
    }
    let conflicts = builder.build().unwrap_err();
    let lines: Vec<_> = conflicts.iter().map(Conflict::to_string).collect();
    assert_eq!(
        lines,
        [
            "routes 1 and 3 match the same requests: host `h`, path `/o/{id}`",
            "routes 2 and 4 match the same requests: host `h`, path `~  /x`",
        ]
    );
}

#[test]
fn rules_that_are_never_reached_are_named() {
    let router = router([
        rule(0, "h", "/a", &["GET,PUT"]),
        rule(1, "h", "/a", &["PUT"]),
        rule(2, "h", "/b", &["header x"]),
        rule(3, "h", "/b", &["header x: 1"]),
        rule(4, "h", "/c", &["header x: 1"]),
        rule(5, "h", "/c", &["header x"]),
        rule(6, "h", "/d/**", &["from 10.0.0.0/8"]),
        rule(7, "h", "/d/**", &["from 10.1.0.0/16"]),
        rule(8, "h", "/d", &["from 10.1.0.0/16"]),
    ]);
    let lines: Vec<_> = router.shadowed().iter().map(Shadowed::to_string).collect();
    assert_eq!(
        lines,
        [
            "route 1 is never reached: route 0 takes its requests",
            "route 3 is never reached: route 2 takes its requests",
            "route 7 is never reached: route 6 takes its requests",
        ]
    );
}
