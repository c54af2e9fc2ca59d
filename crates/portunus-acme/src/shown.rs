//! Answers to challenges that are up, and their way down again.

use std::sync::Arc;

use instant_acme::KeyAuthorization;
use rcgen::{CertificateParams, CustomExtension, KeyPair};

use crate::dns::{Updates, Written};
use crate::fault::{Fault, FaultKind};
use crate::outlet::{Outlet, TlsAnswer};
use crate::plan::{AcmePlan, ChallengeKind};

/// The answers of one order. Those in memory go with it, even if the order is given up half way.
pub(crate) struct Shown<'a> {
    outlet: Arc<dyn Outlet>,
    plan: &'a AcmePlan,
    tokens: Vec<String>,
    names: Vec<String>,
    records: Vec<Written>,
}

impl<'a> Shown<'a> {
    pub(crate) fn new(outlet: Arc<dyn Outlet>, plan: &'a AcmePlan) -> Self {
        let (tokens, names, records) = Default::default();
        Self { outlet, plan, tokens, names, records }
    }

    /// Puts up the answer for one name, without a wildcard in front.
    pub(crate) async fn show(
        &mut self,
        name: &str,
        token: &str,
        answer: &KeyAuthorization,
    ) -> Result<(), Fault> {
        match self.plan.challenge {
            ChallengeKind::Http01 => {
                self.outlet.http_answer(token, Some(answer.as_str()));
                self.tokens.push(token.to_owned());
            }
            ChallengeKind::TlsAlpn01 => {
                let certificate = tls_answer(name, answer.digest().as_ref()).map_err(|error| {
                    Fault::new(FaultKind::Authority, error.to_string(), "report this")
                })?;
                self.outlet.tls_answer(name, Some(&certificate));
                self.names.push(name.to_owned());
            }
            ChallengeKind::Dns01 => {
                let written = self.updates().await?.add(name, answer.dns_value()).await?;
                self.records.push(written);
            }
        }
        Ok(())
    }

    /// Waits until the authority would see what was put up.
    pub(crate) async fn settle(&self) -> Result<(), Fault> {
        if self.records.is_empty() {
            return Ok(());
        }
        self.updates().await?.settle(&self.records).await
    }

    /// Takes the records out of DNS; the other answers go with this value.
    pub(crate) async fn remove(&mut self) {
        for written in std::mem::take(&mut self.records) {
            let removed = match self.updates().await {
                Ok(updates) => updates.remove(&written).await,
                Err(fault) => Err(fault),
            };
            if let Err(fault) = removed {
                tracing::warn!(%fault, "a record of an ACME challenge stays in DNS");
            }
        }
    }

    async fn updates(&self) -> Result<Updates<'a>, Fault> {
        let absent = "nothing says how records in DNS are written";
        let absent = || Fault::new(FaultKind::Records, absent, "add `dns`");
        Updates::open(self.plan.dns.as_ref().ok_or_else(absent)?).await
    }
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        for token in &self.tokens {
            self.outlet.http_answer(token, None);
        }
        for name in &self.names {
            self.outlet.tls_answer(name, None);
        }
    }
}

/// RFC 8737, section 3: a certificate for the name alone, with the digest in a critical extension.
fn tls_answer(name: &str, digest: &[u8]) -> Result<TlsAnswer, rcgen::Error> {
    let mut params = CertificateParams::new(vec![name.to_owned()])?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok(TlsAnswer { chain_pem: certificate.pem(), key_pem: key.serialize_pem() })
}
