//! Which certificate a client gets, and how a new one takes its place.

use portunus_testkit::{Authority, Client, Identity, Program, Refused, TlsClient, eventually};

use super::{FINE, LISTENER, Site};

const FOUR: &str = r#"
listeners:
  web:
    address: "127.0.0.1:0"
    tls:
      certificates:
        - {cert: first.pem, key: first.key}
        - {cert: exact.pem, key: exact.key}
        - {cert: wild.pem, key: wild.key}
        - {cert: rsa.pem, key: rsa.key}
hosts: {"*": {routes: {/**: {respond: fine}}}}
"#;

struct Four {
    authority: Authority,
    program: Program,
    first: Identity,
    exact: Identity,
    wild: Identity,
    rsa: Identity,
}

impl Four {
    fn start() -> Self {
        let authority = Authority::new("the test's");
        let first = authority.issue(&["first.test", "127.0.0.1"]);
        let exact = authority.issue(&["a.shop.test"]);
        let wild = authority.issue(&["*.shop.test"]);
        let rsa = authority.leaf(&["a.shop.test"]).rsa().issue();
        let setup = Program::config(FOUR).identity("first", &first).identity("exact", &exact);
        let program = setup.identity("wild", &wild).identity("rsa", &rsa).start();
        Self { authority, program, first, exact, wild, rsa }
    }

    /// The certificate that a client gets who asks for a name.
    #[track_caller]
    fn shown(&self, client: &TlsClient, name: &str) -> Vec<u8> {
        let mut client = client.fresh().h1(&self.program.address("web"), name);
        let certificate = client.tls().certificate().to_vec();
        assert_eq!(client.request("GET", "/").host(name).send().text(), "fine");
        certificate
    }
}

#[test]
fn the_certificate_is_that_of_the_name_exact_before_wildcard() {
    let four = Four::start();
    let client = TlsClient::trusting(&four.authority);
    assert_eq!(four.shown(&client, "first.test"), four.first.certificate());
    assert_eq!(four.shown(&client, "a.shop.test"), four.exact.certificate());
    assert_eq!(four.shown(&client, "A.Shop.TEST"), four.exact.certificate());
    assert_eq!(four.shown(&client, "b.shop.test"), four.wild.certificate());
}

#[test]
fn a_wildcard_is_good_for_one_label_alone() {
    let four = Four::start();
    let client = TlsClient::trusting(&four.authority);
    let address = four.program.address("web");
    // The first certificate is that of unknown names, and the client does not like it.
    for name in ["a.b.shop.test", "shop.test", "elsewhere.test"] {
        let refused = client.try_h1(&address, name).unwrap_err();
        assert!(
            matches!(&refused, Refused::Ours(why) if why.contains("not valid for name")),
            "{refused:?}"
        );
    }
}

#[test]
fn a_client_without_a_name_gets_the_first_certificate() {
    let four = Four::start();
    let client = TlsClient::trusting(&four.authority).without_name();
    let mut client = client.h1(&four.program.address("web"), "127.0.0.1");
    assert_eq!(client.tls().certificate(), four.first.certificate());
    assert_eq!(client.get("/").text(), "fine");
}

#[test]
fn rsa_and_ecdsa_stand_side_by_side_and_the_client_s_signatures_choose() {
    let four = Four::start();
    let client = TlsClient::trusting(&four.authority);
    for version in ["1.2", "1.3"] {
        let client = client.clone().version(version);
        let rsa = four.shown(&client.clone().only_rsa(), "a.shop.test");
        assert_eq!(rsa, four.rsa.certificate(), "{version}");
        let ecdsa = four.shown(&client.clone().only_ecdsa(), "a.shop.test");
        assert_eq!(ecdsa, four.exact.certificate(), "{version}");
        // Who takes both gets the one that costs less.
        assert_eq!(four.shown(&client, "a.shop.test"), four.exact.certificate(), "{version}");
    }
}

#[test]
fn a_host_may_bring_its_own_certificate() {
    let site = Site::new();
    let own = site.authority.issue(&["own.test"]);
    let config = format!(
        "{LISTENER}hosts: {{own.test: {{tls: [{{cert: own.pem, key: own.key}}], routes: {{/: {{respond: own}}}}}}, \"*\": {{routes: {{/: {{respond: fine}}}}}}}}\n"
    );
    let program = site.config(&config).identity("own", &own).start();
    let mut client = site.client().h1(&program.address("web"), "own.test");
    assert_eq!(client.tls().certificate(), own.certificate());
    assert_eq!(client.get("/").text(), "own");
    let client = site.client().h1(&program.address("web"), "shop.test");
    assert_eq!(client.tls().certificate(), site.identity.certificate());
}

#[test]
fn settings_of_the_top_level_are_those_of_each_listener() {
    let site = Site::new();
    let config = format!(
        "tls: {{certificates: [{{cert: site.pem, key: site.key}}], min_version: \"1.3\"}}\nlisteners: {{web: {{address: \"127.0.0.1:0\", tls: {{}}}}}}\n{FINE}"
    );
    let program = site.config(&config).start();
    let address = program.address("web");
    assert_eq!(site.client().h1(&address, "shop.test").get("/").text(), "fine");
    assert!(site.client().version("1.2").try_h1(&address, "shop.test").is_err());
}

/// Waits until new connections get this certificate, while `kept` is served all the time.
fn wait_for(site: &Site, address: &str, kept: &mut Client, identity: &Identity) {
    eventually("the new certificate is served", || {
        assert_eq!(kept.get("/").text(), "fine");
        let mut client = site.client().h1(address, "shop.test");
        assert_eq!(client.get("/").text(), "fine");
        client.tls().certificate() == identity.certificate()
    });
}

#[test]
fn files_that_change_are_served_without_a_reload_and_no_connection_is_dropped() {
    let site = Site::new();
    let program = site.start();
    let address = program.address("web");
    let mut kept = site.client().h1(&address, "shop.test");
    let kept_h2 = site.client().h2(&address, "shop.test");
    assert_eq!(kept.get("/").text(), "fine");
    let next = site.authority.issue(&["shop.test"]);
    // What is being written to the configuration meanwhile is not taken in by that.
    program.write_config(&format!("{LISTENER}{}", FINE.replace("fine", "unfinished")));
    program.folder().write_identity("site", &next);
    wait_for(&site, &address, &mut kept, &next);
    assert_eq!(kept.tls().certificate(), site.identity.certificate());
    assert_eq!(kept_h2.get("/").text(), "fine");
}

#[test]
fn a_key_that_does_not_fit_leaves_the_old_certificate_and_says_why() {
    let site = Site::new();
    let program = site.start();
    let address = program.address("web");
    let other = site.authority.issue(&["shop.test"]);
    program.folder().write("site.key", other.key_pem());
    program.wait_for_stderr(|line| line.contains("site.key"));
    let mut client = site.client().h1(&address, "shop.test");
    assert_eq!(client.get("/").text(), "fine");
    assert_eq!(client.tls().certificate(), site.identity.certificate());
    let refused = [("result", "failure")];
    assert!(program.metrics().sum("portunus_certificate_refreshes_total", &refused) >= 1.0);
    // The other half comes a moment later, as programs that renew certificates write them.
    program.folder().write("site.pem", other.certificate_pem());
    wait_for(&site, &address, &mut client, &other);
}

#[test]
fn a_reload_brings_a_new_certificate_and_keeps_connections() {
    let site = Site::new();
    let program = site.start();
    let address = program.address("web");
    let mut kept = site.client().h1(&address, "shop.test");
    assert_eq!(kept.get("/").text(), "fine");
    let next = site.authority.issue(&["shop.test"]);
    program.folder().write_identity("next", &next);
    program.reload(&format!("{}{FINE}", LISTENER.replace("site", "next")));
    wait_for(&site, &address, &mut kept, &next);
}

#[test]
fn when_a_certificate_ends_is_a_metric() {
    let site = Site::new();
    let program = site.start();
    let expiry = program.metrics().sum("portunus_certificate_expiry_timestamp_seconds", &[]);
    // 4096-01-01, as the testkit's certificates have it.
    assert!(expiry > 4_000_000_000.0, "{expiry}");
}

#[test]
fn the_ocsp_answer_of_a_file_is_sent_along_until_the_file_changes() {
    let site = Site::new();
    let listener = LISTENER.replace("key: site.key", "key: site.key, ocsp: site.ocsp");
    let setup = site.config(&format!("{listener}{FINE}")).file("site.ocsp", "the first answer");
    let program = setup.start();
    let address = program.address("web");
    for version in ["1.2", "1.3"] {
        let client = site.client().version(version);
        assert_eq!(client.h1(&address, "shop.test").get("/").text(), "fine");
        assert_eq!(client.staple(), b"the first answer");
    }
    program.folder().write("site.ocsp", "the second answer");
    eventually("the second answer is sent", || {
        let client = site.client();
        client.h1(&address, "shop.test").get("/");
        client.staple() == b"the second answer"
    });
}
