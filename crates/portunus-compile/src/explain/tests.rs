use crate::tests::{Process, golden};
use crate::{Compiled, Explanation, Question, explain};

const SHOP: &str = "
listeners: {web: ':80', inner: '127.0.0.1:9000'}
trusted_proxies: [10.0.0.0/8]
filters:
  members: [{forward_auth: 'auth/verify?strict'}, {headers: {request: {set: {x-area: '{id}'}}}}]
hosts:
  shop.example.com:
    use: [request_id, {headers: {response: {set: {x-shop: '1'}}}}]
    routes:
      /api/**: http://10.0.0.7:8080
      /api/orders/{id}:
        - when: {header: {x-beta: '1'}}
          to: orders
        - methods: [GET, PUT]
          use: [members, {rewrite: {strip: /api}}, {limits: 1MiB}]
          to: orders
          timeouts: {request: 30s, idle: 5s}
          retry: {attempts: 3, on: [connect, 503]}
      /split: {to: {search-v1: 95, 'http://new.example.com': 5}, mirror: {to: orders, share: 10%}}
      /old/**: {redirect: '/new/{rest}'}
      /gone: {use: [request_id, {error_pages: {pages: {4xx: lost}}}, {ip: {deny: [192.0.2.0/24]}}], respond: {status: 410, body: gone}}
      /nowhere: {use: [request_id]}
  inner.example.com:
    listeners: [inner]
    routes: {/only: {methods: [POST], to: orders, retry: 1}}
  '*':
    listeners: [inner]
    routes: {/**: {respond: last}}
upstreams:
  auth: {discover: {dns: 'auth.internal:80'}, balance: p2c}
  orders:
    endpoints: [http://10.0.0.1, {url: http://10.0.0.2, weight: 2, zone: b, backup: true}]
    balance: {hash: {key: {cookie: sid}}}
  search-v1: http://10.0.0.3
";

fn shop() -> Compiled {
    Process::new().load(SHOP, None)
}

fn ask(compiled: &Compiled, words: &str) -> Explanation {
    let words: Vec<String> = words.split('|').map(str::to_owned).collect();
    let mut question = Question::parse(&words).unwrap();
    question.at = Some(portunus_base::Wall(1_800_000_000_000_000));
    explain(compiled, &question)
}

#[test]
fn each_step_on_the_way_to_an_upstream_is_told() {
    let words = "GET|https://shop.example.com/api/orders/7?x=1|-H|Accept: */*|-H|Connection: close|\
                 --client-ip|10.1.1.1|-H|X-Forwarded-For: 6.6.6.6, 192.0.2.7|-H|X-Forwarded-Proto: https";
    let explanation = ask(&shop(), words);
    golden!("explain_forward", explanation.to_string());
    golden!("explain_forward_json", explanation.to_json());
}

#[test]
fn a_split_is_told_with_its_shares() {
    golden!("explain_split", ask(&shop(), "http://shop.example.com/split").to_string());
}

#[test]
fn answers_of_filters_are_told() {
    let shop = shop();
    golden!("explain_redirect", ask(&shop, "http://shop.example.com/old/a/b?q").to_string());
    golden!("explain_respond", ask(&shop, "http://shop.example.com/gone").to_string());
    let denied = ask(&shop, "http://shop.example.com/gone|--client-ip|192.0.2.9");
    golden!("explain_denied", denied.to_string());
    golden!("explain_nowhere", ask(&shop, "http://shop.example.com/nowhere").to_string());
}

#[test]
fn what_a_host_asks_of_all_requests_holds_for_those_that_no_route_takes() {
    let config = "
listeners: {web: ':80'}
hosts:
  shop.example.com:
    redirect_https: true
    use: [{headers: {response: {set: {x-shop: '{id}'}}}}]
    routes: {'/a/{id}': {methods: [GET], respond: a}, '/b/{id}/{part}': {respond: b}}
";
    let compiled = Process::new().load(config, None);
    let moved = ask(&compiled, "http://shop.example.com/lost");
    let crate::explain::End::Answer(answer) = &moved.end else { panic!("{moved}") };
    assert_eq!(answer.status, 308, "{moved}");
    let place = ("Location".to_owned(), "https://shop.example.com/lost".to_owned());
    assert!(answer.headers.contains(&place), "{moved}");
    assert!(moved.route.is_none() && moved.filters.len() == 2, "{moved}");
    let lost = ask(&compiled, "http://other.example.com/lost");
    assert!(lost.filters.is_empty(), "{lost}");
}

#[test]
fn misses_are_told() {
    let shop = shop();
    let all = [
        "http://other.example.com/x",
        "http://shop.example.com/none",
        "http://inner.example.com:9000/only",
        "http://inner.example.com/only",
        "POST|http://inner.example.com:1234/only",
        "http://shop.example.com/split|--listener|wbe",
    ];
    let texts: Vec<String> = all.iter().map(|words| ask(&shop, words).to_string()).collect();
    golden!("explain_misses", texts.join("\n"));
}

#[test]
fn limits_and_the_class_of_the_request_are_told() {
    let config = "
hosts: {'*': {routes: {/**: {to: shop, priority: low}}}}
upstreams:
  shop:
    endpoints: http://10.0.0.1
    limits: {requests_max: 10, adaptive: {max: 50}, queue: {max: 5, timeout: 250ms}}
";
    let explanation = ask(&Process::new().load(config, None), "GET|http://a/");
    let text = explanation.to_string();
    let limits =
        "limits: 10 requests to an endpoint, 4 to 50 requests in all, as answers get slower";
    assert!(text.contains(limits), "{text}");
    assert!(text.contains("queue: 5 wait up to 250ms, this one with priority low"), "{text}");
    let json = explanation.to_json();
    assert!(json.contains("\"timeout_ms\": 250,"), "{json}");
}
