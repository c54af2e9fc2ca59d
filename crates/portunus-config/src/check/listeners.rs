//! Rules of listeners.

use std::collections::HashMap;

use portunus_spec::{Problem, Reader, Span, Spanned, check as rule};

use super::{Names, host_pattern, routes, tls};
use crate::ListenAddress;
use crate::spec::{ListenerSpec, ProtocolSpec, ProxyProtocolSpec};

pub(super) fn listeners(names: Names<'_>, reader: &mut Reader<'_>) {
    let mut taken: HashMap<(bool, String), Span> = HashMap::new();
    for (name, listener) in &names.config.listeners {
        reader.key(name, |reader| {
            let address = &listener.address;
            let free = matches!(address.value, ListenAddress::Tcp(at) if at.port() == 0)
                || address.value == ListenAddress::Any(0);
            let place = (listener.udp.is_some(), address.to_string());
            let first = taken.insert(place, address.span).filter(|_| !free);
            if let Some(first) = first {
                let message = format!("two listeners cannot share the address {}", address.value);
                reader.error(address.span, message).related(first, "taken here");
            }
            reader.key("protocols", |reader| {
                let is_hidden = names.gaps.within(reader.path());
                protocols(&listener.protocols, is_hidden, reader);
            });
            reader.key("limits.h2", |reader| {
                rule(&listener.limits.h2.streams_max, reader, |max| match max {
                    0 => Err(Problem::new("at least one stream is needed").help("write 1 or more")),
                    _ => Ok(()),
                });
            });
            if let Some(spec) = &listener.tls {
                reader.key("tls", |reader| tls::of_listener(spec, names, reader));
            }
            services(listener, names, reader);
        });
    }
}

fn protocols(
    protocols: &Spanned<Vec<Spanned<ProtocolSpec>>>,
    is_hidden: bool,
    reader: &mut Reader<'_>,
) {
    if protocols.is_empty() && !is_hidden {
        let error = reader.error(protocols.span, "no protocol is left for clients");
        error.help("write protocols: [h1, h2]");
    }
    for protocol in &protocols.value {
        rule(protocol, reader, |protocol| match protocol {
            ProtocolSpec::H1 | ProtocolSpec::H2 => Ok(()),
            ProtocolSpec::H3 => {
                let message = "`h3` is not supported by this version yet";
                Err(Problem::new(message).help("write protocols: [h1, h2]"))
            }
        });
    }
}

/// What a listener does beside HTTP, or instead.
fn services(listener: &ListenerSpec, names: Names<'_>, reader: &mut Reader<'_>) {
    if let Some(tcp) = &listener.tcp {
        reader.key("tcp.to", |reader| routes::raw_target(&tcp.to, names, reader));
    }
    reader.key("sni", |reader| {
        for (name, to) in &listener.sni {
            rule(name, reader, |name| host_pattern(name));
            reader.key(name, |reader| routes::raw_target(to, names, reader));
        }
    });
    let Some(udp) = &listener.udp else { return };
    reader.key("udp.to", |reader| routes::raw_target(&udp.to, names, reader));
    let tcp = listener.tcp.as_ref().map(|tcp| ("tcp", tcp.span));
    let tls = listener.tls.as_ref().map(|tls| ("tls", tls.span));
    let sni = listener.sni.iter().next().map(|(name, _)| ("sni", name.span));
    let proxy = &listener.proxy_protocol;
    let proxy = (proxy.value != ProxyProtocolSpec::Off).then_some(("proxy_protocol", proxy.span));
    for (key, span) in [tcp, tls, sni, proxy].into_iter().flatten() {
        let error = reader.error(span, format!("`{key}` is for TCP, and this listener has `udp`"));
        error.related(udp.span, "`udp` here").help("make a listener of its own for each");
    }
    if let ListenAddress::Unix(_) = listener.address.value {
        let error = reader.error(listener.address.span, "UDP has no Unix sockets here");
        error.help("write :53 or 127.0.0.1:53");
    }
}
