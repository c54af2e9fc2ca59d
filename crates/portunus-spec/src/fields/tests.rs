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
