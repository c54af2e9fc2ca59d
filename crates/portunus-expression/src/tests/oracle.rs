//! Generated expressions: what we give is what the `cel` crate gives, and the fast tests are what the plain
//! evaluation is.

use std::collections::HashMap;
use std::sync::LazyLock;

use cel::{Context, Program, Value};
use proptest::prelude::*;

use super::{NOW, PARAMS, sample, shown};
use crate::Expression;

/// The variables of the sample that expressions are generated over, for the other side.
static VARIABLES: LazyLock<Vec<(&str, Value)>> = LazyLock::new(|| {
    let text = |text: &str| Value::from(text.to_owned());
    let map = |entries: &[(&str, Value)]| {
        let entries = entries.iter().map(|(name, value)| (name.to_string(), value.clone()));
        Value::from(entries.collect::<HashMap<String, Value>>())
    };
    let list = |items: &[&str]| Value::from(items.iter().map(|it| text(it)).collect::<Vec<_>>());
    let now = Program::compile("timestamp('2026-11-25T21:30:05.25Z')").unwrap();
    let claims = [
        ("tier", text("gold")),
        ("level", 3.into()),
        ("ratio", 0.5.into()),
        ("admin", true.into()),
        ("none", Value::Null),
        ("realm_access", map(&[("roles", list(&["editor", "viewer"]))])),
    ];
    let request = [
        ("method", text("PUT")),
        ("path", text("/orders/a%2Fb/x")),
        ("host", text("shop.example.com")),
        ("size", 1234.into()),
        ("headers", map(&[("x-tier", text("gold")), ("x-list", text("a, b"))])),
        ("query", map(&[("page", text("2")), ("q", text("a b!")), ("empty", text(""))])),
    ];
    vec![
        ("claims", map(&claims)),
        ("request", map(&request)),
        ("identity", map(&[("groups", list(&["admins", "staff"])), ("subject", text("ann"))])),
        ("now", now.execute(&Context::default()).unwrap()),
    ]
});

/// The value as text, or none for every kind of error.
fn theirs(text: &str) -> Option<String> {
    let program = Program::compile(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let mut context = Context::default();
    for (name, value) in VARIABLES.iter() {
        context.add_variable_from_value(*name, value.clone());
    }
    program.execute(&context).ok().map(|value| match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(number) => number.to_string(),
        Value::String(text) => text.to_string(),
        other => panic!("{text}: {other:?}"),
    })
}

fn ours(text: &str, fast: bool) -> Option<String> {
    let expression = Expression::compile_as(text, PARAMS, fast, |_| Ok(())).ok()?;
    expression.eval_text(&sample(), NOW).ok().map(std::borrow::Cow::into_owned)
}

/// Texts of the sample, some that are missing, and literals.
fn text() -> BoxedStrategy<String> {
    let leaf = prop::sample::select(vec![
        "'GET'",
        "'PUT'",
        "'gold'",
        "'/orders/'",
        "''",
        "'a'",
        "request.method",
        "request.path",
        "request.host",
        "identity.subject",
        "claims.tier",
        "claims.nobody",
        "claims.level",
        "claims['tier']",
        "claims.realm_access.roles[0]",
        "identity.groups[1]",
        "request.headers['x-tier']",
        "request.headers['x-list']",
        "request.headers['x-no']",
        "request.query.q",
        "request.query['empty']",
    ]);
    let leaf = leaf.prop_map(str::to_owned);
    leaf.prop_recursive(2, 6, 2, |inner| {
        let sum = (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} + {b})"));
        let choice = (bool(inner.clone()), inner.clone(), inner);
        prop_oneof![sum, choice.prop_map(|(a, b, c)| format!("({a} ? {b} : {c})"))]
    })
    .boxed()
}

fn number() -> BoxedStrategy<String> {
    let leaf = prop::sample::select(vec![
        "0",
        "1",
        "-7",
        "9223372036854775807",
        "claims.level",
        "request.size",
        "size(request.path)",
        "identity.groups.size()",
        "now.getHours()",
        "int('12')",
        "claims.tier",
    ]);
    let sign = prop::sample::select(vec!["+", "-", "*", "/", "%"]);
    let leaf = leaf.prop_map(str::to_owned);
    leaf.prop_recursive(2, 6, 2, move |inner| {
        (inner.clone(), sign.clone(), inner).prop_map(|(a, sign, b)| format!("({a} {sign} {b})"))
    })
    .boxed()
}

fn list() -> impl Strategy<Value = String> + Clone {
    prop::sample::select(vec![
        "['PUT', 'gold', 'a']",
        "[]",
        "identity.groups",
        "claims.realm_access.roles",
        "identity.groups.map(g, g + '!')",
        "claims.realm_access.roles.filter(r, r.startsWith('e'))",
        "request.query",
        "claims",
        "claims.nobody",
        "{'PUT': 1, 'q': 2}",
    ])
    .prop_map(str::to_owned)
}

