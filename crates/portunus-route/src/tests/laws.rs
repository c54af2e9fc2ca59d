//! Laws that hold for all rules and requests.

use std::cmp::Reverse;
use std::net::IpAddr;

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::path::{Kind, Segment};

/// A rule before it has an id.
#[derive(Clone, Debug)]
struct Draft {
    host: String,
    path: String,
    conditions: Vec<&'static str>,
}

fn path_text() -> impl Strategy<Value = String> {
    let segment = select(&["a", "b", "{x}", "{}"][..]);
    let end = select(&["", "", "/", "/**", "/**"][..]);
    let plain = (prop::collection::vec(segment, 0..4), end).prop_map(|(segments, end)| {
        let mut path = String::new();
        for (at, segment) in segments.iter().enumerate() {
            path.push('/');
            path.push_str(
                &segment.replace("{x}", &format!("{{x{at}}}")).replace("{}", &format!("{{y{at}}}")),
            );
        }
        path.push_str(end);
        if path.is_empty() { "/".to_owned() } else { path }
    });
    let regex = select(&["~ /.*", "~ /a/.*", "~ /(?<n>a|b)", "~ .*b"][..]).prop_map(str::to_owned);
    prop_oneof![4 => plain, 1 => regex]
}

/// The kind of a condition.
fn kind(text: &&'static str) -> &'static str {
    text.split_once(' ').map_or("methods", |(place, _)| place)
}

fn draft() -> impl Strategy<Value = Draft> {
    let host = select(&["h.a", "g.h.a", "*.h.a", "*.a", "*"][..]);
    let condition = select(
        &[
            "GET",
            "HEAD",
            "GET,POST",
            "PURGE",
            "header x: 1",
            "header x",
            "header x: !",
            "query q: 1",
            "cookie c: ~ [0-9]",
            "from 10.0.0.0/8",
            "from 10.0.0.0/31",
            "listener 0",
            "listener 1",
        ][..],
    );
    (host, path_text(), prop::collection::vec(condition, 0..3)).prop_map(
        |(host, path, mut conditions)| {
            // At most one of listeners and one of methods, as in the configuration.
            let once = ["listener", "methods"];
            conditions.sort_by_key(kind);
            conditions.dedup_by(|a, b| kind(a) == kind(b) && once.contains(&kind(a)));
            Draft { host: host.to_owned(), path, conditions }
        },
    )
}

/// Rules with ids in order, without those that conflict with an earlier one.
fn rules() -> impl Strategy<Value = Vec<RouteRule>> {
    prop::collection::vec(draft(), 0..24).prop_map(|drafts| {
        let number = |(id, draft): (usize, &Draft)| {
            rule(id as u32, &draft.host, &draft.path, &draft.conditions)
        };
        let mut rules: Vec<_> = drafts.iter().enumerate().map(number).collect();
        let mut builder = RouterBuilder::new();
        rules.iter().for_each(|rule| builder.add(rule.clone()));
        for conflict in builder.build().err().unwrap_or_default() {
            rules.retain(|rule| rule.id != conflict.second);
        }
        rules
    })
}

fn asked() -> impl Strategy<Value = (RequestHead, ConnectionFacts)> {
    let method = select(&["GET", "HEAD", "POST", "PURGE"][..]);
    let host = select(&["h.a", "g.h.a", "f.g.h.a", "a", "x"][..]);
    let path = prop::collection::vec(select(&["a", "b", "c", ""][..]), 1..5);
    let text = (method, host, path, select(&["", "?q=1", "?q=2"][..]));
    let line = text.prop_map(|(method, host, path, query)| {
        format!("{method} {host}/{}{query}", path.join("/"))
    });
    let header = select(&[None, Some("1"), Some("2")][..]);
    (line, header, any::<bool>(), 0..2u32, 0..3u8).prop_map(
        |(line, header, cookie, listener, last)| {
            let mut request = request(&line);
            if let Some(value) = header {
                request.headers.append(b"X", value.as_bytes());
            }
            if cookie {
                request.headers.append(b"Cookie", b"b=x; c=5");
            }
            let client_ip = IpAddr::from([10, 0, 0, last]);
            (request, ConnectionFacts { listener: ListenerId(listener), client_ip })
        },
    )
}

/// How far a host pattern is from a host; the smallest wins.
fn host_rank(pattern: &HostPattern, host: &str) -> Option<(u8, Reverse<usize>)> {
    match pattern {
        HostPattern::Exact(name) => (name == host).then_some((0, Reverse(0))),
        HostPattern::Wildcard(suffix) => {
            host.ends_with(&format!(".{suffix}")).then_some((1, Reverse(suffix.len())))
        }
        HostPattern::Any => Some((2, Reverse(0))),
    }
}

/// The rank of a path that matches, by trying each segment; the smallest wins. `group` orders
/// regexes.
fn path_rank(pattern: &PathPattern, path: &str, group: u32) -> Option<(u8, u32, Vec<u8>)> {
    let (segments, rest) = match pattern.kind() {
        Kind::Regex(regex) => return regex.is_match(path.as_bytes()).then_some((1, group, vec![])),
        Kind::Segments { segments, rest } => (segments, *rest),
    };
    let given: Vec<_> = path.split('/').skip(1).collect();
    let fits = if rest { given.len() >= segments.len() } else { given.len() == segments.len() };
    let each = segments.iter().zip(&given).all(|(segment, text)| match segment {
        Segment::Literal(literal) => **literal == *text.as_bytes(),
        Segment::Param(_) => !text.is_empty(),
    });
    let kinds = segments.iter().map(|segment| u8::from(matches!(segment, Segment::Param(_))));
    let kinds = kinds.chain(rest.then_some(2)).collect();
    (fits && each).then_some((if rest { 2 } else { 0 }, 0, kinds))
}

/// What the documentation says, by a scan of all rules.
fn reference(
    rules: &[RouteRule],
    request: &RequestHead,
    connection: &ConnectionFacts,
) -> Option<RouteId> {
    let host = std::str::from_utf8(request.host()).unwrap();
    let path = std::str::from_utf8(request.path()).unwrap();
    let on_listener = |rule: &&RouteRule| {
        let listeners = rule.conditions.iter().filter(|c| matches!(c, Condition::Listeners(_)));
        listeners.into_iter().all(|condition| condition.holds(request, connection))
    };
    let served = rules.iter().filter(on_listener);
    let best_host = served.filter_map(|rule| host_rank(&rule.host, host)).min()?;
    let of_host: Vec<_> =
        rules.iter().filter(|rule| host_rank(&rule.host, host) == Some(best_host)).collect();
    let rank = |rule: &&&RouteRule| {
        let same = |other: &&&RouteRule| other.path.shape() == rule.path.shape();
        let group = of_host.iter().filter(same).map(|rule| rule.id.0).min()?;
        let mut distinct = rule.conditions.clone();
        distinct.sort();
        distinct.dedup();
        let head_alone = distinct.iter().any(
            |condition| matches!(condition, Condition::Methods(set) if set.names().eq(["HEAD"])),
        );
        let path = path_rank(&rule.path, path, group)?;
        Some((path, Reverse(distinct.len()), !head_alone, rule.id))
    };
    let holds = |rule: &&&RouteRule| rule.conditions.iter().all(|c| c.holds(request, connection));
    let matching = of_host.iter().filter(holds).filter_map(|rule| rank(&rule));
    matching.min().map(|(.., id)| id)
}

fn find_on(
    router: &Router,
    request: &RequestHead,
    connection: &ConnectionFacts,
) -> Result<RouteId, Missed> {
    router.find(request, connection, &mut Params::default(), &mut NoRecorder)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn the_router_agrees_with_a_scan_of_all_rules(
        rules in rules(),
        asked in prop::collection::vec(asked(), 8),
    ) {
        let router = router(rules.clone());
        for (request, connection) in &asked {
            let mut params = Params::default();
            let found = router.find(request, connection, &mut params, &mut NoRecorder);
            prop_assert_eq!(found.clone().ok(), reference(&rules, request, connection));
            if let Ok(id) = &found {
                let paths = rules.iter().filter(|rule| rule.id == *id);
                let names: Vec<_> = paths.flat_map(|rule| rule.path.names()).collect();
                prop_assert_eq!(params.iter().count(), names.len());
                prop_assert!(names.iter().all(|name| params.value(name).is_some()));
            }
        }
    }

    #[test]
    fn telling_changes_nothing(rules in rules(), (request, connection) in asked()) {
        let router = router(rules);
        let (mut trace, mut params) = (Trace::default(), Params::default());
        let told = router.find(&request, &connection, &mut params, &mut trace);
        let found = router.find(&request, &connection, &mut params, &mut NoRecorder);
        prop_assert_eq!(&told, &found);
        let won = trace.events.iter().find(|event| matches!(event, Event::Won { .. }));
        prop_assert_eq!(won.and_then(Event::route), found.ok());
    }

    #[test]
    fn the_order_of_adding_does_not_matter(
        rules in rules(),
        seed in any::<u64>(),
        (request, connection) in asked(),
    ) {
        let straight = router(rules.clone());
        let mut shuffled = rules;
        let mut rng = portunus_base::Rng::seeded(seed);
        shuffled.sort_by_cached_key(|_| rng.u64());
        let shuffled = router(shuffled);
        let find = |router: &Router| find_on(router, &request, &connection);
        prop_assert_eq!(find(&straight), find(&shuffled));
        prop_assert_eq!(straight.shadowed(), shuffled.shadowed());
    }

    #[test]
    fn rules_of_other_hosts_do_not_matter(
        rules in rules(),
        path in path_text(),
        (request, connection) in asked(),
    ) {
        let find = |router: &Router| find_on(router, &request, &connection);
        let before = find(&router(rules.clone()));
        let more = [
            rule(900, "other.test", &path, &[]),
            rule(901, "*.other.test", &path, &["GET"]),
        ];
        let after = find(&router(rules.into_iter().chain(more)));
        prop_assert_eq!(before, after);
    }

    #[test]
    fn a_shadowed_rule_never_wins(
        rules in rules(),
        asked in prop::collection::vec(asked(), 16),
    ) {
        let router = router(rules);
        let shadowed = router.shadowed();
        for (request, connection) in &asked {
            let found = find_on(&router, request, connection);
            prop_assert!(!shadowed.iter().any(|one| Ok(one.route) == found));
        }
    }

    #[test]
    fn a_405_is_cured_by_each_method_it_allows(rules in rules(), (request, connection) in asked()) {
        let router = router(rules);
        let find = |request: &RequestHead| find_on(&router, request, &connection);
        if let Err(missed) = find(&request) {
            for method in missed.methods.names() {
                let mut allowed = request.clone();
                allowed.set_method(method.as_bytes());
                prop_assert!(find(&allowed).is_ok(), "{method}");
            }
        }
    }

    #[test]
    fn any_text_is_read_or_refused(
        text in ".{0,40}",
        bytes in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        for result in [
            PathPattern::parse(&text).err(),
            PathPattern::parse(&format!("/{text}")).err(),
            HostPattern::parse(&text).err(),
            TextMatch::parse(&text).err(),
        ] {
            prop_assert!(result.is_none_or(|error| error.at <= text.len() + 1));
        }
        let router = router([rule(0, "*", "/a/{x}/**", &["header x: ~ .*", "query q: 1"])]);
        let mut odd = RequestHead::default();
        odd.set_authority(&bytes);
        odd.set_path(&bytes);
        odd.set_query(Some(&bytes));
        odd.headers.append(b"x", &bytes);
        let _ = find(&router, &odd);
    }
}

/// Counts as the hot path does: without going on after the winner.
#[derive(Default)]
struct Steps(usize);

impl Recorder for Steps {
    const ON: bool = false;

    fn record(&mut self, _event: impl FnOnce() -> Event) {}

    fn step(&mut self) {
        self.0 += 1;
    }
}

fn steps(router: &Router, line: &str) -> usize {
    let mut steps = Steps::default();
    router.find(&request(line), &connection(), &mut Params::default(), &mut steps).unwrap();
    steps.0
}

#[test]
fn ten_thousand_routes_take_the_steps_of_ten() {
    let hosts = |count: u32| {
        router((0..count).map(|id| {
            let (host, path) = (id / 10, id % 10);
            rule(id, &format!("h{host}.test"), &format!("/api/p{path}/{{id}}/**"), &[])
        }))
    };
    let paths = |count: u32| {
        let all = rule(count, "h0.test", "/**", &[]);
        router(
            (0..count).map(|id| rule(id, "h0.test", &format!("/api/p{id}/**"), &[])).chain([all]),
        )
    };
    let line = "GET h0.test/api/p7/5/x/y";
    assert_eq!(steps(&hosts(10), line), steps(&hosts(10_000), line));
    assert_eq!(steps(&paths(10), line), steps(&paths(10_000), line));
    assert_eq!(hosts(10).visits_max(), hosts(10_000).visits_max());
    assert_eq!(paths(10).visits_max(), paths(10_000).visits_max());
}

#[test]
fn going_back_is_bounded_by_the_tree() {
    // Each of the eight segments is a literal or a name: the most that one path can reach.
    let every = (0..256u32).map(|bits| {
        let segment =
            |at: u32| if bits & (1 << at) == 0 { "/a".to_owned() } else { format!("/{{n{at}}}") };
        let path: String = (0..8u32).map(segment).collect();
        rule(bits, "h", &path, &["header never"])
    });
    let router = router(every);
    assert_eq!(router.visits_max(), 511);
    let mut trace = Trace::default();
    let request = request("GET h/a/a/a/a/a/a/a/a");
    let _ = router.find(&request, &connection(), &mut Params::default(), &mut trace);
    assert_eq!(trace.steps, 1 + 511 + 256, "host, nodes, rules");
}
