//! The PROXY protocol towards upstreams, below TLS and above it, and through two of us.

use portunus_testkit::{
    Authority, Client, Origin, Program, Response, TlsClient, TlsServer, Transport,
};

const CONFIG: &str = r#"
trusted_proxies: [127.0.0.1]
listeners:
  web: "127.0.0.1:0"
  told: {address: "127.0.0.1:0", proxy_protocol: required}
  secure: {address: "127.0.0.1:0", proxy_protocol: required, tls: [{cert: site.pem, key: site.key}]}
upstreams: {up: {endpoints: "{origin}", http: {http}, proxy_protocol: {version}{tls}}}
hosts: {"*": {routes: {/**: up}}}
"#;

struct Told {
    authority: Authority,
    origin: Origin,
    program: Program,
}

impl Told {
    fn start(version: &str, transport: Transport, http: &str) -> Self {
        let authority = Authority::new("the test's");
        Self::over(version, transport.after_proxy_header(), http, "", authority)
    }

    fn over(
        version: &str,
        transport: Transport,
        http: &str,
        tls: &str,
        authority: Authority,
    ) -> Self {
        let origin = Origin::over(transport, |_| Response::text("fine"));
        let setup = Program::config(CONFIG).fill("origin", &origin).fill("version", version);
        let setup = setup.fill("http", http).fill("tls", tls).file("ca.pem", &authority.pem());
        let program = setup.identity("site", &authority.issue(&["shop.test"])).start();
        Self { authority, origin, program }
    }

    fn header(&self) -> Vec<u8> {
        self.origin.last().proxy_header.expect("the origin reads one")
    }
}

fn port(address: &str) -> u16 {
    address.rsplit_once(':').unwrap().1.parse().unwrap()
}

/// A header of version 2 for IPv4: addresses, ports, and what follows.
fn version_2(from: ([u8; 4], u16), to: ([u8; 4], u16), rest: &[u8]) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11".to_vec();
    header.extend(u16::try_from(12 + rest.len()).unwrap().to_be_bytes());
    header.extend(from.0);
    header.extend(to.0);
    header.extend(from.1.to_be_bytes());
    header.extend(to.1.to_be_bytes());
    header.extend(rest);
    header
}

const LOCAL: [u8; 4] = [127, 0, 0, 1];

#[test]
fn version_1_tells_the_upstream_who_the_client_is() {
    let told = Told::start("v1", Transport::h1(), "1");
    let mut client = told.program.client();
    let (from, to) = (client.local_address().port(), port(&told.program.address("web")));
    assert_eq!(client.get("/").text(), "fine");
    let expected = format!("PROXY TCP4 127.0.0.1 127.0.0.1 {from} {to}\r\n");
    assert_eq!(String::from_utf8(told.header()).unwrap(), expected);
}

#[test]
fn version_2_tells_the_upstream_who_the_client_is() {
    for (transport, http) in [(Transport::h1(), "1"), (Transport::h2(), "2")] {
        let told = Told::start("v2", transport, http);
        let mut client = told.program.client();
        let (from, to) = (client.local_address().port(), port(&told.program.address("web")));
        assert_eq!(client.get("/").text(), "fine");
        let header = told.header();
        assert!(
            header.starts_with(&version_2((LOCAL, from), (LOCAL, to), b"")[..12]),
            "{header:?}"
        );
        assert_eq!(
            header[16..28],
            version_2((LOCAL, from), (LOCAL, to), b"")[16..28],
            "{header:?}"
        );
    }
}

#[test]
fn a_connection_to_the_upstream_is_one_client_s_alone() {
    for (transport, http) in [(Transport::h1(), "1"), (Transport::h2(), "2")] {
        let told = Told::start("v1", transport, http);
        let mut clients = [told.program.client(), told.program.client()];
        for _ in 0..2 {
            for client in &mut clients {
                assert_eq!(client.get("/").text(), "fine");
                let from = format!(" {} ", client.local_address().port());
                let header = String::from_utf8(told.header()).unwrap();
                assert!(header.contains(&from), "{header} is not of {from}");
            }
        }
        assert!(told.origin.connections() >= 2);
    }
}

#[test]
fn what_another_proxy_told_us_is_told_on_with_all_its_extras() {
    let told = Told::start("v2", Transport::h1(), "1");
    // PP2_TYPE_AUTHORITY, and one of the range for own use.
    let extras = b"\x02\x00\x09shop.test\xe1\x00\x04abcd";
    let given = version_2(([203, 0, 113, 5], 1234), ([198, 51, 100, 7], 443), extras);
    let mut client = Client::connect(&told.program.address("told"));
    client.send(&given);
    assert_eq!(client.get("/").text(), "fine");
    let header = told.header();
    assert_eq!(header[16..28], given[16..28]);
    for extra in [b"\x02\x00\x09shop.test".as_slice(), b"\xe1\x00\x04abcd"] {
        let has = header.windows(extra.len()).any(|window| window == extra);
        assert!(has, "{extra:?} is not in {header:?}");
    }
    assert_eq!(told.origin.request().header("x-forwarded-for"), Some("203.0.113.5"));
}

#[test]
fn a_header_before_tls_is_read_and_told_on() {
    let told = Told::start("v1", Transport::h1(), "1");
    let address = told.program.address("secure");
    let given = b"PROXY TCP4 203.0.113.9 198.51.100.7 1234 443\r\n";
    let tls = TlsClient::trusting(&told.authority);
    let mut bare = std::net::TcpStream::connect(&address).unwrap();
    std::io::Write::write_all(&mut bare, given).unwrap();
    let mut client = tls.try_h1_over(bare, "shop.test").unwrap();
    assert_eq!(client.get("/").text(), "fine");
    assert_eq!(told.header(), given);
    let request = told.origin.request();
    assert_eq!(request.header("x-forwarded-for"), Some("203.0.113.9"));
    assert_eq!(request.header("x-forwarded-proto"), Some("https"));
    // Without the header there is no TLS either.
    assert!(tls.try_h1(&address, "shop.test").is_err());
}

#[test]
fn the_header_comes_before_tls_with_the_upstream() {
    let authority = Authority::new("the test's");
    let server = TlsServer::new(&authority.issue(&["127.0.0.1"]));
    let transport = Transport::h1().tls(&server).after_proxy_header();
    let told = Told::over("v1", transport, "1", ", tls: {ca: ca.pem}", authority);
    assert_eq!(told.program.get("/").text(), "fine");
    assert!(told.header().starts_with(b"PROXY TCP4 127.0.0.1 "));
}

#[test]
fn two_of_us_tell_the_services_who_the_client_is() {
    let origin = Origin::text("fine");
    let gateway = r#"
trusted_proxies: [127.0.0.1]
listeners: {web: {address: "127.0.0.1:0", proxy_protocol: required}}
hosts: {"*": {routes: {/**: "{origin}"}}}
"#;
    let gateway = Program::config(gateway).fill("origin", &origin).start();
    let edge = r#"
trusted_proxies: [127.0.0.1]
listeners:
  web: {address: "127.0.0.1:0", proxy_protocol: required}
  secure: {address: "127.0.0.1:0", tls: [{cert: site.pem, key: site.key}]}
upstreams: {gateway: {endpoints: "http://{gateway}", proxy_protocol: v2}}
hosts: {"*": {routes: {/**: gateway}}}
"#;
    let authority = Authority::new("the test's");
    let edge = Program::config(edge).fill("gateway", gateway.address("web"));
    let edge = edge.identity("site", &authority.issue(&["shop.test"])).start();
    let mut client = edge.client();
    client.send("PROXY TCP4 203.0.113.5 10.0.0.1 1234 80\r\n");
    assert_eq!(client.get("/").text(), "fine");
    let request = origin.request();
    let first = request.headers.all("x-forwarded-for").next();
    assert!(first.is_some_and(|chain| chain.starts_with("203.0.113.5")), "{request:?}");
    assert_eq!(request.header("x-real-ip"), Some("203.0.113.5"));
    assert_eq!(request.header("x-forwarded-proto"), Some("http"));
    // The edge ends TLS; that it was there is not lost either.
    let mut client = TlsClient::trusting(&authority).h1(&edge.address("secure"), "shop.test");
    assert_eq!(client.get("/").text(), "fine");
    let request = origin.requests().pop().unwrap();
    assert_eq!(request.header("x-forwarded-proto"), Some("https"), "{request:?}");
}

#[test]
fn two_of_us_with_mtls_between_them_tell_the_services_who_the_client_is() {
    let (site, inner) = (Authority::new("of the site"), Authority::new("between the tiers"));
    let origin = Origin::text("fine");
    let gateway = r#"
trusted_proxies: [127.0.0.1]
listeners:
  web:
    address: "127.0.0.1:0"
    tls:
      certificates: [{cert: gateway.pem, key: gateway.key}]
      client_auth: inner.pem
      # The edge asks for the gateway by its own name, and for the site by its host.
      host_must_fit_sni: false
hosts: {"*": {routes: {/**: "{origin}"}}}
"#;
    let setup = Program::config(gateway).fill("origin", &origin).file("inner.pem", &inner.pem());
    let gateway = setup.identity("gateway", &inner.issue(&["gateway.internal"])).start();
    let edge = r#"
listeners: {web: {address: "127.0.0.1:0", tls: [{cert: site.pem, key: site.key}]}}
upstreams:
  gateway:
    endpoints: "https://{gateway}"
    tls: {ca: inner.pem, server_name: gateway.internal, client: {cert: edge.pem, key: edge.key}}
hosts: {shop.test: {routes: {/**: gateway}}}
"#;
    let setup = Program::config(edge).fill("gateway", gateway.address("web"));
    let setup = setup.file("inner.pem", &inner.pem()).identity("edge", &inner.client("edge"));
    let edge = setup.identity("site", &site.issue(&["shop.test"])).start();
    let tls = TlsClient::trusting(&site);
    assert_eq!(tls.h1(&edge.address("web"), "shop.test").get("/").text(), "fine");
    assert_eq!(tls.h2(&edge.address("web"), "shop.test").get("/").text(), "fine");
    for request in origin.requests() {
        assert_eq!(request.header("x-forwarded-proto"), Some("https"));
        assert_eq!(request.header("x-real-ip"), Some("127.0.0.1"));
        assert_eq!(request.host(), Some("shop.test"));
    }
    // Who has no certificate of the inner authority does not come past the gateway.
    assert!(Client::connect(&gateway.address("web")).get("/").status == 400);
}
