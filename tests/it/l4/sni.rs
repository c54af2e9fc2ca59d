//! TLS by name, without ending it.

use std::io::Write;
use std::net::{Shutdown, TcpStream};

use portunus_testkit::{
    Client, Origin, Program, Refused, Response, Setup, TlsServer, Transport, eventually,
};

use super::super::tls::Site;
use super::{connect, named, origin, read, read_to_end, record};

/// Two sites that end TLS themselves, each with the certificate of [`Site`].
struct Sites {
    site: Site,
    a: Origin,
    b: Origin,
}

impl Sites {
    fn new() -> Self {
        let authority = portunus_testkit::Authority::new("the test's");
        let names = ["a.test", "b.test", "x.b.test", "shop.test", "other.test"];
        let identity = authority.issue(&names);
        let tls = TlsServer::new(&identity);
        let over_tls = |text: &'static str| {
            Origin::over(Transport::both().tls(&tls), move |_| Response::text(text))
        };
        let (a, b) = (over_tls("a"), over_tls("b"));
        Self { site: Site { authority, identity }, a, b }
    }

    fn config(&self, listener: &str) -> Setup {
        let config = format!(
            "listeners: {{all: {{address: \"127.0.0.1:0\", {listener}}}}}\n\
             hosts: {{\"*\": {{routes: {{/**: {{respond: here}}}}}}}}\nlog: {{access: {{to: stdout}}}}\n"
        );
        let setup = self.site.config(&config).fill("a", self.a.address());
        setup.fill("b", self.b.address())
    }

    fn start(&self, listener: &str) -> Program {
        self.config(listener).start()
    }

    #[track_caller]
    fn check(&self, program: &Program, name: &str, text: &str) {
        let mut client = self.site.client().h1(&program.address("all"), name);
        assert_eq!(client.get("/").text(), text, "{name}");
    }
}

const NAMES: &str = "sni: {a.test: \"{a}\", \"*.b.test\": \"{b}\", b.test: \"{b}\"}";

#[test]
fn each_name_leads_to_its_origin_which_ends_tls() {
    let sites = Sites::new();
    let program = sites.start(NAMES);
    sites.check(&program, "a.test", "a");
    sites.check(&program, "b.test", "b");
    sites.check(&program, "x.b.test", "b");
    assert_eq!(sites.a.request().tls().server_name.as_deref(), Some("a.test"));
    let line = record(&program, |record| record["tls.server_name"] == "x.b.test");
    assert_eq!(line["protocol"], "tcp", "{line}");
    assert!(line["bytes_in"].as_u64() > Some(200), "{line}");
    // What the origin agrees on is between it and the client.
    let client = sites.site.client().alpn(&["h2"]).h2(&program.address("all"), "a.test");
    assert_eq!(client.get("/").text(), "a");
}

#[test]
fn a_name_that_leads_nowhere_is_told_so_and_counted() {
    let sites = Sites::new();
    let program = sites.start(NAMES);
    let address = program.address("all");
    let refused = Refused::Alert("UnrecognisedName".to_owned());
    let client = sites.site.client();
    assert_eq!(client.try_h1(&address, "other.test").unwrap_err(), refused);
    let nameless = client.without_name();
    assert_eq!(nameless.try_h1(&address, "a.test").unwrap_err(), refused);
    let count = |reason| program.metrics().sum("portunus_replies_total", &[("reason", reason)]);
    // The client has its alert before the end is counted.
    eventually("both are counted", || (count("sni.unknown"), count("sni.none")) == (1.0, 1.0));
}

#[test]
fn all_others_may_lead_somewhere() {
    let sites = Sites::new();
    let program = sites.start("sni: {a.test: \"{a}\", \"*\": \"{b}\"}");
    sites.check(&program, "a.test", "a");
    sites.check(&program, "other.test", "b");
    let nameless = sites.site.client().without_name();
    assert_eq!(nameless.h1(&program.address("all"), "a.test").get("/").text(), "b");
}

#[test]
fn names_that_lead_nowhere_are_served_here_where_tls_is() {
    let sites = Sites::new();
    let listener = format!("{NAMES}, tls: [{{cert: site.pem, key: site.key}}]");
    let program = sites.start(&listener);
    sites.check(&program, "a.test", "a");
    sites.check(&program, "shop.test", "here");
}

#[test]
fn http_tls_by_name_and_the_rest_share_a_port() {
    let sites = Sites::new();
    let listener = format!("{NAMES}, protocols: [h1, h2], tcp: \"{{rest}}\"");
    let program = sites.config(&listener).fill("rest", origin(named("+"))).start();
    let address = program.address("all");
    sites.check(&program, "a.test", "a");
    assert_eq!(Client::connect(&address).get("/").text(), "here");
    let mut other = connect(&address);
    other.write_all(b"\0\x01\x02").unwrap();
    assert_eq!(read(&mut other, 4), "+\0\x01\x02");
    assert_eq!(read(&mut connect(&address), 1), "+");
}

#[test]
fn a_hello_in_many_pieces_is_one() {
    let sites = Sites::new();
    let program = sites.start(NAMES);
    let hello = hello("a.test");
    // The origin's answer begins with a record of a handshake, whatever the pieces were.
    let mut client = connect(&program.address("all"));
    for byte in &hello {
        client.write_all(std::slice::from_ref(byte)).unwrap();
    }
    assert_eq!(read(&mut client, 2).as_bytes(), [22, 3]);
    // In records of ten bytes.
    let mut client = connect(&program.address("all"));
    for part in hello[5..].chunks(10) {
        let record = [&[22, 3, 1, 0, part.len() as u8], part].concat();
        client.write_all(&record).unwrap();
    }
    assert_eq!(read(&mut client, 2).as_bytes(), [22, 3]);
}

#[test]
fn what_only_looks_like_a_hello_is_closed_and_counted() {
    let sites = Sites::new();
    let program = sites.start(NAMES);
    let mut client = connect(&program.address("all"));
    client.write_all(b"\x16\x03\x01\x00\x05\x02\x00\x00\x00\x00").unwrap();
    assert_eq!(read_to_end(&mut client), b"");
    let mut half = connect(&program.address("all"));
    half.write_all(&hello("a.test")[..50]).unwrap();
    half.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_to_end(&mut half), b"");
    portunus_testkit::eventually("both are counted", || {
        let metrics = program.metrics();
        let count = |kind| {
            let labels = [("listener", "all"), ("kind", kind)];
            metrics.sum("portunus_listener_tls_errors_total", &labels)
        };
        (count("bad_message"), count("closed")) == (1.0, 1.0)
    });
    assert!(sites.a.requests().is_empty());
}

/// The first bytes of a client that asks for a name: taken from one that we answer nothing.
fn hello(name: &'static str) -> Vec<u8> {
    let (tell, told) = std::sync::mpsc::channel();
    let listening = origin(move |mut stream: TcpStream| {
        let mut head = vec![0; 5];
        std::io::Read::read_exact(&mut stream, &mut head).unwrap();
        let len = u16::from_be_bytes([head[3], head[4]]);
        let mut body = vec![0; len.into()];
        std::io::Read::read_exact(&mut stream, &mut body).unwrap();
        tell.send([head, body].concat()).unwrap();
    });
    let client = Site::new().client();
    assert!(client.try_h1(&listening.to_string(), name).is_err());
    told.recv_timeout(portunus_testkit::DEADLINE).unwrap()
}
