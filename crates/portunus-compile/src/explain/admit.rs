//! A question as the exchange that the data path would have at the moment of routing.

use std::net::{IpAddr, SocketAddr};

use portunus_base::ListenerId;
use portunus_exchange::{ClientFacts, Exchange};
use portunus_http::{HeaderId, HeaderList, normalize_path, strip_hop_by_hop};
use portunus_snapshot::{Networks, identify};

use crate::Question;

/// The exchange of a question that came by a listener.
pub(super) fn exchange(question: &Question, listener: ListenerId, trusted: &Networks) -> Exchange {
    let mut exchange = Exchange::default();
    let (local, peer) = (question.port(), question.client_ip);
    let facts = ClientFacts::direct(SocketAddr::new(peer, 0), at_home(peer, local), listener);
    exchange.client = ClientFacts { scheme: question.scheme, ..facts };
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
    strip_hop_by_hop(&mut exchange.request.headers);
    identify_client(&mut exchange, trusted);
    describe_client(&exchange.client, &mut exchange.request.headers);
    exchange
}

fn at_home(peer: IpAddr, port: u16) -> SocketAddr {
    let ip = if peer.is_ipv4() {
        IpAddr::from([127, 0, 0, 1])
    } else {
        IpAddr::from([0u16, 0, 0, 0, 0, 0, 0, 1])
    };
    SocketAddr::new(ip, port)
}

fn identify_client(exchange: &mut Exchange, trusted: &Networks) {
    let peer = exchange.client.peer.ip();
    exchange.client.trusted = trusted.contains(peer);
    let headers = &mut exchange.request.headers;
    if exchange.client.trusted {
        let told = identify(peer, headers, trusted);
        exchange.client.ip = told.ip;
        exchange.client.scheme = told.scheme.unwrap_or(exchange.client.scheme);
    } else {
        headers.retain(|header| !is_word_of_proxy(header.id));
    }
    headers.retain(|header| !is_identity(header.id));
}

fn describe_client(client: &ClientFacts, headers: &mut HeaderList) {
    let host = headers.value_of(HeaderId::Host).unwrap_or(b"").to_vec();
    headers.append_id(HeaderId::XForwardedFor, client.peer.ip().to_string().as_bytes());
    let absent = [
        (HeaderId::XForwardedProto, client.scheme.text().as_bytes().to_vec()),
        (HeaderId::XForwardedPort, client.local.port().to_string().into_bytes()),
        (HeaderId::XForwardedHost, host),
    ];
    for (id, value) in absent {
        if !headers.has(id) {
            headers.append_id(id, &value);
        }
    }
    headers.set_id(HeaderId::XRealIp, client.ip.to_string().as_bytes());
}

/// Headers by which proxies describe the client.
fn is_word_of_proxy(id: HeaderId) -> bool {
    matches!(
        id,
        HeaderId::Forwarded
            | HeaderId::XForwardedClientCert
            | HeaderId::XForwardedFor
            | HeaderId::XForwardedHost
            | HeaderId::XForwardedMethod
            | HeaderId::XForwardedPort
            | HeaderId::XForwardedPrefix
            | HeaderId::XForwardedProto
            | HeaderId::XForwardedUri
            | HeaderId::XRealIp
    )
}

/// Headers by which only we tell an upstream who the user is.
fn is_identity(id: HeaderId) -> bool {
    matches!(
        id,
        HeaderId::ClientCert
            | HeaderId::XConsumerGroups
            | HeaderId::XConsumerId
            | HeaderId::XConsumerUsername
            | HeaderId::XCredentialIdentifier
    )
}
