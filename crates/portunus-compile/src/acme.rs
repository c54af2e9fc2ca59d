//! Certificates by ACME: what the configuration asks for, for control's issuer.

use portunus_acme::{
    AcmePlan, ChallengeKind, Directory, Eab, Key, Names, OnDemandPlan, PlanError, Rfc2136, Tsig,
    TsigAlgorithm,
};
use portunus_config::ConfigSpec;
use portunus_config::spec::{
    AcmeSpec, ChallengeSpec, DirectorySpec, EabSpec, HostSpec, Rfc2136Spec, TsigAlgorithmSpec,
};
use portunus_spec::{Reader, Span, Spanned};

use crate::secure::{is_asked_for, serves};
use crate::tls::{CertificateSource, Files};

/// Certificates by ACME, as the configuration asks for them.
#[derive(Clone, Debug, PartialEq)]
pub struct AcmeSource {
    /// What is wanted.
    pub plan: AcmePlan,
    /// The folder for account and certificates, as it is written.
    pub storage: Option<String>,
}

/// Reads `acme`. `None` where there is none, or after mistakes.
pub(crate) fn read(
    config: &ConfigSpec,
    sources: &[CertificateSource],
    files: &Files<'_>,
    reader: &mut Reader<'_>,
) -> Option<AcmeSource> {
    let acme = config.acme.as_ref()?;
    reader.key("acme", |reader| {
        let directories: Vec<_> =
            acme.directory.iter().map(|one| directory(one, acme, files, reader)).collect();
        let dns = match &acme.dns {
            Some(dns) => {
                reader.key("dns.rfc2136", |reader| rfc2136(&dns.rfc2136, reader)).map(Some)
            }
            None => Some(None),
        };
        let plan = AcmePlan {
            email: acme.email.as_ref().map(|email| email.value.clone()),
            directories: directories.into_iter().collect::<Option<_>>()?,
            challenge: match acme.challenge.value {
                ChallengeSpec::Http01 => ChallengeKind::Http01,
                ChallengeSpec::TlsAlpn01 => ChallengeKind::TlsAlpn01,
                ChallengeSpec::Dns01 => ChallengeKind::Dns01,
            },
            certificates: certificates(config, acme, sources),
            on_demand: acme
                .on_demand
                .as_ref()
                .map(|on_demand| OnDemandPlan::new(&*on_demand.ask.value)),
            dns: dns?,
            renew_before: None,
        };
        let storage = acme.storage.as_ref().map(|folder| folder.value.clone());
        Some(AcmeSource { plan, storage })
    })
}

/// A certificate for each name that none is there for.
fn certificates(config: &ConfigSpec, acme: &AcmeSpec, sources: &[CertificateSource]) -> Vec<Names> {
    let listed = acme.domains.iter().map(|domain| domain.value.as_str());
    let listeners = config.listeners_in_force();
    let is_served = |host: &HostSpec| {
        listeners.iter().any(|(name, one)| one.serves_https() && serves(host, name))
    };
    let of_hosts = config.hosts.iter().filter(|(name, host)| {
        // A listener without a certificate for it is enough.
        is_asked_for(name, acme)
            && is_served(host)
            && sources.iter().any(|source| !source.fits(name))
    });
    let of_hosts = of_hosts.map(|(name, _)| name.value.as_str());
    let wanted: Vec<&str> = match acme.domains.is_empty() {
        true => of_hosts.collect(),
        false => listed.collect(),
    };
    wanted.into_iter().filter_map(|name| Names::new([name]).ok()).collect()
}

fn directory(
    spec: &DirectorySpec,
    acme: &AcmeSpec,
    files: &Files<'_>,
    reader: &mut Reader<'_>,
) -> Option<Directory> {
    let roots = match spec.ca.as_ref().or(acme.ca.as_ref()) {
        Some(ca) => Some(files.pem(ca, reader)?),
        None => None,
    };
    let eab = match spec.eab.as_ref().or(acme.eab.as_ref()) {
        Some(eab) => Some(external_account(eab, reader)?),
        None => None,
    };
    Some(Directory { url: spec.full_url().to_owned(), roots, eab })
}

fn external_account(spec: &Spanned<EabSpec>, reader: &mut Reader<'_>) -> Option<Eab> {
    let made = Eab::new(&*spec.key_id, spec.hmac_key.expose());
    checked(made, spec.hmac_key.span, reader)
}

fn rfc2136(spec: &Rfc2136Spec, reader: &mut Reader<'_>) -> Option<Rfc2136> {
    let tsig = match (&spec.key_name, &spec.key) {
        (None, None) => None,
        (Some(name), Some(key)) => {
            let algorithm = match spec.algorithm {
                TsigAlgorithmSpec::HmacSha256 => TsigAlgorithm::HmacSha256,
                TsigAlgorithmSpec::HmacSha384 => TsigAlgorithm::HmacSha384,
                TsigAlgorithmSpec::HmacSha512 => TsigAlgorithm::HmacSha512,
            };
            let key = checked(Key::from_base64(key.expose()), key.span, reader)?;
            Some(Tsig { name: name.value.clone(), algorithm, key })
        }
        (Some(name), None) => return half(name.span, "key", reader),
        (None, Some(key)) => return half(key.span, "key_name", reader),
    };
    let zone = spec.zone.as_ref().map(|zone| zone.value.clone());
    Some(Rfc2136 { server: spec.server.value.clone(), zone, tsig })
}

fn half(span: Span, missing: &str, reader: &mut Reader<'_>) -> Option<Rfc2136> {
    let error = reader.error(span, format!("a TSIG key without `{missing}`"));
    error.help(format!("add `{missing}`"));
    None
}

fn checked<T>(made: Result<T, PlanError>, span: Span, reader: &mut Reader<'_>) -> Option<T> {
    match made {
        Ok(made) => Some(made),
        Err(PlanError { what, help }) => {
            reader.error(span, what).help(help);
            None
        }
    }
}
