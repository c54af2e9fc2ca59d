use crate::tests::{all, mistake};

#[test]
fn names_are_known() {
    for (text, wanted) in [
        (
            "request.metod == 'GET'",
            "0: unknown variable `request.metod` (did you mean `request.method`?)",
        ),
        ("'GET' == requst.method", "9: unknown variable `requst` (did you mean `request`?)"),
        ("claim.tier == 'x'", "0: unknown variable `claim` (did you mean `claims`?)"),
        (
            "identity.zzz == 'x'",
            "0: unknown variable `identity.zzz` (known: identity.attributes, identity.consumer, identity.credential, identity.groups, identity.method, identity.name, identity.plan, identity.scopes, identity.subject)",
        ),
        (
            "client == 'x'",
            "0: `client` stands for several values (write one of client.cert.dns, client.cert.fingerprint, client.cert.issuer, client.cert.serial, client.cert.subject, client.cert.uris, client.ip, client.port)",
        ),
        (
            "params.ip == 'x'",
            "0: the route's path has no part named `ip` (did you mean `id`? known here: id, rest)",
        ),
        (
            "params['nobody']",
            "0: the route's path has no part named `nobody` (known here: id, rest)",
        ),
        (
            "admins in identity.groups",
            "0: unknown variable `admins` (known: request, client, identity, claims, params, route, tls, now; a text stands in quotes)",
        ),
        ("[1].map(item, itm)", "14: unknown variable `itm` (did you mean `item`?)"),
        (
            "request.path.startWith('/')",
            "13: unknown function `startWith` (did you mean `startsWith`?)",
        ),
        (
            "startsWith(request.path, '/')",
            "0: `startsWith` is not written so (write `text.startsWith(part)`)",
        ),
        ("request.method.name", "0: a string has no `name`"),
    ] {
        assert_eq!(mistake(text), wanted, "{text}");
    }
}

#[test]
fn types_are_checked_at_load() {
    for (text, wanted) in [
        (
            "request.method == 1",
            "0: `==` does not fit between string and int (write the number in quotes, or `int(text)`)",
        ),
        (
            "request.size > '5'",
            "0: `>` does not fit between int and string (write the number in quotes, or `int(text)`)",
        ),
        (
            "request.method && true",
            "0: this is of type string, but a bool is needed (compare it with something, as in `request.method == \"GET\"`)",
        ),
        (
            "!request.path",
            "1: this is of type string, but a bool is needed (compare it with something, as in `request.method == \"GET\"`)",
        ),
        (
            "1 + 1.5",
            "0: `+` does not fit between int and double (make both of one type with `int()` or `double()`)",
        ),
        (
            "now > '2030-01-01'",
            "0: `>` does not fit between timestamp and string (write `timestamp(\"2030-01-01T00:00:00Z\")`)",
        ),
        ("now - request.size > duration('1s')", "0: `-` does not fit between timestamp and int"),
        (
            "'a' in request.path",
            "7: `in` needs a list or a map after it, not a string (write `x in [\"a\", \"b\"]`, or `text.contains(part)`)",
        ),
        ("1 in identity.groups", "0: `in` does not fit between int and list"),
        (
            "request.path.startsWith(1)",
            "13: `startsWith` does not take string, int (write `text.startsWith(part)`)",
        ),
        (
            "request.size.contains('1')",
            "13: `contains` does not take int, string (write `text.contains(part)`)",
        ),
        ("identity.groups['a']", "16: a list cannot be asked for by a string"),
        ("-request.path", "0: a string has no negative"),
        ("request.path.all(x, true)", "13: `all` does not take string (write `list.all(x, test)`)"),
        (
            "[1].all(x, x)",
            "11: this is of type int, but a bool is needed (compare it with something, as in `request.method == \"GET\"`)",
        ),
        ("{[1]: 2}", "1: a list cannot be a key of a map"),
        ("{1: 2, 1u: 3}", "7: this key is there twice"),
        (
            "request.path.getHours()",
            "13: `getHours` does not take string (write `time.getHours(zone)`)",
        ),
        (
            "now.getHours('Mars/Base')",
            "13: this system has no time zone `Mars/Base` (write a name such as `Europe/Berlin`, or an offset such as `+02:00`)",
        ),
        (
            "has(request)  && has('a')",
            "21: `has` needs a name with a dot in it (write `has(claims.tier)`; for a name in quotes, `\"x-tier\" in request.headers`)",
        ),
    ] {
        assert_eq!(mistake(text), wanted, "{text}");
    }
}

#[test]
fn constants_are_folded_and_checked() {
    for (text, wanted) in [
        ("duration('5x') > duration('1s')", "0: this cannot be converted"),
        ("timestamp('yesterday') < now", "0: this cannot be converted"),
        ("request.size > 1 / 0", "15: this divides by zero"),
        ("9223372036854775807 + 1 == 0", "0: this is beyond the range of its type"),
        ("[1, 2][5] == 1", "0: this is missing"),
        (
            "request.path.matches('[')",
            "21: not a regex: unclosed character class (see https://docs.rs/regex/#syntax)",
        ),
        (
            "request.path.matches(request.host)",
            "21: a regex must be a text in quotes (it is compiled when the configuration is loaded)",
        ),
        (
            "request.path.matches('(a{1000}){1000}')",
            "21: not a regex: Compiled regex exceeds size limit of 262144 bytes. (see https://docs.rs/regex/#syntax)",
        ),
        (
            "ip_in(client.ip, '10.0.0.0/40')",
            "17: `10.0.0.0/40` is not a network (write `10.0.0.0/8` or `192.0.2.7`)",
        ),
        (
            "ip_in(client.ip, request.host)",
            "17: networks must be texts in quotes (write `ip_in(client.ip, \"10.0.0.0/8\")`)",
        ),
        (
            "ip_in(client.port, '10.0.0.0/8')",
            "0: `ip_in` does not take int, string (write `ip_in(client.ip, \"10.0.0.0/8\")`)",
        ),
    ] {
        assert_eq!(mistake(text), wanted, "{text}");
    }
    all(&[("1 + 2 * 3", "7"), ("[1, 2].size()", "2"), ("{'a': 1}['a']", "1")]);
}

#[test]
fn an_expression_has_a_bounded_number_of_parts() {
    let text = "1 in [1]";
    assert!(crate::Expression::compile(text, &[]).is_ok());
    let text = format!("[{}]", "1,".repeat(1001));
    assert_eq!(mistake(&text), "1999: an expression has at most 1000 parts (write several rules)");
}

#[test]
fn results_are_of_the_type_that_the_place_needs() {
    let of = |text| crate::Expression::compile_bool(text, &[]).map(drop).map_err(|it| it.message);
    assert_eq!(of("request.path"), Err("the expression is of type string".to_owned()));
    assert_eq!(of("claims.admin"), Ok(()));
    let of = |text| crate::Expression::compile_text(text, &[]).map(drop).map_err(|it| it.message);
    assert_eq!(of("identity.groups"), Err("the expression is of type list".to_owned()));
    assert_eq!(of("claims.tier"), Ok(()));
}

#[test]
fn what_needs_an_identity_is_known() {
    let of = |text| crate::Expression::compile(text, &[]).unwrap().reads_identity();
    assert!(of("claims.tier == 'gold'") && of("identity.groups.size() > 0"));
    assert!(of("has(identity.plan)") && of("identity != null"));
    assert!(!of("request.method == 'GET' && client.cert == null"));
}
