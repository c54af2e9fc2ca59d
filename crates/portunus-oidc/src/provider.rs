//! One provider of a filter: what is asked of it, and what becomes of its answers.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portunus_base::{Mono, Wall};
use portunus_fetch::{Fetch, Fetcher};
use portunus_jwt::{Fault, KeySource, Rules, Token, Verified, verify};
use serde_json::{Map, Value};

use crate::form;
use crate::id_token;
use crate::login::Login;
use crate::metadata::Metadata;
use crate::refresher::{Fresh, Refreshed};
use crate::refusal::Refusal;
use crate::remote::Remote;
use crate::session::{Session, Tokens, seconds};
use crate::token::{self, Client};

/// One provider of a filter.
#[derive(Debug)]
pub(crate) struct Provider {
    /// Its name in paths.
    pub(crate) name: String,
    /// What users read.
    pub(crate) label: String,
    /// Its issuer.
    pub(crate) issuer: String,
    /// What stands for it and the client in cookies.
    pub(crate) mark: String,
    /// Who we are to it.
    pub(crate) client: Client,
    /// What is asked for, in words with spaces.
    pub(crate) scope: String,
    /// More parameters of the request for a login.
    pub(crate) parameters: Vec<(String, String)>,
    /// What ID tokens must say.
    pub(crate) id_rules: Rules,
    /// What logout tokens must say.
    pub(crate) logout_rules: Rules,
    /// Whether its userinfo endpoint is asked.
    pub(crate) userinfo: bool,
    /// How long before the end of an access token a new one is asked for.
    pub(crate) refresh_before_s: u64,
    /// Its endpoints.
    pub(crate) remote: Arc<Remote>,
    /// Its keys.
    pub(crate) keys: Arc<KeySource>,
    /// What asks it.
    pub(crate) fetcher: Fetcher,
}

/// When something is checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) wall: Wall,
    pub(crate) mono: Mono,
}

impl Now {
    /// Whole seconds since the epoch.
    pub(crate) fn seconds(self) -> u64 {
        seconds(self.wall)
    }
}

