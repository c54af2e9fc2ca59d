use super::*;
use crate::Expression;
use crate::tests::{NOW, PARAMS, all, sample, shown, shown_for};

#[test]
fn every_variable_is_read() {
    all(&[
        ("request.method + ' ' + request.path", "PUT /orders/a%2Fb/x"),
        ("request.host", "shop.example.com"),
        ("request.scheme", "http"),
        ("request.size", "1234"),
        ("request.query.page", "2"),
        ("request.query.q", "a b!"),
        ("request.query.empty == ''", "true"),
        ("size(request.query)", "3"),
        ("request.headers['x-tier']", "gold"),
        ("request.headers['X-Tier']", "gold"),
        ("request.headers['x-list']", "a, b"),
        ("request.headers['x-latin']", "caf\u{fffd}"),
        ("request.headers.host", "Shop.Example.com:8443"),
        ("request.cookies.theme", "dark"),
        ("request.cookies.exists(name, name == 'lang')", "true"),
        ("client.ip", "10.1.2.3"),
        ("client.port", "4711"),
        ("client.cert.subject", "CN=robot,O=Example"),
        ("client.cert.uris[0]", "spiffe://example/robot"),
        ("client.cert.dns.exists(name, name.endsWith('.example.com'))", "true"),
        ("tls.version", "1.3"),
        ("route", "shop/orders"),
        ("params.id + ' ' + params.rest", "a/b x"),
        ("identity.method + identity.subject + identity.name + identity.consumer", "jwtannacmec1"),
        ("identity.plan", "gold"),
        ("identity.attributes.region", "eu"),
        ("'admins' in identity.groups && !('x' in identity.groups)", "true"),
        ("identity.scopes.exists(scope, scope.startsWith('orders:'))", "true"),
        ("claims.realm_access.roles[1]", "viewer"),
        ("claims['https://x/org']", "acme"),
        ("claims.level >= 3 && claims.level < 3.5 && claims.level == 3u", "true"),
        ("claims.none == null", "true"),
        ("string(now)", "2026-11-25T21:30:05.25Z"),
    ]);
}

#[test]
fn what_is_not_there_is_told() {
    all(&[
        ("claims.nobody == 'x'", "`claims.nobody` is missing"),
        ("request.headers['x-no'] == ''", "`request.headers['x-no']` is missing"),
        ("tls.server_name == 'x'", "`tls.server_name` is missing"),
        (
            "claims.tier.name == 'x'",
            "`claims.tier.name` has a value of another type than needed here",
        ),
        ("claims.tier > 5", "`claims.tier > 5` has a value of another type than needed here"),
        ("claims.realm_access.roles[7] == ''", "`claims.realm_access.roles[7]` is missing"),
        ("int(claims.tier) == 1", "`int(claims.tier)` cannot be converted"),
        ("claims.tier && true", "`claims.tier` has a value of another type than needed here"),
        ("claims.level % 0 == 1", "`claims.level % 0` divides by zero"),
        (
            "ip_in(claims.tier, '10.0.0.0/8')",
            "`ip_in(claims.tier, '10.0.0.0/8')` cannot be converted",
        ),
    ]);
}

#[test]
fn one_part_that_decides_is_enough() {
    all(&[
        ("claims.nobody == 'x' || claims.tier == 'gold'", "true"),
        ("claims.nobody == 'x' && claims.tier == 'lead'", "false"),
        ("claims.nobody == 'x' && claims.tier == 'gold'", "`claims.nobody` is missing"),
        ("[1, 0, 2].exists(x, 4 / x == 2)", "true"),
        ("[1, 0, 2].all(x, 4 / x == 4)", "false"),
        ("[1, 0].all(x, 4 / x == 4)", "`4 / x` divides by zero"),
        ("claims.admin ? 'yes' : claims.nobody", "yes"),
    ]);
}

#[test]
fn presence() {
    all(&[
        ("has(claims.tier) && !has(claims.nobody)", "true"),
        ("has(claims.realm_access.roles)", "true"),
        ("has(claims.nobody.roles)", "`claims.nobody` is missing"),
        ("has(identity.plan) && has(client.cert) && has(tls.version)", "true"),
        ("has(request.headers.host) && 'x-tier' in request.headers", "true"),
        ("has(tls.server_name) || 'no' in request.query", "false"),
        ("has(identity) && identity != null && null != client.cert", "true"),
        ("client.cert == null", "false"),
    ]);
    let nobody = Exchange::default();
    for (text, wanted) in [
        ("has(claims.tier) || has(identity.plan) || has(identity.attributes.x)", "false"),
        ("identity == null && client.cert == null && !has(tls)", "true"),
        ("claims.tier == 'gold'", "`claims` has no value: the request has no identity"),
        (
            "identity.groups.exists(x, true)",
            "`identity.groups` has no value: the request has no identity",
        ),
    ] {
        assert_eq!(shown_for(text, &nobody).replace("claims.tier` ", "claims` "), wanted, "{text}");
    }
}

#[test]
fn addresses_and_networks() {
    all(&[
        ("ip_in(client.ip, '10.0.0.0/8')", "true"),
        ("ip_in(client.ip, ['192.0.2.0/24', '::/0'])", "false"),
        ("ip_in(client.ip, '10.1.2.3')", "true"),
        ("ip_in('2001:db8::1', ['10.0.0.0/8', '2001:db8::/32'])", "true"),
    ]);
}

