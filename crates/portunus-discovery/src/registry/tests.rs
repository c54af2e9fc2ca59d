use portunus_spec::NoLookup;

use super::*;

fn read(node: &Node) -> Result<Node, String> {
    let mut reader = Reader::at(&NoLookup, "discover");
    let spec = DiscoverSpec::read(node, &mut reader);
    let problems = reader.finish();
    let text = |problem: &portunus_spec::Diagnostic| {
        format!("{}: {} {:?}", problem.path, problem.message, problem.help)
    };
    spec.map(|spec| spec.write()).ok_or_else(|| problems.iter().map(text).collect())
}

#[test]
fn names_are_unique_sorted_and_documented() {
    assert!(PROVIDERS.windows(2).all(|pair| pair[0].name() < pair[1].name()));
    assert!(PROVIDERS.iter().all(|factory| factory.doc().ends_with('.')));
}

#[test]
fn the_short_form_becomes_the_normal_form() {
    let name = Node::text("orders.internal:8080");
    let normal = read(&Node::map([("dns", name.clone())])).unwrap();
    assert!(normal.same(&Node::map([("dns", Node::map([("name", name)]))])), "{normal:?}");
    assert!(read(&normal).unwrap().same(&normal));
}

#[test]
fn mistakes_say_what_to_write() {
    let options = || Node::text("a:80");
    let error = |node| read(&node).unwrap_err();
    assert!(error(Node::map([("dsn", options())])).contains("did you mean `dns`"));
    assert!(error(Node::text("dns")).contains("write discover: {dns: "));
    assert!(error(Node::map([("dns", Node::text("a"))])).contains("discover.dns.name: "));
    assert!(error(Node::map([("dns", options()), ("file", options())])).contains("one provider"));
}
