//! What goes wrong at a TLS port, and how it is told.

use std::os::unix::fs::PermissionsExt as _;

use portunus_testkit::{Client, End, Folder, Program, TlsClient, eventually};

use super::{FINE, LISTENER, Site};

const TWO: &str = "listeners:\n  web: {address: \"127.0.0.1:0\", tls: [{cert: site.pem, key: site.key}]}\n  plain: \"127.0.0.1:0\"\n";

fn errors(program: &Program, listener: &str, kind: &str) -> f64 {
    let labels = [("listener", listener), ("kind", kind)];
    program.metrics().sum("portunus_listener_tls_errors_total", &labels)
}

#[test]
fn plain_http_at_a_tls_port_is_told_so_in_plain_text() {
    let site = Site::new();
    let program = site.start();
    for method in ["GET", "POST"] {
        let mut client = program.client();
        let answer = client.request(method, "/").send();
        answer.assert_own(400, "tls.expected");
        assert!(answer.text().contains("https://"), "{answer:?}");
        assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/plain")));
        client.wait_for_close();
    }
    assert_eq!(site.client().h1(&program.address("web"), "shop.test").get("/").text(), "fine");
}

#[test]
fn bytes_of_no_protocol_at_a_tls_port_are_closed_and_counted() {
    let site = Site::new();
    let program = site.start();
    for bytes in [b"\0\0\0\0\0\0\0\0".as_slice(), b"\x16\x03\x01\x00\x05hello", b"SSH-2.0-a\r\n"] {
        let mut client = program.client();
        client.send(bytes);
        client.into_closed();
    }
    let counted = || errors(&program, "web", "not_tls") + errors(&program, "web", "protocol");
    eventually("each is counted", || counted() == 3.0);
    assert_eq!(site.client().h1(&program.address("web"), "shop.test").get("/").text(), "fine");
}

#[test]
fn tls_at_a_plain_port_is_closed_and_counted() {
    let site = Site::new();
    let program = site.config(&format!("{TWO}{FINE}")).start();
    let refused = site.client().try_h1(&program.address("plain"), "shop.test");
    assert!(refused.is_err());
    eventually("it is counted", || errors(&program, "plain", "unexpected") == 1.0);
    assert_eq!(Client::connect(&program.address("plain")).get("/").text(), "fine");
}

#[test]
fn a_hello_that_never_ends_is_cut() {
    let site = Site::new();
    let listener = LISTENER.replace("tls:", "timeouts: {header_read: 200ms}, tls:");
    let program = site.config(&format!("{listener}{FINE}")).start();
    for begun in [b"".as_slice(), b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"] {
        let mut client = program.client();
        client.send(begun);
        client.into_closed();
    }
    eventually("each is counted", || errors(&program, "web", "timeout") == 3.0);
}

const HOSTS: &str = "hosts: {shop.test: {routes: {/: {respond: shop}}}, other.test: {routes: {/: {respond: other}}}}\n";

#[test]
fn a_host_that_the_connection_s_certificate_does_not_cover_is_misdirected() {
    let site = Site::new();
    let program = site.config(&format!("{LISTENER}{HOSTS}")).start();
    let address = program.address("web");
    let mut client = site.client().h1(&address, "shop.test");
    client.request("GET", "/").host("other.test").send().assert_own(421, "tls.misdirected");
    assert_eq!(client.get("/").text(), "shop");
    let client = site.client().h2(&address, "shop.test");
    client.request("GET", "/").host("other.test").send().assert_own(421, "tls.misdirected");
    assert_eq!(client.request("GET", "/").host("Shop.Test:443").send().text(), "shop");
}

#[test]
fn a_host_that_the_certificate_covers_too_may_share_the_connection() {
    let mut site = Site::new();
    site.identity = site.authority.issue(&["shop.test", "*.test"]);
    let program = site.config(&format!("{LISTENER}{HOSTS}")).start();
    let client = site.client().h2(&program.address("web"), "shop.test");
    assert_eq!(client.request("GET", "/").host("other.test").send().text(), "other");
}

#[test]
fn the_check_of_hosts_can_be_turned_off() {
    let site = Site::new();
    let listener = LISTENER
        .replace("[{cert", "{host_must_fit_sni: false, certificates: [{cert")
        .replace("}]}}", "}]}}}");
    let program = site.config(&format!("{listener}{HOSTS}")).start();
    let mut client = site.client().h1(&program.address("web"), "shop.test");
    assert_eq!(client.request("GET", "/").host("other.test").send().text(), "other");
}

#[test]
fn a_client_that_gives_up_in_the_handshake_is_counted_by_its_alert() {
    let site = Site::new();
    let program = site.start();
    let stranger = portunus_testkit::Authority::new("of somebody else");
    let address = program.address("web");
    for version in ["1.2", "1.3"] {
        let client = TlsClient::trusting(&stranger).version(version);
        assert!(client.try_h1(&address, "shop.test").is_err());
    }
    eventually("both are counted", || errors(&program, "web", "peer_rejected_certificate") == 2.0);
}

