use super::*;
use crate::tests::*;
use portunus_spec::Node;
use proptest::prelude::*;

fn verdict(node: Node, client: &str) -> String {
    let filter = build("ip", node).unwrap();
    let mut exchange = exchange("GET /");
    exchange.client.ip = client.parse().unwrap();
    shown(&Rig::new().request(&*filter, &mut exchange))
}

#[test]
fn the_most_specific_prefix_decides() {
    let node = Node::map([
        ("allow", list(&["10.0.0.0/8", "10.1.2.3", "2001:db8::/32"])),
        ("deny", list(&["10.1.0.0/16", "2001:db8:1::/48"])),
    ]);
    for (client, fine) in [
        ("10.2.0.1", true),
        ("10.1.0.1", false),
        ("10.1.2.3", true),
        ("10.1.2.4", false),
        ("11.0.0.1", false),
        ("::ffff:10.2.0.1", true),
        ("::ffff:10.1.0.1", false),
        ("2001:db8::1", true),
        ("2001:db8:1::1", false),
    ] {
        let expected = if fine { "continue" } else { "403 ip.denied problem" };
        assert_eq!(verdict(node.clone(), client), expected, "{client}");
    }
}

#[test]
fn without_a_list_to_let_in_the_rest_may_pass() {
    let deny = || Node::map([("deny", list(&["::/0", "192.0.2.0/24"]))]);
    assert_eq!(verdict(deny(), "192.0.2.7"), "403 ip.denied problem");
    assert_eq!(verdict(deny(), "198.51.100.1"), "continue");
    assert_eq!(verdict(deny(), "::1"), "403 ip.denied problem");
    assert_eq!(verdict(list(&["::ffff:192.0.2.0/120"]), "192.0.2.7"), "continue");
}

#[test]
fn mistakes_are_told() {
    assert!(mistakes("ip", Node::map::<&str>([])).contains("nobody"));
    let all = mistakes("ip", list(&["10.0.0.1/8", "10.0.0.0/33", "example.com"]));
    assert_eq!(all.lines().count(), 3);
    assert!(all.contains("write `10.0.0.0/8` or `10.0.0.1`"), "{all}");
    let both =
        Node::map([("allow", list(&["10.0.0.0/8"])), ("deny", list(&["::ffff:10.0.0.0/104"]))]);
    assert!(mistakes("ip", both).contains("allowed and denied"));
}

/// Prefixes and addresses that meet often.
fn address() -> impl Strategy<Value = IpAddr> {
    let byte = prop::sample::select(vec![0u8, 1, 127, 128, 255]);
    let v4 = prop::array::uniform4(byte.clone()).prop_map(IpAddr::from);
    let v6 = prop::array::uniform16(byte).prop_map(IpAddr::from);
    prop_oneof![v4, v6]
}

fn net() -> impl Strategy<Value = IpNet> {
    (address(), 0..=128u8).prop_map(|(ip, len)| {
        let bits = if ip.is_ipv4() { 32 } else { 128 };
        table::unified(IpNet::new(ip, len % (bits + 1)).unwrap().trunc())
    })
}

proptest! {
    #[test]
    fn the_table_is_as_a_search_for_the_longest_prefix(
        nets in prop::collection::hash_map(net(), any::<bool>(), 0..40),
        clients in prop::collection::vec(address(), 1..40),
        rest: bool,
    ) {
        let access = |allow: bool| if allow { Access::Allow } else { Access::Deny };
        let rules: Vec<_> = nets.into_iter().map(|(net, allow)| (net, access(allow))).collect();
        let table = AddressTable::new(&rules, access(rest));
        for client in clients {
            let ip = client.to_canonical();
            let around = rules.iter().filter(|(net, _)| net.contains(&ip));
            let best = around.max_by_key(|(net, _)| net.prefix_len());
            let rest = access(rest);
            prop_assert_eq!(table.access(client), best.map_or(rest, |(_, access)| *access));
        }
    }
}
