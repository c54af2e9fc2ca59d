use super::*;

fn found(name: &str, values: &[&str]) -> String {
    let mut headers = HeaderList::default();
    for value in values {
        headers.append(name.as_bytes(), value.as_bytes());
    }
    let trusted = Networks::new(&["10.0.0.0/8".parse().unwrap()]);
    identify("10.0.0.1".parse().unwrap(), &headers, &trusted).ip.to_string()
}

#[test]
fn the_client_is_picked_from_the_right_end() {
    let xff = "X-Forwarded-For";
    for (values, expected) in [
        (&["192.0.2.1"][..], "192.0.2.1"),
        (&["6.6.6.6, 192.0.2.1"], "192.0.2.1"),
        (&["6.6.6.6, 192.0.2.1, 10.0.0.9"], "192.0.2.1"),
        (&["6.6.6.6", "192.0.2.1", "10.0.0.9:4711"], "192.0.2.1"),
        (&["6.6.6.6, garbage, 10.0.0.9"], "10.0.0.9"),
        (&["10.1.1.1, 10.0.0.9"], "10.1.1.1"),
        (&["[2001:db8::1]:80"], "2001:db8::1"),
        (&["::ffff:192.0.2.7"], "192.0.2.7"),
        (&[""], "10.0.0.1"),
    ] {
        assert_eq!(found(xff, values), expected, "{values:?}");
    }
    let forwarded = "for=6.6.6.6, for=\"[2001:db8::2]:99\";proto=https, for=10.2.2.2";
    assert_eq!(found("Forwarded", &[forwarded]), "2001:db8::2");
    assert_eq!(found("Forwarded", &["for=_hidden"]), "10.0.0.1");
}

#[test]
fn more_hops_than_are_looked_through_change_nothing_to_the_right() {
    let many = vec!["10.0.0.2"; 100].join(", ");
    assert_eq!(found("X-Forwarded-For", &[&format!("6.6.6.6, {many}")]), "10.0.0.2");
}