#[test]
fn clients_without_tls_are_sent_to_https_and_those_with_it_are_told_to_stay() {
    let site = Site::new();
    let hosts = "hosts: {shop.test: {redirect_https: true, hsts: {max_age: 365d, include_subdomains: true}, routes: {/**: {respond: fine}}}}\n";
    let program = site.config(&format!("{TWO}{hosts}")).start();
    let mut plain = Client::connect(&program.address("plain"));
    let answer = plain.request("POST", "/a%20b?c=d").body("x").send();
    assert_eq!(answer.status, 308);
    let port = program.address("web").replace("127.0.0.1:", "");
    let expected =
        [format!("https://shop.test:{port}/a%20b?c=d"), "https://shop.test/a%20b?c=d".to_owned()];
    let location = answer.header("location").unwrap_or_default();
    assert!(expected.contains(&location.to_owned()), "{answer:?}");
    assert_eq!(answer.header("strict-transport-security"), None);
    let answer = site.client().h1(&program.address("web"), "shop.test").get("/a");
    assert_eq!(answer.text(), "fine");
    let told = answer.header("strict-transport-security");
    assert_eq!(told, Some("max-age=31536000; includeSubDomains"));
}

/// Files beside a configuration: names and texts.
type Files<'a> = &'a [(&'a str, &'a str)];

/// What `portunus check` says to a listener with these files.
fn check(files: Files<'_>) -> portunus_testkit::Finished {
    let config = "listeners:\n  web:\n    address: \"127.0.0.1:0\"\n    tls: {certificates: [{cert: a.pem, key: a.key}]}\nhosts: {\"*\": {routes: {/: {respond: a}}}}\n";
    let folder = Folder::with(config);
    for (name, text) in files {
        folder.write(name, text);
        let private = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(folder.path(name), private).unwrap();
    }
    folder.run("check -c portunus.yaml")
}

#[test]
fn a_pair_that_cannot_be_used_is_told_with_its_place_before_anything_starts() {
    let site = Site::new();
    let other = site.authority.issue(&["shop.test"]);
    let (certificate, key) = (site.identity.certificate_pem(), site.identity.key_pem());
    let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let cases: [(&str, Files<'_>, &str); 5] = [
        ("not there", &[], "a.pem"),
        ("another's key", &[("a.pem", certificate), ("a.key", other.key_pem())], "do not fit"),
        ("no certificate", &[("a.pem", "hello"), ("a.key", key)], "certificate"),
        ("swapped", &[("a.pem", key), ("a.key", certificate)], "a.pem"),
        ("encrypted", &[("a.pem", certificate), ("a.key", &encrypted)], "encrypted"),
    ];
    for (case, files, said) in cases {
        let finished = check(files).with_code(1);
        assert!(finished.stderr.contains("portunus.yaml:4:"), "{case}: {}", finished.stderr);
        assert!(finished.stderr.contains(said), "{case}: {}", finished.stderr);
    }
    let finished = check(&[("a.pem", certificate), ("a.key", key)]).with_code(0);
    assert!(!finished.stderr.contains("warning"), "{}", finished.stderr);
}

#[test]
fn an_expired_certificate_is_a_warning_with_its_place() {
    let site = Site::new();
    let expired = site.authority.leaf(&["shop.test"]).expired().issue();
    let files = [("a.pem", expired.certificate_pem()), ("a.key", expired.key_pem())];
    let finished = check(&files).with_code(0);
    assert!(finished.stderr.contains("portunus.yaml:4:"), "{}", finished.stderr);
    assert!(finished.stderr.contains("expired"), "{}", finished.stderr);
}

#[test]
fn a_log_line_tells_what_tls_agreed_on() {
    let site = Site::new();
    let config = format!("log: {{access: {{to: stdout}}}}\n{LISTENER}{FINE}");
    let program = site.config(&config).start();
    site.client().h2(&program.address("web"), "shop.test").get("/logged");
    let line = program.wait_for_stdout(|line| line.contains("/logged"));
    let record: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&record["protocol"], &record["scheme"]),
        (&"h2".into(), &"https".into()),
        "{record}"
    );
    assert_eq!(record["version"], "HTTP/2");
    assert_eq!(record["tls.version"], "1.3", "{record}");
    assert_eq!(record["tls.server_name"], "shop.test", "{record}");
    assert!(record["tls.cipher"].as_str().is_some_and(|cipher| cipher.contains("AES")), "{record}");
}

#[test]
fn handshakes_are_counted_by_how_they_went() {
    let site = Site::new();
    let program = site.start();
    let address = program.address("web");
    let client = site.client();
    for _ in 0..2 {
        assert_eq!(client.h1(&address, "shop.test").get("/").text(), "fine");
    }
    let count = |result: &str| {
        let labels = [("listener", "web"), ("result", result)];
        program.metrics().sum("portunus_listener_tls_handshakes_total", &labels)
    };
    eventually("both are counted", || (count("full"), count("resumed")) == (1.0, 1.0));
}

/// What a peer sees that is no TLS client: the end, whatever alert comes before it.
trait IntoClosed {
    fn into_closed(self);
}

impl IntoClosed for Client {
    fn into_closed(self) {
        use std::io::Read as _;
        let mut rest = Vec::new();
        // A reset is an end as well.
        let _ = self.into_tcp().read_to_end(&mut rest);
        assert!(rest.is_empty() || rest.first() == Some(&21), "no alert: {rest:?}");
        let _ = End::Closed;
    }
}
