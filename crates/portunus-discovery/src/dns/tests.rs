use portunus_spec::NoLookup;

use super::*;

/// The input that the options make, or the messages with their help.
fn read(node: &Node) -> Result<(EndpointInput, DnsSpec), String> {
    let mut reader = Reader::new(&NoLookup);
    let spec = DnsSpec::read(node, &mut reader);
    let input = spec.as_ref().and_then(|spec| spec.input(node, &mut reader));
    let problems = reader.finish();
    let text =
        |problem: &portunus_spec::Diagnostic| format!("{} {:?}", problem.message, problem.help);
    match (input, spec) {
        (Some(input), Some(spec)) if problems.is_empty() => Ok((input, spec)),
        _ => Err(problems.iter().map(text).collect()),
    }
}

#[test]
fn a_name_needs_a_port() {
    let host = |name: &str| read(&Node::text(name)).map(|(input, _)| input.target);
    let target = |host: &str, port| Target::Host { host: host.to_owned(), port };
    assert_eq!(host("orders.internal:8080"), Ok(target("orders.internal", 8080)));
    assert_eq!(host("[::1]:80"), Ok(target("::1", 80)));
    for bad in ["orders.internal", "orders.internal:http", ":80", "a:0", "a:70000", ""] {
        assert!(host(bad).is_err_and(|error| error.contains("orders.internal:8080")), "{bad}");
    }
}

#[test]
fn options_reach_the_input() {
    let text = Node::text;
    let node = Node::map([
        ("srv", text("_http._tcp.x")),
        ("resolver", text("127.0.0.1:5353")),
        ("family", text("both")),
    ]);
    let (input, spec) = read(&node).unwrap();
    assert_eq!(input.target, Target::Service("_http._tcp.x".to_owned()));
    assert_eq!(spec.resolver, ["127.0.0.1:5353".parse().unwrap()]);
    assert_eq!(spec.family, Family::Both);
}

#[test]
fn exactly_one_name_is_needed() {
    let both = Node::map([("name", Node::text("a:80")), ("srv", Node::text("_a._tcp.b"))]);
    for bad in [both, Node::default()] {
        assert!(read(&bad).unwrap_err().contains("one name is needed"));
    }
}
