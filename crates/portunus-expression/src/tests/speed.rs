//! How long evaluations take, and that common ones allocate nothing.

use std::hint::black_box;

use super::{NOW, PARAMS, sample};
use crate::Expression;

const COMMON: &[&str] = &[
    "request.method == 'GET'",
    "request.method in ['GET', 'HEAD', 'PUT']",
    "request.path.startsWith('/orders/')",
    "claims.tier == 'gold'",
    "'staff' in identity.groups",
    "request.headers['x-tier'] == 'gold'",
    "ip_in(client.ip, ['10.0.0.0/8', '192.168.0.0/16'])",
    "request.method == 'PUT' && 'admins' in identity.groups && claims.tier in ['gold', 'silver']",
    "request.path.matches('^/orders/[^/]+/x$')",
    "claims.level >= 3 && now < timestamp('2030-01-01T00:00:00Z')",
];

#[test]
fn common_tests_allocate_nothing() {
    let exchange = sample();
    for text in COMMON {
        let expression = Expression::compile_bool(text, PARAMS).unwrap();
        let run = || expression.eval_bool(&exchange, NOW).unwrap();
        run();
        let allocated = allocation_counter::measure(|| _ = black_box(run()));
        assert_eq!(allocated.count_total, 0, "{text}");
    }
}

/// `cargo test --release -p portunus-expression -- --ignored --nocapture speed`
#[test]
#[ignore = "measures"]
#[expect(clippy::disallowed_methods, reason = "measures time")]
fn nanoseconds_of_each() {
    let exchange = sample();
    let measure = |expression: &Expression| {
        let rounds = 200_000;
        let start = std::time::Instant::now();
        (0..rounds).for_each(|_| _ = black_box(black_box(expression).eval_bool(&exchange, NOW)));
        start.elapsed().as_nanos() / rounds
    };
    for text in COMMON {
        let fast = Expression::compile_bool(text, PARAMS).unwrap();
        let plain = Expression::compile_as(text, PARAMS, false, |_| Ok(())).unwrap();
        eprintln!("{:>5} ns fast {:>5} ns plain  {text}", measure(&fast), measure(&plain));
    }

    let mut exchange = sample();
    let query: Vec<String> = (0..2000).map(|at| format!("p{at}=x")).collect();
    exchange.request.set_query(Some(query.join("&").as_bytes()));
    exchange.request.headers.append(b"x-long", "xy".repeat(30_000).as_bytes());
    for text in COSTLY {
        let expression = Expression::compile_bool(text, PARAMS).unwrap();
        let rounds = 20;
        let start = std::time::Instant::now();
        (0..rounds).for_each(|_| _ = black_box(expression.eval_bool(&exchange, NOW)));
        eprintln!("{:>5} us  {text}", start.elapsed().as_micros() / rounds);
    }
}

/// What a client can make as costly as it gets.
const COSTLY: &[&str] = &[
    "request.query.all(a, request.query.all(b, a != b || true))",
    "request.query.all(a, request.query[a] == 'x')",
    "request.query.map(a, request.query).map(m, m.size()).size() == 0",
    "request.headers['x-long'].matches('(x+y+)+(y|x+)+z')",
    "request.headers['x-long'].split('').size() == 1",
    "request.query.exists(a, [a, a, a, a].map(b, b + b).size() == 0)",
];
