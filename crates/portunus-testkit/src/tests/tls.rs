use crate::{
    Authority, Client, End, H2Client, Origin, Refused, Response, TlsClient, TlsServer, Transport,
};

const NAME: &str = "origin.test";

fn origin(authority: &Authority, transport: Transport) -> Origin {
    let server = TlsServer::new(&authority.issue(&[NAME]));
    Origin::over(transport.tls(&server), |request| Response::text(&request.body))
}

#[test]
fn both_sides_tell_what_they_agreed_on() {
    let authority = Authority::new("ours");
    let origin = origin(&authority, Transport::both());
    let client = TlsClient::trusting(&authority).alpn(&["http/1.1"]);
    let mut h1 = client.h1(&origin.address().to_string(), NAME);
    assert_eq!(h1.request("PUT", "/").body("a").send().text(), "a");
    let (facts, request) = (h1.tls(), origin.request());
    assert_eq!((facts.version.as_str(), facts.alpn.as_deref()), ("1.3", Some("http/1.1")));
    assert_eq!(request.tls().server_name.as_deref(), Some(NAME));
    assert_eq!(request.tls().group, facts.group);
    let h2 = client.alpn(&["h2", "http/1.1"]).h2(&origin.address().to_string(), NAME);
    assert_eq!(h2.request("PUT", "/").body("b").send().text(), "b");
    assert_eq!(origin.last().authority.as_deref(), Some(NAME));
}

#[test]
fn a_second_connection_resumes_and_a_fresh_client_does_not() {
    let authority = Authority::new("ours");
    let origin = origin(&authority, Transport::h1());
    let address = origin.address().to_string();
    for version in ["1.2", "1.3"] {
        let client = TlsClient::trusting(&authority).version(version);
        let resumes = |client: &TlsClient| {
            let mut connection = client.h1(&address, NAME);
            connection.get("/");
            assert_eq!(connection.tls().version, version);
            connection.tls().is_resumed
        };
        assert!(!resumes(&client));
        assert!(resumes(&client));
        assert!(!resumes(&client.fresh()));
    }
}

#[test]
fn a_handshake_that_fails_says_why() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let client = TlsClient::trusting(&ours);
    let strange = origin(&theirs, Transport::h1());
    let refused = client.try_h1(&strange.address().to_string(), NAME).unwrap_err();
    assert!(matches!(&refused, Refused::Ours(why) if why.contains("UnknownIssuer")), "{refused:?}");
    let known = origin(&ours, Transport::h1());
    let refused = client.try_h1(&known.address().to_string(), "other.test").unwrap_err();
    assert!(matches!(&refused, Refused::Ours(_)), "{refused:?}");
    let plain = Origin::raw(drop);
    let refused = client.try_h1(&plain.address().to_string(), NAME).unwrap_err();
    assert_eq!(refused, Refused::Closed);
}

#[test]
fn an_origin_may_demand_a_certificate() {
    let authority = Authority::new("ours");
    let server = TlsServer::new(&authority.issue(&[NAME])).require_client(&authority);
    let origin = Origin::over(Transport::h1().tls(&server), |_| Response::text("in"));
    let address = origin.address().to_string();
    let bare = TlsClient::trusting(&authority).version("1.2").try_h1(&address, NAME);
    assert_eq!(bare.unwrap_err(), Refused::Alert("CertificateRequired".to_owned()));
    let mut late = TlsClient::trusting(&authority).version("1.3").h1(&address, NAME);
    assert_eq!(late.wait_for_close(), End::Alert("CertificateRequired"));
    let shown = authority.client("robot");
    let client = TlsClient::trusting(&authority).identity(&shown);
    assert_eq!(client.h1(&address, NAME).get("/").text(), "in");
    assert_eq!(origin.request().tls().certificate(), shown.certificate());
}

#[test]
fn signatures_of_one_kind_get_certificates_of_that_kind_alone() {
    let authority = Authority::new("ours");
    let rsa = TlsServer::new(&authority.leaf(&[NAME]).rsa().issue());
    let origin = Origin::over(Transport::h1().tls(&rsa), |_| Response::text("a"));
    let address = origin.address().to_string();
    let client = TlsClient::trusting(&authority);
    assert!(client.clone().only_ecdsa().try_h1(&address, NAME).is_err());
    // The authority's own signature is ECDSA: it is not the handshake's.
    assert!(client.version("1.2").only_rsa().try_h1(&address, NAME).is_ok());
}

#[test]
fn the_end_of_tls_is_told_from_a_cut() {
    let authority = Authority::new("ours");
    let server = TlsServer::new(&authority.issue(&[NAME]));
    let origin = Origin::over(Transport::h1().tls(&server), |_| Response::until_close("abc"));
    let mut client = TlsClient::trusting(&authority).h1(&origin.address().to_string(), NAME);
    assert!(client.get("/").is_complete);
    assert_eq!(client.wait_for_close(), End::Closed);
}

#[test]
fn a_proxy_header_is_read_to_its_end_before_http() {
    let transport = Transport::h2().after_proxy_header();
    let origin = Origin::over(transport, |_| Response::text("a"));
    let mut bare = Client::connect(&origin.address().to_string());
    bare.send("PROXY TCP4 203.0.113.5 10.0.0.1 1234 80\r\n");
    bare.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    bare.send([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    assert_eq!(bare.read_bytes(9)[3], 4);
    drop(bare);
    let transport = Transport::h1().after_proxy_header();
    let origin = Origin::over(transport, |_| Response::text("a"));
    let mut client = Client::connect(&origin.address().to_string());
    let head = [b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x03".as_slice(), b"abc"].concat();
    client.send(&head);
    assert_eq!(client.get("/").text(), "a");
    assert_eq!(origin.request().proxy_header, Some(head));
}

#[test]
fn a_storm_is_answered_by_an_origin_that_can() {
    let authority = Authority::new("ours");
    let origin = origin(&authority, Transport::h1());
    let client = TlsClient::trusting(&authority);
    let statuses = client.storm(&origin.address().to_string(), NAME, 8);
    assert_eq!(statuses, [200; 8]);
}

#[test]
fn plain_http_2_is_spoken_by_prior_knowledge() {
    let origin = Origin::over(Transport::h2(), |_| Response::text("a"));
    assert_eq!(H2Client::connect(&origin.address().to_string()).get("/").text(), "a");
    assert_eq!(origin.request().scheme.as_deref(), Some("http"));
}
