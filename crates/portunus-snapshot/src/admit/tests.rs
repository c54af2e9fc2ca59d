use std::rc::Rc;

use portunus_base::{ClientCertificate, ListenerId, TlsFacts};

use super::*;

#[test]
fn addresses_are_written_as_the_formatter_does() {
    for text in ["0.0.0.0", "127.0.0.1", "255.10.9.100", "::1", "2001:db8::ff00:42:8329"] {
        assert_eq!(AddressText::of_ip(text.parse().unwrap()).text(), text.as_bytes());
    }
    let longest = "1111:2222:3333:4444:5555:6666:7777:8888";
    assert_eq!(AddressText::of_ip(longest.parse().unwrap()).text(), longest.as_bytes());
}

/// A request that came over a connection whose client proved to have a certificate, perhaps.
fn exchange(certificate: Option<&[u8]>) -> Exchange {
    let mut exchange = Exchange::default();
    let client = certificate.map(|der| ClientCertificate { der: der.into(), ..Default::default() });
    exchange.tls = Some(Rc::new(TlsFacts { client, ..TlsFacts::default() }));
    exchange.request.headers.append(b"Client-Cert", b":b3RoZXI=:");
    exchange.request.headers.append(b"client-cert-chain", b":b3RoZXI=:");
    exchange.request.headers.append(b"X-Forwarded-Client-Cert", b"Hash=1");
    exchange
}

fn told(mut exchange: Exchange, listener: &ListenerPlan, trusted: &str) -> Vec<String> {
    let networks: Vec<_> = trusted.split_whitespace().map(|net| net.parse().unwrap()).collect();
    let networks = Networks::new(&networks);
    admit(&mut exchange, &networks);
    tell_certificate(&mut exchange, listener);
    let about = ["client-cert", "client-cert-chain", "x-forwarded-client-cert"];
    let values = about.iter().flat_map(|name| exchange.request.headers.values(name.as_bytes()));
    values.map(|value| String::from_utf8(value.to_vec()).unwrap()).collect()
}

#[test]
fn the_certificate_is_the_one_that_was_proved() {
    let mut listener = ListenerPlan::new(ListenerId(0), "web".into(), Default::default());
    assert_eq!(told(exchange(Some(b"abc")), &listener, ""), [":YWJj:"]);
    assert!(told(exchange(None), &listener, "").is_empty());
    // A trusted proxy speaks for its client.
    let kept = told(exchange(Some(b"abc")), &listener, "0.0.0.0/0");
    assert_eq!(kept, [":b3RoZXI=:", ":b3RoZXI=:", "Hash=1"]);
    let mut silent = exchange(Some(b"abc"));
    silent.request.headers.remove(b"Client-Cert");
    silent.request.headers.remove(b"Client-Cert-Chain");
    silent.request.headers.remove(b"X-Forwarded-Client-Cert");
    assert!(told(silent, &listener, "0.0.0.0/0").is_empty(), "the proxy's own is not its client's");
    listener.client_cert = false;
    assert!(told(exchange(Some(b"abc")), &listener, "").is_empty());
}

#[test]
fn without_tls_no_request_is_misdirected() {
    let listener = ListenerPlan::new(ListenerId(0), "web".into(), Default::default());
    let mut exchange = exchange(None);
    exchange.request.set_authority(b"shop.example.com");
    assert!(!is_misdirected(&exchange, &listener));
}
