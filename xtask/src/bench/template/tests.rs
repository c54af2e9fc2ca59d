use std::path::Path;

use super::{Policy, Values};

fn values() -> Values<'static> {
    Values {
        folder: Path::new("/tmp/x"),
        port: 1,
        admin_port: 2,
        origin_port: 3,
        clients_max: 10,
        access_log: true,
        routes: 0,
        filters: 0,
        tls: false,
        h2_origin: false,
        policy: Policy::None,
        redis_port: 4,
    }
}

fn check(values: &Values<'_>, template: &str, expected: &str) {
    assert_eq!(values.fill(template), expected);
}

#[test]
fn values_are_filled_in() {
    check(&values(), "@PORT@ @ADMIN@ @ORIGIN@ @DIR@", "1 2 3 /tmp/x\n");
    check(&values(), "@CLIENTS@ @CONNECTIONS@", "10 20\n");
}

#[test]
fn marked_lines_are_conditional() {
    let template = "a\n@log@ on\n@nolog@ off\n@routed@ r\n@filtered@ f\n@tls@ s\n@h1origin@ 1\n";
    check(&values(), template, "a\n on\n 1\n");
    let other = Values { access_log: false, routes: 1, filters: 1, tls: true, ..values() };
    check(&Values { h2_origin: true, ..other }, template, "a\n off\n r\n f\n s\n");
}

#[test]
fn a_policy_brings_its_lines() {
    let template = "@limits@l\n@tokens@t\n";
    check(&values(), template, "");
    check(&Values { policy: Policy::Limits, ..values() }, template, "l\n");
    let shared = Values { policy: Policy::Shared("exact"), ..values() };
    check(&shared, "@shared@s@MODE@@REDIS@\n@limits@l\n", "sexact4\n");
    check(&Values { policy: Policy::Tokens(1), ..values() }, template, "l\nt\n");
}

#[test]
fn routes_and_filters_are_repeated() {
    let values = Values { routes: 2, filters: 3, ..values() };
    check(&values, "@route@  /r@N@/:@ORIGIN@\nz", "  /r0/:3\n  /r1/:3\nz\n");
    check(&values, "@filter@f@N@", "f0\nf1\nf2\n");
}
