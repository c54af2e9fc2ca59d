use std::sync::Arc;

use portunus_base::{ListenerId, UpstreamId};
use portunus_config::{Env, load_text};
use portunus_filter::Filter;
use portunus_snapshot::{Destination, Route};

use crate::tests::{Process, golden, mistakes};
use crate::{Compiled, HealthAsk, Source, difference};

#[test]
fn all_mistakes_are_found_at_once_and_located() {
    let found = mistakes(
        r##"
listeners:
  edge: {address: "127.0.0.1:0", proxy_protocol: required}
filters:
  ip: [request_id]
  guard: [{limits: {body_max: 1}}]
  unused: [{rewrite: {strp: "/{id}"}}, guard]
log: {access: {format: "{client.ipp}"}}
upstreams:
  a:b: http://10.0.0.1
  orders: {endpoints: http://10.0.0.1, balance: round_robbin}
  found: {discover: {dnss: x:1}}
  both: {endpoints: http://10.0.0.1, discover: {dns: {nam: "x:80"}}}
hosts:
  a.test:
    use: [requst_id, guard]
    routes:
      /orders/{order id}: http://10.0.0.1
      /x/**/y: http://10.0.0.1
      "~ /v[0-9+/x": http://10.0.0.1
      /re/{id}: {use: [{rewrite: "/{idd}"}], to: http://10.0.0.1}
      /list: [http://10.0.0.1, http://10.0.0.2, http://10.0.0.1]
      /when:
        - {when: {header: {"x y": a, x-b: "~ ("}, method: GET}, methods: [PUT], to: orders}
        - {to: ordrs}
      /auth: {use: [{forward_auth: authx/verify}], to: orders}
      /old: {redirect: {to: new, status: 200}}
"##,
    );
    golden!("all_mistakes", found);
}

#[test]
fn mistakes_of_filters_are_found_beside_those_of_the_loader() {
    let found = mistakes(
        r##"
listeners:
  web: {address: nowhere}
  edge: {address: "127.0.0.1:0", proxy_protocol: required}
trusted_proxies: [everybody]
filters:
  members: [{a: 1, b: 2}, {limits: {body_max: 1}}]
log: {level: loud}
upstreams:
  orders: {endpoints: ftp://10.0.0.1, balance: round_robbin}
hosts:
  a.test:
    listeners: [web]
    use: [members, requst_id]
    routes:
      /a: {use: [{rewrite: {strp: /a}}], to: orders, timeouts: {request: 5}}
      /b: {to: nowhere, respond: {status: 99}}
      /c/{id: {tto: orders}
      /d: {use: [{redirekt: /x}], to: {orders: x}}
      /e:
        - {when: {header: 1}, to: orders}
        - {when: {query: {a: "~ ("}}, to: orders}
        - {methods: [[]], to: orders}
        - {to: orders}
      /f: {use: [request_id], to: http://10.0.0.1/x}
      /g: {use: [{forward_auth: orders/verify}], to: [orders]}
      /h: [{when: {cookie: 1}, redirect: /x}, {when: {query: 1}, redirect: /y}]
      /i: {use: [[]]}
"##,
    );
    golden!("mistakes_of_all_layers", found);
}

#[test]
fn routes_that_cannot_be_told_apart_are_errors_and_hidden_ones_warnings() {
    let found = mistakes(
        "
hosts:
  a.test:
    routes:
      /x/{id}: http://10.0.0.1
      /x/{name}: http://10.0.0.2
      /y:
        - {when: {header: {a: b}}, to: http://10.0.0.1}
        - {when: {header: {A: b}}, to: http://10.0.0.2}
",
    );
    golden!("conflicts", found);
    let (compiled, found) = Process::new().try_load(
        "
hosts:
  a.test:
    routes:
      /z:
        - {when: {header: {a: '*'}}, to: http://10.0.0.1}
        - {when: {header: {a: b}}, to: http://10.0.0.2}
",
        None,
    );
    assert!(compiled.is_some());
    golden!("shadowed", found);
}

fn route<'c>(compiled: &'c Compiled, name: &str) -> &'c Arc<Route> {
    let routes = &compiled.snapshot.routes;
    routes.iter().find(|route| &*route.name == name).unwrap()
}

/// The addresses of the filters of a route.
fn filters(compiled: &Compiled, name: &str) -> Vec<*const dyn Filter> {
    let chain = &route(compiled, name).chain;
    chain.links().iter().map(|link| Arc::as_ptr(&link.filter)).collect()
}

#[test]
fn what_the_loader_reports_is_not_reported_again() {
    let text = "hosts: {a.test: {listeners: [no], routes: {/a: nobody, /b: http://10.0.0.1}}}";
    let loaded = load_text("portunus.yaml", text, &Env::default());
    assert_eq!(loaded.diagnostics.len(), 2);
    let (compiled, found) = Process::new().compile(&loaded, None);
    assert!(compiled.is_none() && found.is_empty());
}

#[test]
fn what_no_request_reaches_is_warned_of() {
    let (compiled, found) = Process::new().try_load(
        "
hosts:
  a.test:
    routes:
      /a: {use: [{respond: a}, request_id], to: http://10.0.0.1}
      /b: {use: [{redirect: /a}], to: http://10.0.0.1}
      /c: {use: [{respond: c}, {error_pages: {pages: {404: c}}}]}
      /d: {use: [request_id]}
",
        None,
    );
    assert!(compiled.is_some());
    golden!("unreached", found);
}

#[test]
fn written_and_found_endpoints_may_stand_together() {
    let compiled = Process::new().load(
        "upstreams: {a: {endpoints: http://10.0.0.1, discover: {dns: 'a.test:80'}}, b: {discover: {dns: 'b.test:80'}}}",
        None,
    );
    let provider = |at: usize| match &compiled.upstreams[at].source {
        Source::Provider(plan) => portunus_spec::yaml::inline(&plan.write()),
        other => panic!("{other:?}"),
    };
    assert!(provider(0).contains("10.0.0.1") && provider(0).contains("a.test:80"));
    assert_eq!(provider(1), "{dns: {name: b.test:80}}");
}

#[test]
fn an_empty_configuration_listens_and_serves_nothing() {
    let compiled = Process::new().load("", None);
    let [listener] = compiled.listeners.as_slice() else { panic!("{:?}", compiled.listeners) };
    assert_eq!(
        (listener.name.as_str(), listener.address.to_string().as_str()),
        ("web", "[::]:8080")
    );
    assert!(compiled.snapshot.listener(ListenerId(0)).is_some());
    assert!(compiled.snapshot.router.is_empty());
    assert_eq!(compiled.snapshot.generation, 1);
}

#[test]
fn urls_stand_for_upstreams_that_equal_ones_share() {
    let compiled = Process::new().load(
        "
zone: a
hosts:
  a.test:
    routes:
      /1: http://users:8080
      /2: [http://10.0.0.1, http://10.0.0.2]
      /3: {to: {http://users:8080: 95, named: 5}, mirror: {to: http://users:8080, share: 10%}}
upstreams: {named: [http://10.0.0.1, {url: http://b.test, weight: 3, zone: z, backup: true}]}
",
        None,
    );
    let names: Vec<_> = compiled.upstreams.iter().map(|one| &*one.upstream.plan.name).collect();
    assert_eq!(names, ["named", "http://users:8080", "http://10.0.0.1:80,http://10.0.0.2:80"]);
    assert_eq!(compiled.upstreams[1].upstream.plan.zone.as_deref(), Some("a"));
    let Source::Resolve(named) = &compiled.upstreams[0].source else { panic!("a name is there") };
    let facts = |input: &portunus_discovery::EndpointInput| {
        (input.name.clone(), input.authority.clone(), input.weight, input.backup)
    };
    assert_eq!(facts(&named[0]), ("http://10.0.0.1:80".into(), "10.0.0.1".into(), 1, false));
    assert_eq!(facts(&named[1]), ("http://b.test:80".into(), "b.test".into(), 3, true));
    assert!(matches!(&compiled.upstreams[2].source, Source::Fixed(all) if all.len() == 2));
    let Destination::Split(split) = &route(&compiled, "a.test/3").destination else { panic!() };
    let users = compiled.upstreams[1].upstream.plan.id;
    assert_eq!(split.weights().collect::<Vec<_>>(), [(users, 95), (UpstreamId(0), 5)]);
    assert_eq!(route(&compiled, "a.test/1").destination, Destination::Upstream(users));
    let mirror = route(&compiled, "a.test/3").mirror.unwrap();
    assert_eq!((mirror.upstream, mirror.share), (users, 0.1));
}

#[test]
fn settings_reach_the_plans() {
    let compiled = Process::new().load(
        "
workers: 4
listeners:
  web: {address: ':80', limits: {connections_max: 10, line_max: 4KiB}, timeouts: {linger: 1s}}
log: {access: off}
upstreams:
  a:
    endpoints: http://10.0.0.1
    health: {path: /up, every: 1s, status: [2xx, 404]}
    limits: {idle_max: 3}
    timeouts: {connect: 1s}
hosts:
  a.test: {routes: {/: {to: a, retry: {attempts: 3, on: [first_byte, 503]}, upgrade: false}}}
",
        None,
    );
    let listener = compiled.snapshot.listener(ListenerId(0)).unwrap();
    assert_eq!((listener.connections_max, listener.limits.line_bytes_max), (Some(3), 4096));
    assert_eq!(listener.timeouts.linger.as_secs(), 1);
    assert!(compiled.snapshot.access_log.is_none());
    let source = &compiled.upstreams[0];
    let plan = &source.upstream.plan;
    assert_eq!((plan.pool_idle_max, plan.connect_timeout.as_secs()), (3, 1));
    let HealthAsk::Http(ask) = &source.health.as_ref().unwrap().ask else { panic!("no path") };
    assert_eq!(
        [200, 299, 404, 403, 500].map(|status| ask.is_good(status)),
        [true, true, true, false, false]
    );
    let route = route(&compiled, "a.test/");
    assert!(!route.upgrade && route.retry.on.first_byte && !route.retry.on.connect);
    assert_eq!((route.retry.attempts, &*route.retry.on.statuses), (2, &[503][..]));
}

#[test]
fn filters_of_hosts_and_chains_are_shared_unless_they_use_the_path() {
    let compiled = Process::new().load(
        "
filters:
  both: [{headers: {request: {set: {x-a: '{id}'}}}}, request_id]
hosts:
  a.test:
    use: [request_id, both]
    routes:
      /a/{id}: {use: [request_id], to: http://10.0.0.1}
      /b/{id}/{more}: {use: [request_id], to: http://10.0.0.1}
      /c/{key}/{id}: {use: [{headers: {request: {set: {x-k: '{key}'}}}}], to: http://10.0.0.1}
",
        None,
    );
    let [a, b, c] = ["a.test/a/{id}", "a.test/b/{id}/{more}", "a.test/c/{key}/{id}"]
        .map(|name| filters(&compiled, name));
    for (a, others) in a.iter().zip(b.iter().zip(&c)).take(3) {
        assert!(std::ptr::addr_eq(*a, *others.0) && std::ptr::addr_eq(*a, *others.1));
    }
    assert!(!std::ptr::addr_eq(a[0], a[2]), "the host and the chain have their own");
    assert!(!std::ptr::addr_eq(a[3], b[3]), "each route has its own");
}

const SHOP: &str = "
filters:
  base: [{headers: {request: {set: {x-base: '1'}}}}]
  rare: [{headers: {request: {set: {x-rare: '1'}}}}]
hosts:
  a.test:
    use: [request_id]
    routes:
      /a: {use: [base], to: orders}
      /b: {use: [rare], to: http://10.0.0.9}
      /c/{id}: {use: [{rewrite: '/{id}'}], to: orders}
upstreams:
  orders: {endpoints: http://10.0.0.1, timeouts: {connect: 2s}}
  users: http://10.0.0.2
";

/// The shop, loaded, and loaded again with edits.
fn reload(edits: &[(&str, &str)]) -> (Compiled, Compiled) {
    let process = Process::new();
    let old = process.load(SHOP, None);
    let text = edits.iter().fold(SHOP.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    let new = process.load(&text, Some(&old));
    (old, new)
}

#[test]
fn an_unchanged_configuration_keeps_everything() {
    let (old, new) = reload(&[]);
    assert_eq!(new.snapshot.generation, 2);
    for (old, new) in old.snapshot.routes.iter().zip(&new.snapshot.routes) {
        assert!(Arc::ptr_eq(old, new), "{}", new.name);
    }
    assert!(new.upstreams.iter().all(|source| source.kept));
    for (old, new) in old.snapshot.upstreams.iter().zip(&new.snapshot.upstreams) {
        assert!(Arc::ptr_eq(old.as_ref().unwrap(), new.as_ref().unwrap()));
    }
    let listeners = old.snapshot.listeners.iter().zip(&new.snapshot.listeners);
    for (old, new) in listeners {
        assert!(Arc::ptr_eq(old.as_ref().unwrap(), new.as_ref().unwrap()));
    }
    assert!(difference(Some(&old), &new).is_empty());
}

#[test]
fn a_changed_chain_changes_its_users_only() {
    let (old, new) = reload(&[("x-rare: '1'", "x-rare: '2'")]);
    let kept = |name| Arc::ptr_eq(route(&old, name), route(&new, name));
    assert_eq!(["a.test/a", "a.test/b", "a.test/c/{id}"].map(kept), [true, false, true]);
    let (before, after) = (filters(&old, "a.test/b"), filters(&new, "a.test/b"));
    assert!(std::ptr::addr_eq(before[0], after[0]), "the host's filter is the same");
    assert!(!std::ptr::addr_eq(before[1], after[1]));
    let change = difference(Some(&old), &new);
    assert_eq!(change.routes.to_string(), "1 changed (a.test/b), 2 kept");
    assert!(change.upstreams.is_empty() && change.listeners.is_empty());
}

#[test]
fn a_route_with_another_id_keeps_its_filters() {
    let (old, new) = reload(&[("/a: {use", "/0: http://10.0.0.9\n      /a: {use")]);
    for name in ["a.test/a", "a.test/b", "a.test/c/{id}"] {
        assert!(!Arc::ptr_eq(route(&old, name), route(&new, name)));
        assert_eq!(route(&new, name).id.0, route(&old, name).id.0 + 1);
        assert_eq!(route(&new, name).series, route(&old, name).series);
        let pairs = filters(&old, name).into_iter().zip(filters(&new, name));
        assert!(pairs.into_iter().all(|(old, new)| std::ptr::addr_eq(old, new)), "{name}");
    }
    assert_eq!(difference(Some(&old), &new).routes.to_string(), "1 added (a.test/0), 3 kept");
}

#[test]
fn a_part_of_the_path_that_a_filter_uses_belongs_to_it() {
    let (old, new) = reload(&[("/c/{id}", "/c/{key}"), ("'/{id}'", "'/{key}'")]);
    assert_eq!(
        difference(Some(&old), &new).routes.to_string(),
        "1 added (a.test/c/{key}), 1 removed (a.test/c/{id}), 2 kept"
    );
}

#[test]
fn an_upstream_is_kept_while_its_plan_is_the_same() {
    let (old, new) = reload(&[("connect: 2s", "connect: 3s"), ("  users: http://10.0.0.2\n", "")]);
    let by_name = |compiled: &Compiled, name: &str| {
        let all = compiled.upstreams.iter();
        all.clone().find(|source| &*source.upstream.plan.name == name).cloned()
    };
    let (before, after) = (by_name(&old, "orders").unwrap(), by_name(&new, "orders").unwrap());
    assert!(!after.kept && !Arc::ptr_eq(&before.upstream, &after.upstream));
    assert_eq!(before.upstream.plan.id, after.upstream.plan.id);
    assert!(by_name(&new, "http://10.0.0.9:80").unwrap().kept);
    assert!(Arc::ptr_eq(route(&old, "a.test/a"), route(&new, "a.test/a")), "ids are stable");
    let gone = by_name(&old, "users").unwrap().upstream.plan.id;
    assert!(new.snapshot.upstream(gone).is_none());
    assert_eq!(
        difference(Some(&old), &new).upstreams.to_string(),
        "1 removed (users), 1 changed (orders), 1 kept"
    );
}

#[test]
fn other_endpoints_change_the_source_and_not_the_upstream() {
    let (old, new) = reload(&[("endpoints: http://10.0.0.1", "endpoints: http://10.0.0.7")]);
    let (before, after) = (&old.upstreams[0], &new.upstreams[0]);
    assert!(after.kept && Arc::ptr_eq(&before.upstream, &after.upstream));
    assert_ne!(before.source, after.source);
    assert_eq!(difference(Some(&old), &new).upstreams.changed, ["orders"]);
}

#[test]
fn listeners_keep_their_ids_and_never_get_those_of_others() {
    let process = Process::new();
    let ids = |compiled: &Compiled| {
        let listeners = compiled.listeners.iter();
        listeners.map(|one| (one.name.clone(), one.id.0)).collect::<Vec<_>>()
    };
    let first = process.load("listeners: {a: ':1', b: ':2'}", None);
    let second = process.load("listeners: {c: ':3', b: ':2'}", Some(&first));
    let third = process.load("listeners: {a: ':9'}", Some(&second));
    assert_eq!(ids(&second), [("c".into(), 2), ("b".into(), 1)]);
    assert_eq!(ids(&third), [("a".into(), 0)]);
    assert!(second.snapshot.listeners[0].is_none());
    assert_eq!(
        difference(Some(&first), &second).listeners.to_string(),
        "1 added (c), 1 removed (a), 1 kept"
    );
    assert_eq!(difference(Some(&third), &third).listeners.to_string(), "1 kept");
}

#[test]
fn a_filter_whose_files_changed_is_built_again() {
    let process = Process::new();
    let text = "
hosts:
  a.test:
    routes:
      /a: {use: [{error_pages: {pages: {404: {file: 404.html}}}}], to: http://10.0.0.1}
      /b: {use: [request_id], to: http://10.0.0.1}
";
    process.files.borrow_mut().insert("404.html", "gone");
    let old = process.load(text, None);
    let same = process.load(text, Some(&old));
    assert!(Arc::ptr_eq(route(&old, "a.test/a"), route(&same, "a.test/a")));
    process.files.borrow_mut().insert("404.html", "not here");
    let new = process.load(text, Some(&same));
    assert_eq!(difference(Some(&same), &new).routes.to_string(), "1 changed (a.test/a), 1 kept");
}

#[test]
fn a_filter_with_a_warning_is_kept_and_warns_again() {
    let process = Process::new();
    let text = "hosts: {a.test: {routes: {/a: {respond: 404}}}}";
    let (old, first) = process.try_load(text, None);
    let old = old.unwrap();
    let (new, second) = process.try_load(text, Some(&old));
    assert!(Arc::ptr_eq(route(&old, "a.test/a"), route(&new.unwrap(), "a.test/a")));
    assert!(first.contains("warning: this answers 200") && first == second, "{second}");
}

#[test]
fn a_refused_configuration_takes_no_series() {
    let process = Process::new();
    let text = "hosts: {a.test: {routes: {/a: {use: [nothing], to: http://10.0.0.1}}}}";
    assert!(process.try_load(text, None).0.is_none());
    let totals = process.metrics.snapshot();
    assert!(totals.routes.is_empty() && totals.upstreams.is_empty() && totals.listeners.is_empty());
}

#[test]
fn a_filter_that_asks_an_upstream_brings_it_along_over_reloads() {
    let process = Process::new();
    let text = "hosts: {a.test: {routes: {/a: {use: [{forward_auth: 'http://10.0.0.5/check'}], to: http://10.0.0.1}}}}";
    let old = process.load(text, None);
    let new = process.load(text, Some(&old));
    let names: Vec<_> = new.upstreams.iter().map(|one| &*one.upstream.plan.name).collect();
    assert_eq!(names, ["http://10.0.0.5:80", "http://10.0.0.1:80"]);
    assert!(Arc::ptr_eq(route(&old, "a.test/a"), route(&new, "a.test/a")));
}

fn names(compiled: &Compiled, route_name: &str) -> Vec<&'static str> {
    route(compiled, route_name).chain.links().iter().map(|link| link.name).collect()
}

#[test]
fn hosts_with_certificates_are_sent_to_https_unless_told_otherwise() {
    let compiled = Process::new().load(
        "
acme: {email: ops@example.com, domains: [a.test, '*.b.test'], challenge: dns-01, dns: {rfc2136: {server: 192.0.2.1}}}
hosts:
  a.test: {use: [request_id], hsts: 365d, routes: {/: http://10.0.0.1}}
  x.b.test: {routes: {/: http://10.0.0.1}}
  c.test: {routes: {/: http://10.0.0.1}}
  x.y.b.test: {routes: {/: http://10.0.0.1}}
  y.b.test: {redirect_https: false, routes: {/: http://10.0.0.1}}
  plain.b.test: {listeners: web, routes: {/: http://10.0.0.1}}
  '*': {redirect_https: 302, routes: {/: http://10.0.0.1}}
",
        None,
    );
    let bound: Vec<_> =
        compiled.listeners.iter().map(|one| (one.name.as_str(), one.https)).collect();
    assert_eq!(bound, [("web", false), ("secure", true)]);
    assert_eq!(names(&compiled, "a.test/"), ["hsts", "redirect_https", "request_id"]);
    assert_eq!(names(&compiled, "x.b.test/"), ["redirect_https"]);
    assert_eq!(names(&compiled, "*/"), ["redirect_https"]);
    for host in ["c.test/", "x.y.b.test/", "y.b.test/", "plain.b.test/"] {
        assert!(names(&compiled, host).is_empty(), "{host}");
    }
}

#[test]
fn public_names_alone_get_certificates_of_a_public_authority() {
    let hosts =
        ["a.example.com", "localhost", "a.localhost", "10.0.0.1", "'*.example.com'", "b.internal"];
    let routes =
        hosts.map(|host| format!("  {host}: {{routes: {{/: http://10.0.0.1}}}}\n")).concat();
    let redirected = |acme: &str| {
        let compiled = Process::new().load(&format!("acme: {acme}\nhosts:\n{routes}"), None);
        let routes =
            compiled.snapshot.routes.iter().filter(|route| !route.chain.links().is_empty());
        routes.map(|route| route.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(redirected("ops@example.com"), ["a.example.com/"]);
    let own = "{email: ops@example.com, directory: https://ca.internal/dir}";
    assert_eq!(redirected(own), ["a.example.com/", "a.localhost/", "b.internal/"]);
}
