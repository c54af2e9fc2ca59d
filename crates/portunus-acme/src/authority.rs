//! One authority at work: its client, and the account there.

use instant_acme::{Account, AccountCredentials, Error, ExternalAccountKey, NewAccount};
use portunus_base::{Wall, hash_bytes};
use std::time::Duration;
use tokio::sync::Mutex;

use crate::client::Client;
use crate::fault::{Fault, FaultKind};
use crate::plan::{AcmePlan, ChallengeKind, Directory};
use crate::storage::Storage;

pub(crate) struct Authority {
    directory: Directory,
    email: Option<String>,
    challenge: ChallengeKind,
    client: Client,
    account: Mutex<Option<Account>>,
}

impl Authority {
    pub(crate) fn new(directory: &Directory, plan: &AcmePlan) -> Result<Self, Fault> {
        let help = "give PEM files with certificates in them";
        let client = Client::new(directory.roots.as_deref())
            .map_err(|error| Fault::new(FaultKind::Account, error.to_string(), help))?;
        Ok(Self {
            directory: directory.clone(),
            email: plan.email.clone(),
            challenge: plan.challenge,
            client,
            account: Mutex::default(),
        })
    }

    /// Whether it would be the same for another plan.
    pub(crate) fn fits(&self, directory: &Directory, plan: &AcmePlan) -> bool {
        (&self.directory, &self.email, self.challenge) == (directory, &plan.email, plan.challenge)
    }

    pub(crate) fn url(&self) -> &str {
        &self.directory.url
    }

    pub(crate) fn paused_until(&self) -> Wall {
        self.client.paused_until()
    }

    /// The account: in use, or from storage, or a new one.
    pub(crate) async fn account(
        &self,
        storage: &dyn Storage,
        owner: &str,
    ) -> Result<Account, Fault> {
        let mut known = self.account.lock().await;
        if let Some(account) = known.as_ref() {
            return Ok(account.clone());
        }
        let account = self.stored_or_new(storage, owner).await?;
        *known = Some(account.clone());
        Ok(account)
    }

    /// Reads the directory again at the next use: it may have changed.
    pub(crate) async fn forget(&self) {
        self.account.lock().await.take();
    }

    /// Makes a new account in place of one that the authority does not know any more.
    pub(crate) async fn renew_account(&self, storage: &dyn Storage) -> Result<Account, Fault> {
        let mut known = self.account.lock().await;
        let account = self.create(storage).await?;
        *known = Some(account.clone());
        Ok(account)
    }

    /// Several nodes that begin at once make one account, not one each.
    async fn stored_or_new(&self, storage: &dyn Storage, owner: &str) -> Result<Account, Fault> {
        let key = self.key();
        for _ in 0..LEASE_ATTEMPTS {
            if let Some(account) = self.stored(storage).await? {
                return Ok(account);
            }
            if storage.lease(&key, owner, LEASE).await.map_err(|error| unstored(&error))? {
                let account = match self.stored(storage).await {
                    Ok(None) => self.create(storage).await,
                    Ok(Some(account)) => Ok(account),
                    Err(fault) => Err(fault),
                };
                // It runs out by itself if it cannot be given back.
                let _ = storage.release(&key, owner).await;
                return account;
            }
            tokio::time::sleep(LEASE_POLL).await;
        }
        let what = "another node has been making the account for a minute";
        Err(Fault::new(FaultKind::Storage, what, "check that the other node is well"))
    }

    async fn stored(&self, storage: &dyn Storage) -> Result<Option<Account>, Fault> {
        let stored = storage.read(&self.key()).await.map_err(|error| unstored(&error))?;
        let Some(stored) = stored else { return Ok(None) };
        let credentials: AccountCredentials = match serde_json::from_slice(&stored) {
            Ok(credentials) => credentials,
            Err(error) => {
                let directory = self.url();
                tracing::warn!(directory, %error, "a stored ACME account is of no use: a new one is made");
                return Ok(None);
            }
        };
        let builder = Account::builder_with_http(Box::new(self.client.clone()));
        builder.from_credentials(credentials).await.map(Some).map_err(|error| self.fault(&error))
    }

    async fn create(&self, storage: &dyn Storage) -> Result<Account, Fault> {
        let contact = self.email.as_ref().map(|email| format!("mailto:{email}"));
        let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
        let account = NewAccount {
            contact: &contact,
            terms_of_service_agreed: true,
            only_return_existing: false,
        };
        let eab = self.directory.eab.as_ref();
        let eab = eab.map(|eab| ExternalAccountKey::new(eab.key_id.clone(), eab.key.bytes()));
        let builder = Account::builder_with_http(Box::new(self.client.clone()));
        let made = builder.create(&account, self.url().to_owned(), eab.as_ref()).await;
        let (account, credentials) = made.map_err(|error| self.account_fault(&error))?;
        let text = serde_json::to_vec(&credentials)
            .map_err(|error| unstored(&std::io::Error::other(error)))?;
        storage.write(&self.key(), text).await.map_err(|error| unstored(&error))?;
        tracing::info!(directory = self.url(), "made an ACME account");
        Ok(account)
    }

    /// What is wrong while an account is made is wrong with the account.
    fn account_fault(&self, error: &Error) -> Fault {
        let mut fault = self.fault(error);
        if fault.kind == FaultKind::Authority {
            fault.kind = FaultKind::Account;
            "check `email`, and `eab` if the authority asks for one".clone_into(&mut fault.help);
        }
        fault
    }

    pub(crate) fn fault(&self, error: &Error) -> Fault {
        Fault::of(error, self.challenge)
    }

    /// An account belongs to a directory, an address and a binding.
    fn key(&self) -> String {
        let kid = self.directory.eab.as_ref().map_or("", |eab| eab.key_id.as_str());
        let email = self.email.as_deref().unwrap_or_default();
        let hash = hash_bytes(format!("{}\n{email}\n{kid}", self.url()).as_bytes());
        format!("accounts/{hash:016x}.json")
    }
}

pub(crate) fn unstored(error: &std::io::Error) -> Fault {
    let what = format!("the storage of ACME: {error}");
    Fault::new(FaultKind::Storage, what, "check the folder, its owner, and the space on it")
}

const LEASE: Duration = Duration::from_secs(60);
const LEASE_POLL: Duration = Duration::from_millis(500);
const LEASE_ATTEMPTS: u32 = 120;
