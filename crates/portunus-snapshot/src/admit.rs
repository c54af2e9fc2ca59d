//! Who is there: the client as trusted proxies tell, and a request that holds only what may travel on. Pure: the data
//! path and `explain` call the same function.

use std::io::Write;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portunus_exchange::{Exchange, Phase};
use portunus_h1::upgrade_of;
use portunus_http::{
    HeaderId, HeaderIds, HeaderList, Method, Version, list_items, strip_hop_by_hop,
};
use portunus_tls::host_matches;

use crate::{ListenerPlan, Networks, identify};

/// Settles who the client is, and rewrites what the request says about its own way here.
///
/// This comes before any filter: what a filter sets can then not be taken away by the client's `Connection` header,
/// and what it reads of the client's address is true.
pub fn admit(exchange: &mut Exchange, trusted: &Networks) {
    exchange.phase = Phase::Admit;
    exchange.target = exchange.request.target_stored();
    keep_upgrade(exchange);
    strip_hop_by_hop(&mut exchange.request.headers);
    identify_client(exchange, trusted);
    let lies = if exchange.client.trusted { IDENTITY } else { IDENTITY.or(FORWARDED) };
    exchange.request.headers.remove_ids(lies);
    describe_client(exchange);
}

/// The protocols that the client wants to switch to. `h2c` is not passed on, in whatever list: it would change who
/// frames messages. HTTP/1.0 has no upgrades (RFC 9110 section 7.8).
fn keep_upgrade(exchange: &mut Exchange) {
    let request = &exchange.request;
    if request.method == Method::Connect || request.version == Version::H10 {
        return;
    }
    if let Some(protocols) =
        upgrade_of(&request.headers).filter(|list| !list_items(list).any(is_h2c))
    {
        exchange.attributes.set(UPGRADE, protocols);
    }
}

fn is_h2c(protocol: &[u8]) -> bool {
    let name = protocol.split(|byte| *byte == b'/').next().unwrap_or(protocol);
    name.trim_ascii().eq_ignore_ascii_case(b"h2c")
}

fn identify_client(exchange: &mut Exchange, networks: &Networks) {
    let peer = exchange.client.peer.ip();
    exchange.client.trusted = !networks.is_empty() && networks.contains(peer);
    if exchange.client.trusted {
        let told = identify(exchange.client.ip, &exchange.request.headers, networks);
        if told.ip != exchange.client.ip {
            (exchange.client.ip, exchange.client.port) = (told.ip, 0);
        }
        exchange.client.scheme = told.scheme.unwrap_or(exchange.client.scheme);
    }
}

/// Headers by which proxies describe the client; a client's own copies are lies.
const FORWARDED: HeaderIds = HeaderIds::of(&[
    HeaderId::ClientCert,
    HeaderId::ClientCertChain,
    HeaderId::Forwarded,
    HeaderId::XForwardedClientCert,
    HeaderId::XForwardedFor,
    HeaderId::XForwardedHost,
    HeaderId::XForwardedMethod,
    HeaderId::XForwardedPort,
    HeaderId::XForwardedPrefix,
    HeaderId::XForwardedProto,
    HeaderId::XForwardedUri,
    HeaderId::XRealIp,
]);

/// Headers by which we tell an upstream who the user is; nobody else may.
const IDENTITY: HeaderIds = HeaderIds::of(&[
    HeaderId::XConsumerGroups,
    HeaderId::XConsumerId,
    HeaderId::XConsumerUsername,
    HeaderId::XCredentialIdentifier,
]);

/// Tells the upstream the certificate that the client proved to have (RFC 9440 section 2.2). What a trusted proxy says
/// of the client's certificate stays, and when it says nothing there was none: its own one is not the client's.
pub fn tell_certificate(exchange: &mut Exchange, listener: &ListenerPlan) {
    let wanted = listener.client_cert && !exchange.client.trusted;
    let Some(tls) = exchange.tls.as_ref().filter(|_| wanted) else { return };
    if let Some(certificate) = &tls.client {
        let value = format!(":{}:", STANDARD.encode(&certificate.der));
        exchange.request.headers.append_id(HeaderId::ClientCert, value.as_bytes());
    }
}

