//! One order: shown control over each name, a certificate at the end. RFC 8555, section 7.4.

use std::sync::Arc;
use std::time::Duration;

use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Error, Identifier, NewOrder, Order, OrderStatus,
    RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};

use crate::certificate::Issued;
use crate::fault::{Fault, FaultKind};
use crate::outlet::Outlet;
use crate::plan::{AcmePlan, ChallengeKind, Names};
use crate::shown::Shown;

/// What is ordered, and how.
pub(crate) struct Wish<'a> {
    pub names: &'a Names,
    pub plan: &'a AcmePlan,
    pub directory: &'a str,
    /// The certificate that the new one replaces, if the authority plans renewals.
    pub replaces: Option<&'a Issued>,
}

impl Wish<'_> {
    /// Orders, proves, and takes the certificate.
    pub(crate) async fn order(
        &self,
        account: &Account,
        outlet: &Arc<dyn Outlet>,
    ) -> Result<Issued, Fault> {
        let mut order = self.open(account).await.map_err(|error| self.fault(&error))?;
        let mut shown = Shown::new(Arc::clone(outlet), self.plan);
        let proved = self.prove(&mut order, &mut shown).await;
        shown.remove().await;
        proved?;
        self.finalize(&mut order).await
    }

    async fn open(&self, account: &Account) -> Result<Order, Error> {
        let identifiers: Vec<_> =
            self.names.iter().map(|name| Identifier::Dns(name.to_owned())).collect();
        let new = NewOrder::new(&identifiers);
        let Some(ari) = self.replaces.and_then(Issued::ari) else {
            return account.new_order(&new).await;
        };
        match account.new_order(&NewOrder::new(&identifiers).replaces(ari.clone())).await {
            // An order of the same names that replaces nothing is as good.
            Err(Error::Api(problem)) if is_about_replacing(problem.r#type.as_deref()) => {
                account.new_order(&new).await
            }
            Err(Error::Unsupported(_)) => account.new_order(&new).await,
            opened => opened,
        }
    }

    async fn prove(&self, order: &mut Order, shown: &mut Shown<'_>) -> Result<(), Fault> {
        self.show(order, shown).await?;
        shown.settle().await?;
        self.announce(order).await.map_err(|error| self.fault(&error))?;
        match order.poll_ready(&PATIENCE).await {
            Ok(OrderStatus::Ready) => Ok(()),
            Ok(_) => Err(self.why_invalid(order, None).await),
            Err(error) => Err(self.why_invalid(order, Some(error)).await),
        }
    }

    /// Puts up the answers to all challenges.
    async fn show(&self, order: &mut Order, shown: &mut Shown<'_>) -> Result<(), Fault> {
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization.map_err(|error| self.fault(&error))?;
            if authorization.status != AuthorizationStatus::Pending {
                continue;
            }
            let Identifier::Dns(name) = authorization.identifier().identifier else { continue };
            let name = name.clone();
            let challenge =
                authorization.challenge(self.kind()).ok_or_else(|| self.not_offered(&name))?;
            shown.show(&name, &challenge.token, &challenge.key_authorization()).await?;
        }
        Ok(())
    }

    /// Tells the authority that it may look.
    async fn announce(&self, order: &mut Order) -> Result<(), Error> {
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization?;
            if authorization.status == AuthorizationStatus::Pending
                && let Some(mut challenge) = authorization.challenge(self.kind())
            {
                challenge.set_ready().await?;
            }
        }
        Ok(())
    }

    /// What the authority found at the names says more than that the order is invalid.
    async fn why_invalid(&self, order: &mut Order, error: Option<Error>) -> Fault {
        let mut authorizations = order.authorizations();
        while let Some(Ok(mut authorization)) = authorizations.next().await {
            if authorization.refresh().await.is_err() {
                break;
            }
            let name = authorization.identifier().to_string();
            let problem = authorization.challenges.iter().find_map(|one| one.error.as_ref());
            if let Some(problem) = problem {
                let mut fault = Fault::of_problem(problem, self.plan.challenge);
                fault.what = format!("{name}: {}", fault.what);
                return fault;
            }
        }
        match error {
            Some(error) => self.fault(&error),
            None => Fault::new(
                FaultKind::Authority,
                "the authority made the order invalid, and does not say why",
                "nothing, unless it stays so: it is asked again",
            ),
        }
    }

    async fn finalize(&self, order: &mut Order) -> Result<Issued, Fault> {
        let (key, csr) = self.request().map_err(|error| ours(&error.to_string()))?;
        order.finalize_csr(&csr).await.map_err(|error| self.fault(&error))?;
        let chain = order.poll_certificate(&PATIENCE).await.map_err(|error| self.fault(&error))?;
        Issued::new(self.names.clone(), chain, key, self.directory.to_owned())
            .map_err(|error| ours(&error))
    }

    /// A new key for each certificate, and the request for it.
    fn request(&self) -> Result<(String, Vec<u8>), rcgen::Error> {
        let names: Vec<_> = self.names.iter().map(str::to_owned).collect();
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = DistinguishedName::new();
        let key = KeyPair::generate()?;
        let csr = params.serialize_request(&key)?;
        Ok((key.serialize_pem(), csr.der().to_vec()))
    }

    fn kind(&self) -> ChallengeType {
        match self.plan.challenge {
            ChallengeKind::Http01 => ChallengeType::Http01,
            ChallengeKind::TlsAlpn01 => ChallengeType::TlsAlpn01,
            ChallengeKind::Dns01 => ChallengeType::Dns01,
        }
    }

    fn not_offered(&self, name: &str) -> Fault {
        let what =
            format!("the authority does not offer {} for {name}", self.plan.challenge.word());
        Fault::new(FaultKind::Names, what, "write another `challenge`; wildcards need dns-01")
    }

    fn fault(&self, error: &Error) -> Fault {
        Fault::of(error, self.plan.challenge)
    }
}

fn ours(error: &str) -> Fault {
    let what = format!("the certificate that came cannot be used: {error}");
    Fault::new(FaultKind::Authority, what, "nothing, unless it stays so: it is asked again")
}

fn is_about_replacing(name: Option<&str>) -> bool {
    name.is_some_and(|name| name.ends_with(":alreadyReplaced") || name.ends_with(":malformed"))
}

/// How long the authority may take for each of its two steps.
const PATIENCE: RetryPolicy = RetryPolicy::new()
    .initial_delay(Duration::from_millis(250))
    .backoff(1.5)
    .timeout(Duration::from_secs(150));
