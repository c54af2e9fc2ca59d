//! Rules of TLS and of certificates by ACME.

use portunus_spec::{Problem, Reader, Span, Spanned, check as rule, suggestion};

use super::Names;
use crate::address::host_name;
use crate::salvage::Gaps;
use crate::spec::DIRECTORIES;
use crate::spec::{AcmeSpec, CertificatesSpec, ChallengeSpec, ClientAuthModeSpec, TlsSpec};

/// The settings of the top level.
pub(super) fn defaults(names: Names<'_>, reader: &mut Reader<'_>) {
    let Some(tls) = &names.config.tls else { return };
    settings(tls, names.gaps, reader);
    let listeners = names.config.listeners_in_force();
    let span = tls.certificates.as_ref().map(|certificates| certificates.span);
    let is_used = listeners.iter().any(|(_, listener)| listener.tls.is_some())
        || names.gaps.within("listeners");
    if !is_used {
        let warning = reader.warning(span.unwrap_or_default(), "no listener has TLS");
        warning.help("add `tls: {}` to a listener");
    }
}

/// The settings of a listener.
pub(super) fn of_listener(tls: &Spanned<TlsSpec>, names: Names<'_>, reader: &mut Reader<'_>) {
    settings(tls, names.gaps, reader);
    let config = names.config;
    let all = tls.over(config.tls.as_ref());
    let listed = all.certificates.as_ref().is_some_and(|certificates| match &certificates.value {
        CertificatesSpec::SelfSigned => true,
        CertificatesSpec::Listed(list) => !list.is_empty(),
    });
    let of_hosts = config
        .hosts
        .iter()
        .any(|(_, host)| host.tls.as_ref().is_some_and(|tls| !tls.certificates.is_empty()));
    let gaps = [reader.path(), "tls", "acme", "hosts"];
    let is_hidden = gaps.iter().any(|path| names.gaps.within(path));
    if !listed && !of_hosts && config.acme.is_none() && !is_hidden {
        let error = reader.error(tls.span, "TLS without a certificate");
        error.help(
            "add `certificates: [{cert: a.pem, key: a.key}]`, `acme: you@example.com` at the top \
             level, or write `tls: self_signed` for trying out",
        );
    }
}

fn settings(tls: &TlsSpec, gaps: Gaps<'_>, reader: &mut Reader<'_>) {
    let Some(auth) = &tls.client_auth else { return };
    let is_on = auth.mode != ClientAuthModeSpec::Off;
    let is_hidden = gaps.within(&format!("{}.client_auth", reader.path()));
    if is_on && auth.ca.is_none() && !is_hidden {
        let error = reader.error(auth.span, "nothing says which clients' certificates are good");
        error.help("add `ca: clients-ca.pem`");
    }
}

/// Certificates by ACME.
pub(super) fn acme(names: Names<'_>, reader: &mut Reader<'_>) {
    let Some(acme) = &names.config.acme else { return };
    if let Some(email) = &acme.email {
        rule(email, reader, |email| match email.split_once('@') {
            Some((name, host)) if !name.is_empty() && host_name(host) => Ok(()),
            _ => Err(Problem::new("not an e-mail address").help("write ops@example.com")),
        });
    }
    for directory in &acme.directory {
        rule(&directory.url, reader, |url| self::directory(url));
    }
    for domain in &acme.domains {
        rule(domain, reader, |domain| self::domain(domain, acme.challenge.value));
    }
    challenge(acme, names.gaps, reader);
    if let (Some(eab), true) = (&acme.eab, acme.directory.len() > 1) {
        let error = reader.error(eab.span, "nothing says which directory has given this account");
        error.help("write it beside the directory: [letsencrypt, {url: zerossl, eab: {...}}]");
    }
    let listeners = names.config.listeners_in_force();
    let is_used = listeners.iter().any(|(_, listener)| listener.tls.is_some());
    if !is_used && !names.gaps.within("listeners") {
        let span = acme.email.as_ref().map_or(Span::NONE, |email| email.span);
        let error = reader.error(span, "certificates are asked for, but no listener has TLS");
        error.help("add `secure: {address: \":443\", tls: {}}` to `listeners`");
    }
}

fn directory(text: &str) -> Result<(), Problem> {
    let names = || DIRECTORIES.iter().map(|(name, _)| *name);
    if names().any(|name| name == text) || text.starts_with("https://") {
        return Ok(());
    }
    let problem = Problem::new(format!("`{text}` is no directory of an ACME authority"));
    let help = suggestion(text, names(), "directories");
    Err(problem.help(help.unwrap_or_else(|| "write its URL: https://...".to_owned())))
}

fn domain(text: &str, challenge: ChallengeSpec) -> Result<(), Problem> {
    let bare = text.strip_prefix("*.");
    if !host_name(bare.unwrap_or(text)) {
        return Err(Problem::new(format!("`{text}` is not a name")).help("write shop.example.com"));
    }
    match (bare, challenge) {
        (Some(_), ChallengeSpec::Http01 | ChallengeSpec::TlsAlpn01) => {
            Err(Problem::new("a certificate for a wildcard is only given for a record in DNS")
                .help("write challenge: dns-01, and `dns`"))
        }
        _ => Ok(()),
    }
}

fn challenge(acme: &AcmeSpec, gaps: Gaps<'_>, reader: &mut Reader<'_>) {
    let challenge = &acme.challenge;
    let is_hidden = gaps.within("acme.dns");
    if challenge.value == ChallengeSpec::Dns01 && acme.dns.is_none() && !is_hidden {
        let error = reader.error(challenge.span, "nothing says how records in DNS are written");
        error.help("add `dns: {rfc2136: {server: 192.0.2.53, key_name: acme, key: {file: key}}}`");
    }
    if let (Some(on_demand), ChallengeSpec::Dns01) = (&acme.on_demand, challenge.value) {
        let warning = reader.warning(on_demand.ask.span, "clients wait while DNS learns a record");
        warning.help("write challenge: tls-alpn-01");
    }
    if let Some(on_demand) = &acme.on_demand {
        rule(&on_demand.ask, reader, |url| {
            match url.starts_with("http://") || url.starts_with("https://") {
                true => Ok(()),
                false => Err(Problem::new("not a URL").help("write http://127.0.0.1:9000/may")),
            }
        });
    }
}
