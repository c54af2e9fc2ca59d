//! A question as the exchange that the data path would have at the moment of routing.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use portunus_base::{Clock as _, ListenerId, SystemClock, TlsFacts};
use portunus_exchange::{ClientFacts, Exchange};
use portunus_http::{HeaderId, normalize_path};
use portunus_snapshot::{Networks, admit};

use crate::Question;

/// The exchange of a question that came by a listener.
pub(super) fn exchange(question: &Question, listener: ListenerId, trusted: &Networks) -> Exchange {
    let mut exchange = Exchange::default();
    exchange.timings.wall = question.at.unwrap_or_else(|| SystemClock.wall());
    let (local, peer) = (question.port(), question.client_ip);
    let facts = ClientFacts::direct(SocketAddr::new(peer, 0), at_home(peer, local), listener);
    exchange.client = ClientFacts { scheme: question.scheme, ..facts };
    exchange.tls = question.is_https().then(|| Rc::new(handshake(question)));
    let head = &mut exchange.request;
    head.set_method(question.method.as_bytes());
    let mut normal = Vec::new();
    let changed = normalize_path(question.path.as_bytes(), &mut normal);
    head.set_path(if changed { &normal } else { question.path.as_bytes() });
    head.set_query(question.query.as_deref().map(str::as_bytes));
    head.set_authority(question.authority.as_bytes());
    head.headers.append_id(HeaderId::Host, question.authority.as_bytes());
    for (name, value) in &question.headers {
        head.headers.append(name.as_bytes(), value.as_bytes());
    }
    admit(&mut exchange, trusted);
    exchange
}

/// What a handshake with a client of today tells.
fn handshake(question: &Question) -> TlsFacts {
    TlsFacts {
        version: "TLSv1.3",
        cipher: "TLS_AES_128_GCM_SHA256",
        server_name: question.sni.as_deref().map(Box::from),
        ..TlsFacts::default()
    }
}

fn at_home(peer: IpAddr, port: u16) -> SocketAddr {
    let ip = if peer.is_ipv4() {
        IpAddr::from([127, 0, 0, 1])
    } else {
        IpAddr::from([0u16, 0, 0, 0, 0, 0, 0, 1])
    };
    SocketAddr::new(ip, port)
}
