use super::*;

#[test]
fn membership_is_that_of_the_single_networks() {
    let texts = ["10.0.0.0/8", "10.1.0.0/16", "192.168.1.1/32", "fd00::/8", "11.0.0.0/8"];
    let nets: Vec<IpNet> = texts.iter().map(|text| text.parse().unwrap()).collect();
    let set = Networks::new(&nets);
    for text in [
        "10.2.3.4",
        "11.255.255.255",
        "12.0.0.0",
        "9.255.255.255",
        "192.168.1.1",
        "192.168.1.2",
        "fd01::1",
        "fc00::1",
        "::ffff:10.0.0.1",
        "::1",
        "255.255.255.255",
    ] {
        let address: IpAddr = text.parse().unwrap();
        let any = nets.iter().any(|net| net.contains(&address.to_canonical()));
        assert_eq!(set.contains(address), any, "{text}");
    }
    assert!(!Networks::default().contains("10.0.0.1".parse().unwrap()));
}
