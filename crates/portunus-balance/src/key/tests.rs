use portunus_spec::NoLookup;

use super::*;

fn read(node: &Node) -> Result<KeySource, String> {
    let mut reader = Reader::new(&NoLookup);
    let key = KeySource::read(node, &mut reader);
    let problems = reader.finish();
    key.ok_or_else(|| problems.iter().map(|problem| problem.message.clone()).collect())
}

#[test]
fn each_form_reads_back_from_its_normal_form() {
    let name = || "x-user".to_owned();
    for key in [
        KeySource::ClientIp,
        KeySource::Path,
        KeySource::Header(name()),
        KeySource::Cookie(name()),
        KeySource::Query(name()),
    ] {
        assert_eq!(read(&key.write()), Ok(key));
    }
}

#[test]
fn a_key_is_exactly_one_known_part() {
    let name = || Node::text("a");
    for bad in [
        Node::text("client-ip"),
        Node::map([("header", name()), ("cookie", name())]),
        Node::map([("headr", name())]),
        Node::seq([name()]),
        Node::default(),
    ] {
        assert!(read(&bad).is_err_and(|message| !message.is_empty()), "{bad:?}");
    }
}