impl Provider {
    /// Where a browser goes to log in.
    pub(crate) fn login_url(
        &self,
        metadata: &Metadata,
        login: &Login,
        redirect_uri: &str,
    ) -> String {
        let challenge = login.challenge();
        let own = [
            ("response_type", "code"),
            ("client_id", &self.client.id),
            ("redirect_uri", redirect_uri),
            ("scope", &self.scope),
            ("state", &login.state),
            ("nonce", &login.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let more = self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        with_query(&metadata.authorization, &form::encode(own.into_iter().chain(more)))
    }

    /// Where a browser goes so that the session at the provider ends too (RP-Initiated Logout 1.0).
    pub(crate) fn logout_url(
        &self,
        metadata: &Metadata,
        id_token: Option<&str>,
        back_to: &str,
    ) -> Option<String> {
        let hint = id_token.map(|token| ("id_token_hint", token));
        let own = [("client_id", self.client.id.as_str()), ("post_logout_redirect_uri", back_to)];
        let query = form::encode(hint.into_iter().chain(own));
        metadata.end_session.as_deref().map(|url| with_query(url, &query))
    }

    /// A session for the code of a login.
    ///
    /// # Errors
    /// The provider gives no tokens, or they are not those of this login.
    pub(crate) async fn redeem(
        &self,
        code: &str,
        login: &Login,
        redirect_uri: &str,
        now: Now,
    ) -> Result<Session, Refusal> {
        let metadata = self.remote.known().await.ok_or(Refusal::Unavailable)?;
        let fetch = self.client.redeem(&metadata, code, &login.verifier, redirect_uri);
        let tokens = self.tokens(fetch, now).await?;
        let id_token = tokens.id.as_deref().ok_or(Refusal::IdToken("there is none"))?;
        let verified = self.verify(id_token, &self.id_rules, now).await.map_err(of_id_token)?;
        let mut claims = id_token::check(verified, &self.client.id, &login.nonce)?;
        if self.userinfo {
            self.ask_userinfo(&metadata, &tokens, &mut claims).await?;
        }
        for name in OF_THE_TOKEN {
            claims.remove(name);
        }
        Ok(Session::begin(&self.mark, claims, tokens, now.seconds()))
    }

    /// New tokens for a session.
    ///
    /// # Errors
    /// The provider gives none, or they are of somebody else.
    pub(crate) async fn refresh(&self, session: &Session, now: Now) -> Refreshed {
        let token = session.tokens.refresh.as_deref().ok_or(Refusal::Missing)?;
        let metadata = self.remote.known().await.ok_or(Refusal::Unavailable)?;
        let tokens = self.tokens(self.client.refresh(&metadata, token), now).await?;
        let said = match &tokens.id {
            Some(id_token) => {
                let verified = self.verify(id_token, &self.id_rules, now).await;
                let verified = verified.map_err(of_id_token)?;
                Some(id_token::check_again(verified, &self.client.id, &session.claims)?)
            }
            None if self.userinfo => Some(said_at_login(session)),
            None => None,
        };
        let claims = match said {
            Some(claims) => self.complete(&metadata, &tokens, claims).await?,
            None => None,
        };
        Ok(Arc::new(Fresh { tokens, claims }))
    }

    /// The claims of an ID token with those of the userinfo endpoint, where that is asked. None where it cannot be: the
    /// new tokens are good all the same, and what was known before stays.
    async fn complete(
        &self,
        metadata: &Metadata,
        tokens: &Tokens,
        mut claims: Map<String, Value>,
    ) -> Result<Option<Map<String, Value>>, Refusal> {
        if self.userinfo {
            match self.ask_userinfo(metadata, tokens, &mut claims).await {
                Err(Refusal::Unavailable) => return Ok(None),
                asked => asked?,
            }
        }
        for name in OF_THE_TOKEN {
            claims.remove(name);
        }
        Ok(Some(claims))
    }

    async fn tokens(&self, fetch: Fetch, now: Now) -> Result<Tokens, Refusal> {
        let answer = self.fetcher.fetch(fetch).await;
        let answer = answer.map_err(|error| self.unavailable("its token endpoint", &error))?;
        let tokens = token::read(&answer, now.seconds(), self.refresh_before_s);
        tokens.inspect_err(|refusal| {
            let (issuer, status) = (&self.issuer, answer.status);
            tracing::warn!(issuer, status, ?refusal, "the login provider gave no tokens");
        })
    }

    /// Adds what the userinfo endpoint says of the user (Core section 5.3). The ID token's own claims stay.
    async fn ask_userinfo(
        &self,
        metadata: &Metadata,
        tokens: &Tokens,
        claims: &mut Map<String, Value>,
    ) -> Result<(), Refusal> {
        let url = metadata.userinfo.as_deref().ok_or(Refusal::Unavailable)?;
        let access = tokens.access.as_deref().ok_or(Refusal::Unavailable)?;
        let mut fetch = Fetch::get(url).with_header("Accept", "application/json");
        fetch.timeout = self.client.timeout;
        let fetch = fetch.with_header("Authorization", format!("Bearer {access}"));
        let answer = self.fetcher.fetch(fetch).await;
        let answer = answer.map_err(|error| self.unavailable("its userinfo endpoint", &error))?;
        let said = token::object(&answer.body).filter(|_| answer.status == 200);
        let said = said.ok_or(Refusal::Unavailable)?;
        if said.get("sub") != claims.get("sub") {
            return Err(Refusal::IdToken("its userinfo is of another user"));
        }
        for (name, value) in said {
            claims.entry(name).or_insert(value);
        }
        Ok(())
    }

    /// Checks a token with the provider's keys, which may have to be fetched first.
    pub(crate) async fn verify(
        &self,
        token: &str,
        rules: &Rules,
        now: Now,
    ) -> Result<Verified, Option<Fault>> {
        let check = || match self.keys.keys().as_ref() {
            Some(keys) => {
                let token = token.as_bytes();
                verify(token, TOKEN_BYTES_MAX, &keys.set, rules, now.wall).map_err(Some)
            }
            None => Err(None),
        };
        match check() {
            Err(None | Some(Fault::UnknownKey)) => {}
            checked => return checked,
        }
        if let Some(fetched) = self.keys.ask(now.mono) {
            fetched.await;
        }
        check()
    }

    fn unavailable(&self, what: &str, error: &dyn std::fmt::Display) -> Refusal {
        tracing::warn!(issuer = self.issuer, "{what} cannot be asked: {error}");
        Refusal::Unavailable
    }
}

/// What stands for an issuer and a client in cookies.
pub(crate) fn mark(issuer: &str, client: &str) -> String {
    let hash = digest(&SHA256, format!("{issuer} {client}").as_bytes());
    URL_SAFE_NO_PAD.encode(hash.as_ref().get(..MARK_BYTES).unwrap_or_default())
}

/// The claims of the ID token that a session still has: sealed by us, after it was checked. Without it, those that
/// identify the user, and speak of the login.
fn said_at_login(session: &Session) -> Map<String, Value> {
    let token = session.tokens.id.as_deref().unwrap_or_default();
    let read = Token::parse(token.as_bytes(), TOKEN_BYTES_MAX).and_then(|token| token.claims());
    read.unwrap_or_else(|_| {
        let kept = session.claims.iter().filter(|(name, _)| WHO.contains(&name.as_str()));
        kept.map(|(name, value)| (name.clone(), value.clone())).collect()
    })
}

fn of_id_token(fault: Option<Fault>) -> Refusal {
    match fault {
        Some(fault) => Refusal::IdToken(id_token::fault(&fault)),
        None => Refusal::Unavailable,
    }
}

fn with_query(url: &str, query: &str) -> String {
    let url = url.split('#').next().unwrap_or(url);
    let joint = match url.contains('?') {
        true if url.ends_with(['?', '&']) => "",
        true => "&",
        false => "?",
    };
    format!("{url}{joint}{query}")
}

/// Claims that speak of a token, not of the user: they take room in cookies.
const OF_THE_TOKEN: [&str; 5] = ["at_hash", "azp", "c_hash", "nonce", "s_hash"];
/// Claims that say whom the others are about.
const WHO: [&str; 3] = ["iss", "sub", "aud"];
const MARK_BYTES: usize = 12;
/// The longest token that is read: far longer than those that fit into cookies.
const TOKEN_BYTES_MAX: usize = 128 * 1024;

#[cfg(test)]
mod tests;