#[test]
fn times_and_durations() {
    all(&[
        ("now > timestamp('2026-11-25T00:00:00+02:00')", "true"),
        ("now - timestamp('2026-11-25T21:00:00Z') < duration('31m')", "true"),
        ("now.getDayOfWeek()", "3"),
        ("now.getHours()", "21"),
        ("now.getHours('+02:00')", "23"),
        ("now.getHours('-04:30')", "17"),
        ("now.getDate('+03:00')", "26"),
        ("now.getFullYear() * 100 + now.getMonth()", "202610"),
        ("now.getDayOfYear()", "328"),
        ("now.getMilliseconds()", "250"),
        ("duration('90m').getHours()", "1"),
        ("string(duration('1h1ms'))", "3600.001s"),
        ("timestamp(0)", "1970-01-01T00:00:00Z"),
        ("int(now)", "1795642205"),
        ("now + duration('1h') - now == duration('60m')", "true"),
    ]);
}

#[test]
fn texts() {
    all(&[
        ("request.path.matches('^/orders/[^/]+')", "true"),
        ("matches(request.path, '^/x')", "false"),
        ("' a '.trim() + 'B'.lowerAscii() + 'c'.upperAscii()", "abC"),
        ("request.headers['x-list'].split(', ')[1]", "b"),
        ("'abc'.split('').size() + 'é'.size()", "4"),
        ("request.path.contains('%2F') && request.path.endsWith('/x')", "true"),
        ("string(1.5) + string(2u) + string(true) + string(b'x')", "1.52truex"),
        ("bool('true') && int('-5') == -5 && uint('7') == 7u && double('1.5') == 1.5", "true"),
    ]);
}

#[test]
fn lists_and_maps() {
    all(&[
        ("[3, 1, 2].filter(x, x > 1).map(x, x * 10) == [30, 20]", "true"),
        ("[1, 2, 3].map(x, x > 1, x + 1).size()", "2"),
        ("[1, 2, 1].exists_one(x, x == 2)", "true"),
        ("{'a': 1, 'b': 2}.all(key, key in ['a', 'b'])", "true"),
        ("{'a': {'b': [1]}}.a.b[0]", "1"),
        ("[[1], [2]].exists(x, x.exists(y, y == 2))", "true"),
        ("[1] + [2] == [1, 2] && [1, 2.0] != [1, 3]", "true"),
        ("2 in {1: 'a', 2u: 'b'}", "true"),
        ("identity.groups.map(group, group + '!')[1]", "staff!"),
        ("request.headers.filter(name, name.startsWith('x-')).size()", "3"),
        ("dyn([1])[0u]", "1"),
    ]);
}

/// What a client sends cannot make an expression run long, and no operator hides that it would.
#[test]
fn cost_is_bounded() {
    let mut exchange = sample();
    let query: Vec<String> = (0..2000).map(|at| format!("p{at}=x")).collect();
    exchange.request.set_query(Some(query.join("&").as_bytes()));
    let over = "the expression takes more steps than are allowed";
    for text in [
        "request.query.all(a, request.query.all(b, a != b || true))",
        "request.query.exists(a, request.query.exists(b, a + b == 'no'))",
        "request.query.all(a, request.query[a] == 'x')",
        "request.query.all(a, request.query.all(b, a != b || true)) || true",
        "false && request.query.all(a, request.query.all(b, true)) || request.query.map(a, request.query.map(b, a)).size() > 0",
        "request.query.map(a, request.query).map(m, m.size()).size() == 0",
    ] {
        assert_eq!(shown_for(text, &exchange), over, "{text}");
    }
    assert_eq!(shown_for("request.query.size()", &exchange), "2000");
    assert_eq!(shown_for("request.query.exists(a, a == 'p1999')", &exchange), "true");
    let long = "x".repeat(200_000);
    exchange.request.headers.append(b"x-long", long.as_bytes());
    for text in [
        "request.headers['x-long'].matches('(x+x+)+y')",
        "request.headers['x-long'].split('').size() == 1",
        "[1,2,3,4,5,6,7,8,9].map(x, request.headers['x-long'] + 'a').size() == 1",
    ] {
        assert_eq!(shown_for(text, &exchange), over, "{text}");
    }
}

#[test]
fn an_error_tells_no_value() {
    let text =
        "claims.tier.matches('x') && int(claims.tier) == 1 || int(request.headers['x-tier']) > 1";
    let told = shown(text);
    assert!(told.contains("cannot be converted") && !told.contains("gold"), "{told}");
}

#[test]
fn parts_are_told_one_by_one() {
    let text = "request.method == 'PUT' && (claims.tier == 'lead' || claims.nobody == 1)";
    let expression = Expression::compile_bool(text, PARAMS).unwrap();
    let exchange = sample();
    let parts = expression.parts(&exchange, NOW);
    let shown: Vec<(&str, Result<bool, Fault>)> =
        parts.iter().map(|it| (it.text, it.value.map_err(|error| error.fault))).collect();
    assert_eq!(
        shown,
        [
            ("request.method == 'PUT'", Ok(true)),
            ("claims.tier == 'lead'", Ok(false)),
            ("claims.nobody == 1", Err(Fault::Missing)),
        ]
    );
    assert!(
        Expression::compile("request.method == 'PUT'", &[])
            .unwrap()
            .parts(&exchange, NOW)
            .is_empty()
    );
}