/// One test over texts.
fn bool(text: impl Strategy<Value = String> + Clone + 'static) -> BoxedStrategy<String> {
    let pair = (text.clone(), prop::sample::select(TESTS.to_vec()), text.clone());
    let compare = pair.prop_map(|(a, test, b)| test.replace('A', &a).replace('B', &b));
    let member = (text.clone(), list()).prop_map(|(a, list)| format!("{a} in {list}"));
    let each = prop::sample::select(vec!["all", "exists", "exists_one"]);
    let each = (list(), each, text).prop_map(|(list, each, a)| {
        format!("{list}.{each}(item, item == {a} || item.endsWith('r'))")
    });
    let fixed = prop::sample::select(vec![
        "true",
        "false",
        "claims.admin",
        "claims.tier",
        "claims.none == null",
        "has(claims.tier)",
        "has(claims.nobody)",
        "has(request.query.q)",
        "has(claims.realm_access.roles)",
        "has(claims.nobody.x)",
        "now > timestamp('2026-01-01T00:00:00Z')",
        "now - duration('1h') < now",
        "request.path.matches('^/orders/[a-z]')",
    ]);
    prop_oneof![compare, member, each, fixed.prop_map(str::to_owned)].boxed()
}

const TESTS: &[&str] = &[
    "A == B",
    "A != B",
    "A < B",
    "A >= B",
    "A.startsWith(B)",
    "A.endsWith(B)",
    "A.contains(B)",
    "A in ['PUT', 'gold']",
    "A in ['x', B]",
    "A == 'PUT'",
    "'gold' != A",
    "A.startsWith('/orders')",
    "A.endsWith('d')",
];

fn condition() -> BoxedStrategy<String> {
    let sign = prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let numbers = (number(), sign, number()).prop_map(|(a, sign, b)| format!("{a} {sign} {b}"));
    prop_oneof![3 => bool(text()), 1 => numbers]
        .prop_recursive(3, 12, 2, |inner| {
            let pair = (inner.clone(), inner.clone());
            prop_oneof![
                pair.clone().prop_map(|(a, b)| format!("({a} && {b})")),
                pair.prop_map(|(a, b)| format!("({a} || {b})")),
                inner.clone().prop_map(|a| format!("!({a})")),
                (inner.clone(), inner.clone(), inner)
                    .prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
            ]
        })
        .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// What does not compile has a type error that the other side finds when it evaluates, or never meets.
    #[test]
    fn conditions_are_as_in_cel(text in condition()) {
        match Expression::compile(&text, PARAMS) {
            Ok(_) => prop_assert_eq!(ours(&text, true), theirs(&text), "{}", text),
            Err(error) => {
                let seen = ["does not fit between", "but a bool is needed", "does not take", "divides", "range"];
                prop_assert!(seen.iter().any(|it| error.message.contains(it)), "{text}: {error}");
            }
        }
    }

    #[test]
    fn fast_tests_are_as_plain_ones(text in condition()) {
        prop_assert_eq!(ours(&text, true), ours(&text, false), "{}", text);
    }

    #[test]
    fn any_text_compiles_or_is_told(text in "[a-z.()\\[\\]{}'\"!&|?:=<>+*/%0-9 ,-]{0,40}") {
        let _ = shown(&text);
    }
}

#[test]
fn corners_are_as_in_cel() {
    for text in [
        "18446744073709551615u > 9223372036854775807",
        "-1 < 1u",
        "1 == 1.0",
        "0.0 / 0.0 == 0.0 / 0.0",
        "1.0 / 0.0 > 5",
        "-7 / 2 == -3 && -7 % 2 == -1",
        "-9223372036854775808 / -1 == 0",
        "int(-9.99) == -9",
        "int(9223372036854775807.0) == 0",
        "uint(-0.5) == 0u",
        "[1, 2.0] == [1u, 2]",
        "{'a': 1} == {'a': 1.0}",
        "'é'.size() == 1",
        "b'é'.size() == 2",
        "duration('1.5h') == duration('90m')",
        "duration('-1h30m') < duration('0')",
        "duration('1d') == duration('24h')",
        "timestamp('2026-11-25T21:30:05.250Z') == now",
        "timestamp('9999-12-31T23:59:59Z') + duration('1h') > now",
        "now.getDayOfWeek() == 3 && now.getMonth() == 10 && now.getDayOfYear() == 328",
        "now.getHours('+02:00') == 23 && now.getHours('Europe/Berlin') == 22",
        "duration('100h1500ms').getSeconds() == 360001",
        "duration('1500ms').getMilliseconds() == 1500",
        "'a' in {'a': 1} && !('b' in {'a': 1})",
        "'' in [''] && 'abc'.contains('')",
        "string(1.0) == '1' && string(-5) == '-5' && string(duration('1.5s')) == '1.5s'",
        "r'\\d' == '\\\\d' && '''a'b''' == \"a'b\"",
        "[0, 1].exists(x, 1 / x == 1) && ![2, 0].all(x, 1 / x == 1)",
        "[1, 2, 3].map(x, x > 1, x * 2) == [4, 6]",
        "dyn('a') == 1 || dyn([1]) != [1]",
    ] {
        assert_eq!(ours(text, true), theirs(text), "{text}");
    }
}
