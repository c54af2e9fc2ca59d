//! What hosts do about TLS: who is sent to `https://`, and what browsers are told.

use portunus_config::spec::{
    AcmeSpec, ChallengeSpec, DirectorySpec, HostSpec, ListenerSpec, RedirectHttpsSpec,
};
use portunus_config::{ConfigSpec, ListenAddress};
use portunus_spec::{Named, Node, Span, Spanned, Spec, Value};

use crate::AcmeSource;
use crate::chain::Chains;

/// The filters that the keys of a host stand for. They come before all others.
pub(crate) fn filters(
    name: &Spanned<String>,
    host: &HostSpec,
    config: &ConfigSpec,
    chains: &mut Chains<'_>,
) -> Vec<usize> {
    let scope = format!("hosts.{}", name.value);
    let redirect = redirect(name, host, config);
    let hsts = host.hsts.as_ref().map(|hsts| (hsts.span, hsts.write()));
    let wanted = [("hsts", hsts), ("redirect_https", redirect)];
    let wanted = wanted.into_iter().filter_map(|(name, found)| Some((name, found?)));
    wanted.filter_map(|(name, found)| chains.implied(name, found, &scope)).collect()
}

/// The settings of the redirect, where there is one.
fn redirect(name: &Spanned<String>, host: &HostSpec, config: &ConfigSpec) -> Option<(Span, Node)> {
    let listeners = config.listeners_in_force();
    let port = https_port(host, &listeners);
    let (span, status) = match &host.redirect_https {
        Some(written) => match written.value {
            RedirectHttpsSpec::Off => return None,
            RedirectHttpsSpec::On(status) => (written.span, status),
        },
        None if is_default(name, host, config) && port.is_some() => (name.span, DEFAULT_STATUS),
        None => return None,
    };
    let number = |number: u16| Node::from(Value::Int(i64::from(number)));
    let port = port.unwrap_or(HTTPS_PORT);
    Some((span, Node::map([("status", number(status)), ("port", number(port))])))
}

/// Whether clients without TLS are sent to it where nothing is said about that.
fn is_default(name: &str, host: &HostSpec, config: &ConfigSpec) -> bool {
    may_come_plain(host, config) && has_certificate(name, host, config)
}

/// Whether clients may reach the host without TLS: by a listener, or by a proxy that says so.
fn may_come_plain(host: &HostSpec, config: &ConfigSpec) -> bool {
    let listeners = config.listeners_in_force();
    let mut all = listeners.iter();
    let plain = |(name, one): &(Spanned<String>, ListenerSpec)| {
        one.serves_http() && !one.serves_https() && serves(host, name)
    };
    !config.trusted_proxies.is_empty() || all.any(plain)
}

/// Whether a host is served by a listener.
pub(crate) fn serves(host: &HostSpec, name: &str) -> bool {
    host.listeners.is_empty() || host.listeners.iter().any(|listener| listener.value == name)
}

/// Whether the host has a certificate of its own, or gets one.
fn has_certificate(name: &str, host: &HostSpec, config: &ConfigSpec) -> bool {
    let own = host.tls.as_ref().is_some_and(|tls| !tls.certificates.is_empty());
    own || config.acme.as_ref().is_some_and(|acme| is_asked_for(name, acme))
}

/// The port of the first listener that serves the host over TLS.
fn https_port(host: &HostSpec, listeners: &Named<ListenerSpec>) -> Option<u16> {
    let mut found = listeners.iter().filter(|(name, one)| one.serves_https() && serves(host, name));
    let (_, listener) = found.next()?;
    Some(match &listener.address.value {
        ListenAddress::Any(port) if *port != 0 => *port,
        ListenAddress::Tcp(address) if address.port() != 0 => address.port(),
        _ => HTTPS_PORT,
    })
}

/// Whether a certificate by ACME is asked for a host.
pub(crate) fn is_asked_for(host: &str, acme: &AcmeSpec) -> bool {
    if !acme.domains.is_empty() {
        return acme.domains.iter().any(|domain| covers(domain, host));
    }
    let by_dns = acme.challenge.value == ChallengeSpec::Dns01;
    // An authority of one's own may know local names.
    let own = !acme.directory.iter().any(DirectorySpec::is_public);
    let fits = |name: &str| is_name(name) && (own || is_public(name));
    match host.strip_prefix("*.") {
        Some(domain) => by_dns && fits(domain),
        None => fits(host),
    }
}

/// The certificate by ACME that a client gets for a name that it asks for, in words.
pub(crate) fn served_by_acme(name: &str, acme: Option<&AcmeSource>) -> Option<String> {
    let plan = &acme?.plan;
    let mut names = plan.certificates.iter().flat_map(|names| names.iter());
    if names.any(|wanted| covers(wanted, name)) {
        return Some("one by ACME, once there is one".to_owned());
    }
    let ask = &plan.on_demand.as_ref()?.ask;
    Some(format!("one by ACME, asked for on demand if {ask} says yes"))
}

/// Whether a name of a certificate fits a host (RFC 9525 section 6.3).
pub(crate) fn covers(name: &str, host: &str) -> bool {
    let under = |domain: &str| host.split_once('.').is_some_and(|(_, rest)| rest == domain);
    name == host || name.strip_prefix("*.").is_some_and(under)
}

/// Whether it is a name with a dot, and neither a pattern nor an address.
fn is_name(host: &str) -> bool {
    host.contains('.') && !host.contains('*') && host.parse::<std::net::IpAddr>().is_err()
}

/// Whether an authority of the public can give a certificate for a name: a name with a dot whose top level is not
/// kept for other uses (RFC 6761, RFC 6762, RFC 9476, and `internal` by ICANN).
fn is_public(name: &str) -> bool {
    let top = name.rsplit_once('.').map(|(_, top)| top);
    top.is_some_and(|top| !LOCAL_TOPS.contains(&top))
}

const DEFAULT_STATUS: u16 = 308;
const HTTPS_PORT: u16 = 443;
/// Top levels that no authority of the public gives certificates for.
const LOCAL_TOPS: &[&str] = &["alt", "internal", "invalid", "local", "localhost", "onion"];
