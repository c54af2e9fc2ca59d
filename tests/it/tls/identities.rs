//! Certificates of clients (mTLS), and what upstreams are told of them.

use portunus_testkit::{Authority, Client, End, Origin, Program, Refused, TlsClient, eventually};

use super::Site;

const CONFIG: &str = r#"
listeners:
  web:
    address: "127.0.0.1:0"
    tls:
      certificates: [{cert: site.pem, key: site.key}]
      client_auth: {client_auth}
      client_cert_header: true
upstreams: {up: "{origin}"}
hosts: {"*": {routes: {/**: up}}}
"#;

/// The program with an authority for clients of its own.
struct Mutual {
    site: Site,
    clients: Authority,
    origin: Origin,
    program: Program,
}

impl Mutual {
    fn start(client_auth: &str) -> Self {
        let (site, clients) = (Site::new(), Authority::new("of clients"));
        let origin = Origin::text("fine");
        let revoked = clients.revoke(&[&clients.client("nobody")]);
        let setup = site.config(CONFIG).fill("origin", &origin);
        let setup = setup.fill("client_auth", format!("{{{client_auth}}}"));
        let setup = setup.file("clients.pem", &clients.pem()).file("revoked.crl", &revoked);
        let program = setup.start();
        Self { site, clients, origin, program }
    }

    fn client(&self) -> TlsClient {
        self.site.client()
    }

    fn known(&self) -> TlsClient {
        self.client().identity(&self.clients.client("robot"))
    }

    #[track_caller]
    fn connect(&self, client: &TlsClient) -> Client {
        client.h1(&self.program.address("web"), "shop.test")
    }

    /// How a connection ends that is not welcome: in TLS 1.2 within the handshake, in 1.3 after it.
    #[track_caller]
    fn refusal(&self, client: &TlsClient, version: &str) -> String {
        let connected =
            client.clone().version(version).try_h1(&self.program.address("web"), "shop.test");
        match connected {
            Err(Refused::Alert(alert)) => alert,
            Err(other) => panic!("no alert: {other:?}"),
            Ok(mut client) => match client.wait_for_close() {
                End::Alert(alert) => alert.to_owned(),
                other => panic!("no alert: {other:?}"),
            },
        }
    }
}

#[test]
fn a_required_certificate_lets_in_those_who_have_it() {
    let mutual = Mutual::start("ca: clients.pem");
    for version in ["1.2", "1.3"] {
        let mut client = mutual.connect(&mutual.known().version(version));
        assert_eq!(client.get("/").text(), "fine");
        assert_eq!(mutual.refusal(&mutual.client(), version), "CertificateRequired");
        let stranger = Authority::new("strange").client("robot");
        let refusal = mutual.refusal(&mutual.client().identity(&stranger), version);
        assert!(["UnknownCA", "BadCertificate"].contains(&refusal.as_str()), "{refusal}");
        let expired = mutual.clients.leaf(&["robot"]).for_client().expired().issue();
        let refusal = mutual.refusal(&mutual.client().identity(&expired), version);
        assert_eq!(refusal, "CertificateExpired");
    }
    let kinds = ["client_cert_missing", "unknown_ca", "certificate_expired"];
    for kind in kinds {
        // The client may hear of it first.
        let labels = [("listener", "web"), ("kind", kind)];
        let count = || mutual.program.metrics().sum("portunus_listener_tls_errors_total", &labels);
        eventually(kind, || count() == 2.0);
    }
    assert_eq!(mutual.origin.requests().len(), 2);
}

#[test]
fn an_optional_certificate_may_be_left_out_but_not_be_wrong() {
    let mutual = Mutual::start("ca: clients.pem, mode: optional");
    assert_eq!(mutual.connect(&mutual.client()).get("/").text(), "fine");
    assert_eq!(mutual.origin.last().header("client-cert"), None);
    assert_eq!(mutual.connect(&mutual.known()).get("/").text(), "fine");
    assert!(mutual.origin.last().header("client-cert").is_some());
    let stranger = Authority::new("strange").client("robot");
    let refusal = mutual.refusal(&mutual.client().identity(&stranger), "1.3");
    assert!(["UnknownCA", "BadCertificate"].contains(&refusal.as_str()), "{refusal}");
}

#[test]
fn a_revoked_certificate_is_refused() {
    let mutual = Mutual::start("ca: clients.pem, crl: [revoked.crl]");
    let lost = mutual.clients.client("lost");
    assert_eq!(mutual.connect(&mutual.client().identity(&lost)).get("/").text(), "fine");
    let list = mutual.clients.revoke(&[&lost]);
    mutual.program.folder().write("revoked.crl", &list);
    let config = std::fs::read_to_string(mutual.program.path("portunus.yaml")).unwrap();
    mutual.program.reload(&config);
    let refusal = mutual.refusal(&mutual.client().identity(&lost), "1.3");
    assert_eq!(refusal, "CertificateRevoked");
    assert_eq!(mutual.connect(&mutual.known()).get("/").text(), "fine");
}

#[test]
fn the_upstream_is_told_the_certificate_as_rfc_9440_has_it() {
    let mutual = Mutual::start("ca: clients.pem");
    let robot = mutual.clients.client("robot");
    let mut client = mutual.connect(&mutual.client().identity(&robot));
    let sending = client.request("GET", "/").header("Client-Cert", ":AAAA:");
    assert_eq!(sending.header("Client-Cert-Chain", ":AAAA:").send().text(), "fine");
    let request = mutual.origin.request();
    assert_eq!(
        request.header("client-cert"),
        Some(format!(":{}:", base64(robot.certificate()))).as_deref()
    );
    assert_eq!(request.header("client-cert-chain"), None);
}

#[test]
fn a_client_cannot_claim_a_certificate_by_itself() {
    let site = Site::new();
    let origin = Origin::text("fine");
    let config =
        format!("{}hosts: {{\"*\": {{routes: {{/**: \"{{origin}}\"}}}}}}\n", super::LISTENER);
    let program = site.config(&config).fill("origin", &origin).start();
    let mut client = site.client().h1(&program.address("web"), "shop.test");
    let sending = client.request("GET", "/").header("Client-Cert", ":AAAA:");
    let sending = sending.header("Client_Cert", ":AAAA:").header("client-cert-chain", ":AAAA:");
    let _ = sending.send();
    for request in origin.requests() {
        let claims = ["client-cert", "client_cert", "client-cert-chain"];
        let told: Vec<_> = claims.iter().filter_map(|name| request.header(name)).collect();
        assert!(told.is_empty(), "{told:?}");
    }
    let plain = Program::before(&origin);
    let mut client = plain.client();
    client.request("GET", "/").header("Client-Cert", ":AAAA:").send();
    assert_eq!(origin.last().header("client-cert"), None);
}

#[test]
fn filters_and_templates_know_the_certificate() {
    let (site, clients) = (Site::new(), Authority::new("of clients"));
    let config = r#"
listeners:
  web:
    address: "127.0.0.1:0"
    tls: {certificates: [{cert: site.pem, key: site.key}], client_auth: {ca: clients.pem, mode: optional}}
hosts: {"*": {routes: {/: {respond: "{tls.version} {tls.server_name} {client.cert.subject} {client.cert.fingerprint}"}}}}
"#;
    let program = site.config(config).file("clients.pem", &clients.pem()).start();
    let robot = clients.client("robot");
    let mut client = site.client().identity(&robot).h1(&program.address("web"), "shop.test");
    let text = client.get("/").text().to_owned();
    let mut words = text.split(' ');
    assert_eq!((words.next(), words.next()), (Some("1.3"), Some("shop.test")), "{text}");
    assert!(words.next().is_some_and(|subject| subject.contains("robot")), "{text}");
    let fingerprint = words.next().unwrap_or_default();
    assert!(
        fingerprint.len() == 64 && fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{text}"
    );
}

#[test]
fn a_resumed_session_keeps_the_identity() {
    let mutual = Mutual::start("ca: clients.pem");
    for version in ["1.2", "1.3"] {
        let client = mutual.known().version(version);
        assert_eq!(mutual.connect(&client).get("/").text(), "fine");
        let first = mutual.origin.last().header("client-cert").map(str::to_owned);
        let mut again = mutual.connect(&client);
        assert_eq!(again.get("/").text(), "fine");
        assert_eq!(mutual.origin.last().header("client-cert").map(str::to_owned), first);
        assert!(first.is_some());
    }
}

#[test]
fn a_session_of_a_listener_without_client_certificates_is_none_of_one_with_them() {
    let (site, clients) = (Site::new(), Authority::new("of clients"));
    let config = r#"
tls: {certificates: [{cert: site.pem, key: site.key}]}
listeners:
  web: {address: "127.0.0.1:0", tls: {}}
  inner: {address: "127.0.0.1:0", tls: {client_auth: clients.pem}}
hosts: {"*": {routes: {/: {respond: fine}}}}
"#;
    let program = site.config(config).file("clients.pem", &clients.pem()).start();
    for version in ["1.2", "1.3"] {
        let client = site.client().version(version);
        assert_eq!(client.h1(&program.address("web"), "shop.test").get("/").text(), "fine");
        match client.try_h1(&program.address("inner"), "shop.test") {
            Err(Refused::Alert(alert)) => assert_eq!(alert, "CertificateRequired"),
            Err(other) => panic!("no alert: {other:?}"),
            Ok(mut client) => {
                assert_eq!(client.wait_for_close(), End::Alert("CertificateRequired"));
            }
        }
    }
}

/// Standard base64 with padding (RFC 4648), written here so that it is nobody else's.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_usize, |group, byte| group << 8 | usize::from(*byte));
        let group = group << (8 * (3 - chunk.len()));
        for at in 0..4 {
            match at <= chunk.len() {
                true => text.push(char::from(LETTERS[group >> (18 - 6 * at) & 63])),
                false => text.push('='),
            }
        }
    }
    text
}
