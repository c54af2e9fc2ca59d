use std::time::Duration;

use crate::*;

spec! {
    /// Sends the client elsewhere.
    struct RedirectSpec {
        short = to;
        /// Where to.
        to: String,
        /// Status code.
        status: Spanned<u16> = Spanned::none(308),
        /// How long.
        r#for: Option<Duration>,
    }
}

spec! {
    /// Nothing to set.
    struct EmptySpec {}
}

spec! {
    /// A tree.
    struct TreeSpec {
        /// Its branches.
        branches: Vec<TreeSpec> = Vec::new(),
        /// What it may send.
        redirect: Option<RedirectSpec>,
        /// Order of branches.
        order: Order = Order::RoundRobin,
        /// Nothing.
        empty: EmptySpec,
    }
}

spec_enum! {
    /// How to choose.
    enum Order {
        /// One after the other.
        RoundRobin = "round_robin",
        /// Any.
        Random = "random",
    }
}

fn read<T: Spec>(node: &Node) -> (Option<T>, Vec<String>) {
    let mut reader = Reader::new(&NoLookup);
    let value = T::read(node, &mut reader);
    let found = reader.finish();
    let lines = found.iter().map(|one| {
        let help = one.help.as_deref().unwrap_or("-");
        format!("{}: {} ({help})", one.path, one.message)
    });
    let lines = lines.collect();
    (value, lines)
}

#[test]
fn a_map_and_its_short_form_read_alike() {
    let long = Node::map([("to", Node::text("/new"))]);
    for node in [long.clone(), Node::text("/new")] {
        let (spec, lines) = read::<RedirectSpec>(&node);
        let spec = spec.unwrap();
        assert!(lines.is_empty());
        assert_eq!((spec.to.as_str(), *spec.status, spec.r#for), ("/new", 308, None));
        assert!(spec.write().same(&long));
    }
}

#[test]
fn every_mistake_of_a_map_is_reported() {
    let node = Node::map([
        ("status", Node::text("many")),
        ("too", Node::text("/new")),
        ("status", Node::text("307")),
        ("for", Node::seq([])),
    ]);
    let (spec, lines) = read::<RedirectSpec>(&node);
    assert!(spec.is_none());
    assert_eq!(
        lines,
        [
            ": the key `status` is written twice (keep one of them)",
            ": unknown key `too` (did you mean `to`? known keys: to, status, for)",
            ": missing key `to` (add `to: ...`)",
            "status: `many` is not a whole number (write a whole number from 0 to 65535)",
            "for: expected a duration, found a list (write a number with a unit: 250ms, 5s, 1m, 2h, 7d)",
        ]
    );
}

#[test]
fn nothing_is_an_empty_map() {
    assert!(read::<EmptySpec>(&Node::default()).0.is_some());
    assert!(read::<TreeSpec>(&Node::default()).0.is_some());
    let (spec, lines) = read::<EmptySpec>(&Node::text("x"));
    assert!(spec.is_none());
    assert_eq!(lines, [": expected a map, found text (write a map of: )"]);
}

#[test]
fn paths_lead_through_lists_and_maps() {
    let leaf = Node::map([("redirect", Node::map([("status", Node::seq([]))]))]);
    let node = Node::map([("branches", Node::seq([Node::default(), leaf]))]);
    let (_, lines) = read::<TreeSpec>(&node);
    assert!(lines[0].starts_with("branches[1].redirect: missing key `to`"), "{lines:?}");
    assert!(lines[1].starts_with("branches[1].redirect.status: expected a whole number"));
}

#[test]
fn words_know_their_neighbours() {
    let (order, lines) = read::<Order>(&Node::text("rondom"));
    assert_eq!(order, None);
    let expected = ": `rondom` is not one of the known words \
        (did you mean `random`? It is one of round_robin, random)";
    assert_eq!(lines, [expected]);
    assert_eq!(read::<Order>(&Node::text("random")).0, Some(Order::Random));
}

#[test]
fn the_normal_form_leaves_out_what_is_implied() {
    let node = Node::map([
        ("order", Node::text("round_robin")),
        ("redirect", Node::text("/x")),
        ("branches", Node::default()),
    ]);
    let spec = read::<TreeSpec>(&node).0.unwrap();
    let expected = Node::map([("redirect", Node::map([("to", Node::text("/x"))]))]);
    assert!(spec.write().same(&expected));
}

fn read_leniently<T: Spec>(node: &Node) -> (Option<T>, Diagnostics) {
    let mut reader = Reader::new(&NoLookup).lenient();
    (T::read(node, &mut reader), reader.finish())
}

#[test]
fn a_lenient_reader_leaves_out_what_it_cannot_read() {
    let node = Node::map([
        ("order", Node::text("any")),
        ("branches", Node::seq([Node::map([("order", Node::text("random"))]), Node::text("leaf")])),
        ("redirect", Node::map([("status", Node::text("307"))])),
    ]);
    let (spec, found) = read_leniently::<TreeSpec>(&node);
    let spec = spec.unwrap();
    assert_eq!((spec.order, spec.branches.len()), (Order::RoundRobin, 1));
    assert!(spec.redirect.is_none(), "`to` is missing");
    assert_eq!(found.len(), 3);
    assert!(found.has_errors_at("redirect") && found.has_errors_in("branches"));
    assert!(!found.has_errors_at("branches") && !found.has_errors_in("branch"));
    let (names, found) =
        read_leniently::<Named<u16>>(&Node::map([("a", Node::text("x")), ("b", Node::text("1"))]));
    assert_eq!(names.unwrap().names().collect::<Vec<_>>(), ["b"]);
    assert!(found.has_errors_at("a"));
}

#[test]
fn a_lenient_reader_takes_a_misspelt_key_for_the_nearest() {
    let node = Node::map([("too", Node::text("/new")), ("statsu", Node::text("many"))]);
    let (spec, found) = read_leniently::<RedirectSpec>(&node);
    let spec = spec.unwrap();
    assert_eq!((spec.to.as_str(), *spec.status), ("/new", 308));
    let messages: Vec<&str> = found.iter().map(|one| one.message.as_str()).collect();
    assert_eq!(
        messages,
        ["unknown key `too`", "unknown key `statsu`", "`many` is not a whole number"]
    );
    let node = Node::map([("too", Node::text("/b")), ("to", Node::text("/a"))]);
    assert_eq!(read_leniently::<RedirectSpec>(&node).0.unwrap().to, "/a");
}
