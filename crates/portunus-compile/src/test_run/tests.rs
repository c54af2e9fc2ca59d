use portunus_config::{Env, load_text};

use super::*;
use crate::tests::{Process, golden};

const TESTS: &str = "
hosts:
  a.test:
    use: [{headers: {request: {set: {x-a: '1'}}, response: {set: {x-b: '2'}}}}]
    routes:
      /in/{id}: {to: {one: 1, two: 1}}
      /out: {use: [{ip: {deny: [10.0.0.0/8]}}], respond: {status: 204}}
upstreams: {one: http://10.0.0.1, two: http://10.0.0.2, three: http://10.0.0.3}
tests:
  - {name: goes in, request: GET http://a.test/in/7, expect: {route: '/in/{id}', upstream: two, headers: {X-A: 1}}}
  - {name: is kept out, request: GET http://a.test/out, client_ip: 10.1.1.1, expect: {status: 403, reason: ip.denied, headers: {x-b: 2}}}
  - {name: by name, request: GET http://b.test/, headers: {host: a.test}, expect: {status: 404, reason: route.none}}
  - {name: wrong end, request: GET http://a.test/in/7, expect: {status: 200, reason: x, route: /in, upstream: three, headers: {x-a: 2}}}
  - {name: wrong answer, request: GET http://a.test/out, expect: {status: 200, upstream: one, headers: {x-c: 3}}}
  - {name: no header, request: GET http://a.test/out, headers: {'x y': 1}, expect: 200}
";

#[test]
fn tests_pass_or_say_where_they_fail() {
    let loaded = load_text("portunus.yaml", TESTS, &Env::default());
    let compiled = Process::new().load(TESTS, None);
    let outcomes = run_tests(&compiled, &loaded.spec.as_ref().unwrap().tests);
    let passed: Vec<bool> = outcomes.iter().map(TestOutcome::passed).collect();
    assert_eq!(passed, [true, true, true, false, false, false]);
    golden!("test_failures", test_diagnostics(&outcomes).render(&loaded.sources, false));
}