/// True for a request that came over a connection which was made for another host: its host is neither the name that
/// TLS was asked for, nor one that the certificate of that name covers too (RFC 9110 section 7.4). A trusted proxy asks
/// for our name and brings requests of all hosts.
#[must_use]
pub fn is_misdirected(exchange: &Exchange, listener: &ListenerPlan) -> bool {
    let host = exchange.request.host();
    let wanted = listener.host_must_fit_sni && !exchange.client.trusted;
    let Some(tls) = listener.tls.as_ref().filter(|_| wanted) else {
        return false;
    };
    let asked = exchange.tls.as_ref().and_then(|facts| facts.server_name.as_deref());
    // Who asked for no name said nothing that the host could contradict.
    let Some(asked) = asked.filter(|_| !host.is_empty()) else { return false };
    let covered = |host| tls.names_for(Some(asked)).iter().any(|name| host_matches(name, host));
    asked.as_bytes() != host && !std::str::from_utf8(host).is_ok_and(covered)
}

fn describe_client(exchange: &mut Exchange) {
    let client = exchange.client;
    let (peer, real) = (AddressText::of_ip(client.peer.ip()), AddressText::of_ip(client.ip));
    let headers = &mut exchange.request.headers;
    append_to_list(headers, peer.text());
    set_absent(headers, HeaderId::XForwardedProto, client.scheme.text().as_bytes());
    let mut port = AddressText::default();
    port.number(u32::from(client.local.port()));
    set_absent(headers, HeaderId::XForwardedPort, port.text());
    headers.remove_id(HeaderId::XRealIp);
    headers.append_id(HeaderId::XRealIp, real.text());
    if !headers.has(HeaderId::XForwardedHost) {
        let host = headers.value_of(HeaderId::Host).unwrap_or(b"");
        let mut copy = [0u8; HOST_MAX];
        if let Some(copy) = copy.get_mut(..host.len()) {
            copy.copy_from_slice(host);
            headers.append_id(HeaderId::XForwardedHost, copy);
        }
    }
}

fn set_absent(headers: &mut HeaderList, id: HeaderId, value: &[u8]) {
    if !headers.has(id) {
        headers.append_id(id, value);
    }
}

/// Appends the peer to `X-Forwarded-For`: as one more line, which means the same (RFC 9110 section 5.3) and copies
/// nothing.
fn append_to_list(headers: &mut HeaderList, peer: &[u8]) {
    headers.append_id(HeaderId::XForwardedFor, peer);
}

/// Text of an address or number, on the stack.
#[derive(Debug)]
pub struct AddressText {
    bytes: [u8; 48],
    len: usize,
}

impl Default for AddressText {
    fn default() -> Self {
        Self { bytes: [0; 48], len: 0 }
    }
}

impl AddressText {
    /// The text of an address. IPv4, the usual case, is written without the formatter's detours.
    #[must_use]
    pub fn of_ip(ip: IpAddr) -> Self {
        let mut text = Self::default();
        match ip {
            IpAddr::V4(v4) => {
                for (at, octet) in v4.octets().into_iter().enumerate() {
                    if at > 0 {
                        text.push(b'.');
                    }
                    text.number(u32::from(octet));
                }
            }
            IpAddr::V6(v6) => {
                let room = text.bytes.len();
                let mut rest = text.bytes.as_mut_slice();
                // The longest address has 39 bytes.
                let _ = write!(rest, "{v6}");
                text.len = room - rest.len();
            }
        }
        text
    }

    fn number(&mut self, number: u32) {
        if number >= 10 {
            self.number(number / 10);
        }
        self.push(b'0' + (number % 10) as u8);
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = byte;
            self.len += 1;
        }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&[])
    }
}

/// The attribute with the protocol that the client wants to switch to.
pub const UPGRADE: &str = "upgrade";
/// The longest authority that is copied.
const HOST_MAX: usize = 262;

#[cfg(test)]
mod tests;
