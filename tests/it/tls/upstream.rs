//! TLS to upstreams: names, authorities, our own certificate, sessions.

use portunus_testkit::{
    Authority, Identity, Origin, Program, Response, TlsServer, Transport, eventually,
};

const CONFIG: &str = r#"
upstreams: {up: {endpoints: "{origin}", tls: {tls}}}
hosts: {"*": {routes: {/**: up}}}
"#;

struct Pair {
    authority: Authority,
    origin: Origin,
}

impl Pair {
    /// An origin with a certificate that the authority issued.
    fn new(issue: impl FnOnce(&Authority) -> Identity) -> Self {
        Self::over(Transport::h1(), issue)
    }

    fn over(transport: Transport, issue: impl FnOnce(&Authority) -> Identity) -> Self {
        let authority = Authority::new("of upstreams");
        let transport = transport.tls(&TlsServer::new(&issue(&authority)));
        let origin = Origin::over(transport, |_| Response::text("fine"));
        Self { authority, origin }
    }

    fn start(&self, tls: &str) -> Program {
        self.start_with(tls, &self.authority)
    }

    fn start_with(&self, tls: &str, trusted: &Authority) -> Program {
        let setup = Program::config(CONFIG).fill("origin", &self.origin).fill("tls", tls);
        setup.file("ca.pem", &trusted.pem()).start()
    }

    /// The program's own answer is that the origin's certificate does not please.
    fn refuses(&self, tls: &str, said: &str) {
        let program = self.start(tls);
        let answer = program.get("/");
        answer.assert_own(502, CERTIFICATE);
        assert!(self.origin.requests().is_empty());
        program.get("/").assert_own(502, CERTIFICATE);
        let labels = [("reason", CERTIFICATE)];
        eventually("both answers are counted", || {
            program.metrics().sum("portunus_replies_total", &labels) == 2.0
        });
        program.wait_for_stderr(|line| line.contains(said));
    }
}

/// The reason when the upstream's certificate is not good.
const CERTIFICATE: &str = "upstream.tls_certificate";
/// The reason when TLS with the upstream fails otherwise.
const FAILED: &str = "upstream.tls_failed";

#[test]
fn an_upstream_is_reached_over_tls_by_its_own_name_or_another_one() {
    let pair = Pair::new(|authority| authority.issue(&["origin.test", "127.0.0.1"]));
    for (tls, name) in
        [("{ca: ca.pem, server_name: origin.test}", Some("origin.test")), ("{ca: ca.pem}", None)]
    {
        let program = pair.start(tls);
        assert_eq!(program.get("/").text(), "fine");
        let request = pair.origin.last();
        // An address is no name: it is not sent (RFC 6066 section 3).
        assert_eq!(request.tls().server_name.as_deref(), name);
        assert_eq!(request.tls().version, "1.3");
        assert_eq!(request.host(), Some("shop.test"));
    }
}

#[test]
fn the_best_protocol_of_both_is_spoken_unless_told_otherwise() {
    let pair = Pair::over(Transport::both(), |authority| authority.issue(&["127.0.0.1"]));
    for (http, version) in [("auto", "HTTP/2"), ("1", "HTTP/1.1"), ("2", "HTTP/2")] {
        let program = pair.start(&format!("{{ca: ca.pem}}, http: {http}"));
        assert_eq!(program.get("/").text(), "fine");
        assert_eq!(pair.origin.last().version, version, "{http}");
    }
    let old = Pair::new(|authority| authority.issue(&["127.0.0.1"]));
    assert_eq!(old.start("{ca: ca.pem}").get("/").text(), "fine");
    assert_eq!(old.origin.last().version, "HTTP/1.1");
    old.start("{ca: ca.pem}, http: 2").get("/").assert_own(502, FAILED);
}

#[test]
fn a_certificate_for_another_name_is_not_taken() {
    let pair = Pair::new(|authority| authority.issue(&["origin.test"]));
    pair.refuses("{ca: ca.pem, server_name: other.test}", "other.test");
}

#[test]
fn a_certificate_without_the_address_is_not_taken() {
    let pair = Pair::new(|authority| authority.issue(&["origin.test"]));
    pair.refuses("{ca: ca.pem}", "127.0.0.1");
}

#[test]
fn an_expired_certificate_is_not_taken() {
    let pair = Pair::new(|authority| authority.leaf(&["127.0.0.1"]).expired().issue());
    pair.refuses("{ca: ca.pem}", "expired");
}

#[test]
fn a_certificate_of_an_unknown_authority_is_not_taken() {
    let pair = Pair::new(|authority| authority.issue(&["127.0.0.1"]));
    let program = pair.start_with("{ca: ca.pem}", &Authority::new("of somebody else"));
    program.get("/").assert_own(502, CERTIFICATE);
    // Neither do the system's authorities know it.
    pair.start("{}").get("/").assert_own(502, CERTIFICATE);
    assert!(pair.origin.requests().is_empty());
}

#[test]
fn whoever_says_so_loudly_takes_any_certificate() {
    let pair = Pair::new(|authority| authority.leaf(&["other.test"]).expired().issue());
    let program = pair.start("{insecure_skip_verify: true}");
    assert_eq!(program.get("/").text(), "fine");
}

#[test]
fn our_own_certificate_is_shown_where_it_is_demanded() {
    let authority = Authority::new("of upstreams");
    let server = TlsServer::new(&authority.issue(&["127.0.0.1"])).require_client(&authority);
    let origin = Origin::over(Transport::h1().tls(&server), |_| Response::text("fine"));
    let ours = authority.client("portunus");
    let start = |tls: &str| {
        let setup = Program::config(CONFIG).fill("origin", &origin).fill("tls", tls);
        setup.file("ca.pem", &authority.pem()).identity("ours", &ours).start()
    };
    let program = start("{ca: ca.pem, client: {cert: ours.pem, key: ours.key}}");
    assert_eq!(program.get("/").text(), "fine");
    assert_eq!(origin.request().tls().certificate(), ours.certificate());
    let answer = start("{ca: ca.pem}").get("/");
    assert_eq!(answer.status, 502, "{answer:?}");
    assert!(
        answer.headers.all("proxy-status").any(|value| value.contains("upstream.")),
        "{answer:?}"
    );
    assert_eq!(origin.requests().len(), 1);
}

#[test]
fn a_new_connection_to_an_upstream_resumes_its_session() {
    let authority = Authority::new("of upstreams");
    let server = TlsServer::new(&authority.issue(&["127.0.0.1"]));
    let origin =
        Origin::over(Transport::h1().tls(&server), |_| Response::text("fine").then_close());
    let setup = Program::config(CONFIG).fill("origin", &origin).fill("tls", "{ca: ca.pem}");
    let program = setup.file("ca.pem", &authority.pem()).start();
    let mut client = program.client();
    for _ in 0..3 {
        assert_eq!(client.get("/").text(), "fine");
    }
    let resumed: Vec<_> =
        origin.requests().iter().map(|request| request.tls().is_resumed).collect();
    assert_eq!(resumed, [false, true, true]);
}

#[test]
fn an_upstream_that_speaks_no_tls_is_told() {
    let origin = Origin::raw(|mut peer| {
        peer.read_bytes(5);
        peer.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        peer.wait_for_close();
    });
    let url = origin.to_string().replace("http:", "https:");
    let setup =
        Program::config(CONFIG).fill("origin", url).fill("tls", "{insecure_skip_verify: true}");
    let program = setup.start();
    program.get("/").assert_own(502, FAILED);
    eventually("the answer is counted", || {
        program.metrics().sum("portunus_replies_total", &[("reason", FAILED)]) == 1.0
    });
}

#[test]
fn the_lowest_version_holds_for_upstreams_too() {
    let pair = Pair::new(|authority| authority.issue(&["127.0.0.1"]));
    let program = pair.start("{ca: ca.pem, min_version: \"1.3\"}");
    assert_eq!(program.get("/").text(), "fine");
}

#[test]
fn health_is_checked_over_tls_with_the_same_demands() {
    let good = Pair::new(|authority| authority.issue(&["127.0.0.1"]));
    let bad = Pair::new(|authority| authority.issue(&["other.test"]));
    let config = r#"
upstreams:
  up:
    endpoints: ["{good}", "{bad}"]
    tls: {ca: both.pem}
    health: {path: /up, every: 50ms, healthy_after: 1, unhealthy_after: 1}
hosts: {"*": {routes: {/**: up}}}
"#;
    let both = format!("{}{}", good.authority.pem(), bad.authority.pem());
    let setup = Program::config(config).fill("good", &good.origin).fill("bad", &bad.origin);
    let program = setup.file("both.pem", &both).start();
    let mut client = program.client();
    eventually("only the good one is asked", || (0..6).all(|_| client.get("/").status == 200));
    assert!(bad.origin.requests().is_empty());
}
