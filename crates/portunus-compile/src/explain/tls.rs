//! What TLS does before a request: the certificate that the client gets, and whether the host fits it.

use portunus_exchange::Exchange;
use portunus_snapshot::is_misdirected;
use portunus_tls::host_matches;

use crate::secure::served_by_acme;
use crate::{CertificateSource, Compiled, FoundCertificate, ListenerBinding, Question};

/// What TLS does before a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TlsStory {
    /// The name that the client asks for.
    pub name: Option<String>,
    /// The certificate that it gets.
    pub certificate: String,
    /// The host is neither that name nor one of the certificate, and so is refused.
    pub misdirected: bool,
}

/// `None` where the listener speaks no TLS with this client.
pub(super) fn tell(
    compiled: &Compiled,
    listener: &ListenerBinding,
    question: &Question,
    exchange: &Exchange,
) -> Option<TlsStory> {
    if !listener.https || !question.is_https() {
        return None;
    }
    let source = compiled.certificates.iter().find(|source| source.listener == listener.name)?;
    let name = question.sni.clone();
    let found = chosen(source, name.as_deref());
    let plan = compiled.snapshot.listener(listener.id)?;
    Some(TlsStory {
        certificate: certificate(compiled, source, found, name.as_deref()),
        misdirected: is_misdirected(exchange, plan),
        name,
    })
}

/// The certificate from a file that is shown for a name: one for it, or the first of all.
fn chosen<'c>(source: &'c CertificateSource, name: Option<&str>) -> Option<&'c FoundCertificate> {
    let exact = |found: &&FoundCertificate| {
        found.certificate.facts().names.iter().any(|one| Some(&**one) == name)
    };
    let covers = |found: &&FoundCertificate| {
        let names = &found.certificate.facts().names;
        name.is_some_and(|name| names.iter().any(|pattern| host_matches(pattern, name)))
    };
    let found = &source.found;
    let named = found.iter().find(exact).or_else(|| found.iter().find(covers));
    named.or_else(|| found.first().filter(|_| !source.self_signed))
}

fn certificate(
    compiled: &Compiled,
    source: &CertificateSource,
    found: Option<&FoundCertificate>,
    name: Option<&str>,
) -> String {
    let by_acme = name.and_then(|name| served_by_acme(name, compiled.acme.as_ref()));
    match found {
        Some(found) => {
            let names = found.certificate.facts().names.join(", ");
            let fits = name.is_none_or(|name| source.fits(name));
            match (fits, by_acme) {
                (true, _) => format!("{}, for {names}", found.origin),
                (false, Some(by_acme)) => by_acme,
                (false, None) => format!("{}, which is for {names} alone", found.origin),
            }
        }
        None if source.self_signed => "one of the local authority".to_owned(),
        None => by_acme.unwrap_or_else(|| "none: the handshake fails".to_owned()),
    }
}
