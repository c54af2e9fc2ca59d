use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn each_client_has_a_limit_of_its_own() {
    let clients = Clients::default();
    let first = clients.enter(ip("192.0.2.1"), 2).unwrap();
    let second = clients.enter(ip("192.0.2.1"), 2).unwrap();
    assert!(first.is_some() && second.is_some());
    assert_eq!(clients.enter(ip("192.0.2.1"), 2).err(), Some(Full));
    assert!(clients.enter(ip("192.0.2.2"), 2).is_ok());
    drop(first);
    assert!(clients.enter(ip("192.0.2.1"), 2).is_ok());
}

#[test]
fn a_network_of_ipv6_is_one_client_and_mapped_ipv4_is_ipv4() {
    let clients = Clients::default();
    let _v6 = clients.enter(ip("2001:db8:1:2::7"), 1).unwrap();
    assert_eq!(clients.enter(ip("2001:db8:1:2:ffff::9"), 1).err(), Some(Full));
    assert!(clients.enter(ip("2001:db8:1:3::7"), 1).is_ok());
    let _v4 = clients.enter(ip("::ffff:192.0.2.1"), 1).unwrap();
    assert_eq!(clients.enter(ip("192.0.2.1"), 1).err(), Some(Full));
}
