use super::{Updates, host_and_port};
use crate::fault::FaultKind;
use crate::plan::Rfc2136;

#[test]
fn the_port_of_a_server_is_53_unless_it_is_written() {
    let cases = [
        ("192.0.2.53", ("192.0.2.53", 53)),
        ("192.0.2.53:5353", ("192.0.2.53", 5353)),
        ("ns.example.com", ("ns.example.com", 53)),
        ("ns.example.com:54", ("ns.example.com", 54)),
        ("2001:db8::53", ("2001:db8::53", 53)),
        ("[2001:db8::53]:54", ("2001:db8::53", 54)),
        ("[2001:db8::53]", ("2001:db8::53", 53)),
    ];
    for (text, expected) in cases {
        assert_eq!(host_and_port(text), expected, "{text}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_said() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap().to_string();
    drop(listener);
    let plan = Rfc2136 { server: server.clone(), zone: None, tsig: None };
    let updates = Updates::open(&plan).await.unwrap();
    let fault = updates.add("a.example.test", "v".to_owned()).await.err().unwrap();
    assert_eq!(fault.kind, FaultKind::Records);
    assert!(fault.what.contains(&server) && fault.help.contains("`server`"), "{fault}");
}

#[tokio::test]
async fn a_name_outside_of_the_zone_is_said_before_anything_is_sent() {
    let zone = Some("other.test".to_owned());
    let plan = Rfc2136 { server: "127.0.0.1:1".to_owned(), zone, tsig: None };
    let updates = Updates::open(&plan).await.unwrap();
    let fault = updates.add("a.example.test", "v".to_owned()).await.err().unwrap();
    assert!(fault.what.contains("is not in the zone other.test."), "{fault}");
}
