//! Versions, ALPN, and many handshakes at once.

use std::sync::atomic::{AtomicBool, Ordering};

use portunus_testkit::{Client, Refused, eventually};

use super::{FINE, LISTENER, Site};

#[test]
fn both_versions_are_spoken_and_the_newer_one_is_preferred() {
    let site = Site::new();
    let program = site.start();
    let address = program.address("web");
    for (client, version) in [
        (site.client(), "1.3"),
        (site.client().version("1.2"), "1.2"),
        (site.client().version("1.3"), "1.3"),
    ] {
        let mut client = client.h1(&address, "shop.test");
        assert_eq!(client.get("/").text(), "fine");
        assert_eq!(client.tls().version, version);
    }
}

#[test]
fn the_key_exchange_is_safe_from_computers_to_come() {
    let site = Site::new();
    let program = site.start();
    let client = site.client().h1(&program.address("web"), "shop.test");
    assert_eq!(client.tls().group, "X25519MLKEM768");
}

#[test]
fn a_version_below_the_lowest_is_refused_by_its_alert_and_counted() {
    let site = Site::new();
    let listener = "listeners: {web: {address: \"127.0.0.1:0\", tls: {certificates: [{cert: site.pem, key: site.key}], min_version: \"1.3\"}}}\n";
    let program = site.config(&format!("{listener}{FINE}")).start();
    let address = program.address("web");
    assert_eq!(site.client().h1(&address, "shop.test").get("/").text(), "fine");
    let refused = site.client().version("1.2").try_h1(&address, "shop.test").unwrap_err();
    assert_eq!(refused, Refused::Alert("ProtocolVersion".to_owned()));
    eventually("the failure is counted by its kind", || {
        let labels = [("listener", "web"), ("kind", "no_shared_version")];
        program.metrics().sum("portunus_listener_tls_errors_total", &labels) == 1.0
    });
}

#[test]
fn alpn_chooses_what_both_speak() {
    let site = Site::new();
    let program = site.start();
    let address = program.address("web");
    let cases: [(&[&str], Option<&str>); 4] = [
        (&["http/1.1"], Some("http/1.1")),
        (&["h2"], Some("h2")),
        (&["http/1.1", "h2"], Some("h2")),
        (&[], None),
    ];
    for (offered, agreed) in cases {
        let client = site.client().alpn(offered).h1(&address, "shop.test");
        assert_eq!(client.tls().alpn.as_deref(), agreed, "{offered:?}");
    }
    let refused = site.client().alpn(&["gopher"]).try_h1(&address, "shop.test").unwrap_err();
    assert_eq!(refused, Refused::Alert("NoApplicationProtocol".to_owned()));
    // Without ALPN it is HTTP/1, and by its preface HTTP/2.
    assert_eq!(site.client().h1(&address, "shop.test").get("/").version, "HTTP/1.1");
    assert_eq!(site.client().h2(&address, "shop.test").get("/").version, "HTTP/2");
}

#[test]
fn a_listener_without_h2_does_not_offer_it() {
    let site = Site::new();
    let listener = LISTENER.replace("tls:", "protocols: [h1], tls:");
    let program = site.config(&format!("{listener}{FINE}")).start();
    let address = program.address("web");
    let client = site.client().alpn(&["h2", "http/1.1"]).h1(&address, "shop.test");
    assert_eq!(client.tls().alpn.as_deref(), Some("http/1.1"));
    let refused = site.client().alpn(&["h2"]).try_h1(&address, "shop.test").unwrap_err();
    assert_eq!(refused, Refused::Alert("NoApplicationProtocol".to_owned()));
}

#[test]
fn a_request_that_comes_with_the_end_of_the_handshake_is_not_forgotten() {
    let site = Site::new();
    let program = site.start();
    let request = b"GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n";
    for alpn in [[].as_slice(), &["http/1.1"]] {
        let client = site.client().alpn(alpn).version("1.3");
        for _ in 0..2 {
            let answer = client.hurried(&program.address("web"), "shop.test", request);
            let answer = String::from_utf8_lossy(&answer);
            assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("fine"), "{answer}");
        }
    }
    // A session of TLS 1.2 that goes on lets the client speak first, too.
    let client = site.client().version("1.2");
    client.h1(&program.address("web"), "shop.test").get("/");
    let answer = client.hurried(&program.address("web"), "shop.test", request);
    assert!(answer.ends_with(b"fine"), "{:?}", String::from_utf8_lossy(&answer));
}

#[test]
fn the_end_of_a_connection_is_said_in_tls_too() {
    let site = Site::new();
    let program = site.start();
    let mut client = site.client().h1(&program.address("web"), "shop.test");
    let answer = client.request("GET", "/").header("Connection", "close").send();
    assert_eq!(answer.text(), "fine");
    assert_eq!(client.wait_for_close(), portunus_testkit::End::Closed);
}

#[test]
fn two_thousand_handshakes_at_once_stop_nobody_else() {
    let site = Site::new();
    let listeners = LISTENER.replace("{web:", "{plain: \"127.0.0.1:0\", web:");
    let program = site.config(&format!("{listeners}{FINE}")).start();
    let address = program.address("web");
    // Of the same worker, and without TLS, so that the storm's own clients do not hold it up.
    let mut other = Client::connect(&program.address("plain"));
    let is_over = AtomicBool::new(false);
    let (statuses, answered) = std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut answered = 0;
            while !is_over.load(Ordering::SeqCst) {
                assert_eq!(other.get("/").text(), "fine");
                answered += 1;
            }
            answered
        });
        let statuses = site.client().storm(&address, "shop.test", 2000);
        is_over.store(true, Ordering::SeqCst);
        (statuses, asking.join().unwrap())
    });
    let fine = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(fine, 2000);
    // One answer while two thousand handshakes go on would be a stalled worker: it takes turns.
    assert!(answered >= 20, "only {answered} requests were answered meanwhile");
    eventually("no connection is left", || {
        program.metrics().sum("portunus_listener_connections_open", &[("listener", "web")]) == 0.0
    });
}
