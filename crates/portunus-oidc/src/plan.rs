//! What an `oidc` filter knows: the same for all requests.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use portunus_base::Wall;
use portunus_exchange::{Exchange, Reply};
use portunus_filter::Patch;
use portunus_http::normalize_path;
use portunus_identity::Consumers;
use portunus_jwt::{Fault, ForwardedClaims, IdentityRule};
use serde_json::Value;

use crate::cookie::{Carried, Cookies};
use crate::login::Login;
use crate::page::{self, Page};
use crate::provider::{Now, Provider};
use crate::refresher::Refresher;
use crate::refusal::Refusal;
use crate::revoked::{Ended, Revoked};
use crate::seal::Sealer;
use crate::session::{Lifetimes, Session, Standing};
use crate::target::Target;

/// What an `oidc` filter knows.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The path below which the filter's own pages are.
    pub(crate) prefix: String,
    pub(crate) providers: Box<[Arc<Provider>]>,
    /// The provider of whoever chooses none.
    pub(crate) default: Option<usize>,
    /// Scheme and host that browsers use; `None` for those of the request.
    pub(crate) origin: Option<String>,
    pub(crate) cookies: Cookies,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) lifetimes: Lifetimes,
    /// Where a browser goes after a logout; `None` for a page of our own.
    pub(crate) logout_to: Option<String>,
    /// Whether the provider is told of a logout.
    pub(crate) logout_at_provider: bool,
    pub(crate) identity: IdentityRule,
    pub(crate) forward: ForwardedClaims,
    pub(crate) forward_access_token: bool,
    pub(crate) optional: bool,
    pub(crate) revoked: Arc<Revoked>,
    pub(crate) refresher: Arc<Refresher>,
    /// Bound on one request to a provider.
    pub(crate) timeout: Duration,
}

/// A session that a request brought.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) session: Session,
    pub(crate) provider: Arc<Provider>,
    pub(crate) standing: Standing,
}

impl Plan {
    /// The session of a request, when it holds.
    pub(crate) fn session(&self, carried: &Carried, now: u64) -> Option<Found> {
        let sealed = self.cookies.session(carried)?;
        let session = Session::open(&self.sealer, self.cookies.session_name(), &sealed)?;
        let provider = Arc::clone(self.provider_of(&session.provider)?);
        let standing = session.standing(&self.lifetimes, now);
        let is_over = standing == Standing::Over || self.is_revoked(&session);
        (!is_over).then_some(Found { session, provider, standing })
    }

    fn is_revoked(&self, session: &Session) -> bool {
        let provider = session.provider.as_str();
        let of_provider = session.claim("sid").map(|sid| Ended::ProviderSession { provider, sid });
        let of_user = session.claim("sub").map(|subject| Ended::Subject { provider, subject });
        let mut all = [Some(Ended::Session(&session.id)), of_provider, of_user].into_iter();
        all.any(|ended| ended.is_some_and(|ended| self.revoked.has(ended, session.created)))
    }

    /// Lets a request through with what a session says of the user.
    ///
    /// # Errors
    /// The user is nobody who is let through.
    pub(crate) fn admit(
        &self,
        found: &Found,
        consumers: &Consumers,
        wall: Wall,
    ) -> Result<Patch, Refusal> {
        let Found { session, provider, .. } = found;
        let mut claims = session.claims.clone();
        if let Some(scope) = &session.tokens.scope {
            claims.entry("scope").or_insert_with(|| Value::String(scope.clone()));
        }
        let ends = session.created.saturating_add(self.lifetimes.absolute_s);
        let ends = Some(Wall(ends.saturating_mul(1_000_000)));
        let headers = self.forward.ready(&session.claims);
        let identity = self.identity.identity(claims, ends, consumers, wall);
        let mut identity = identity.map_err(|fault| match fault {
            Fault::CredentialExpired => Refusal::Expired,
            _ => Refusal::NoConsumer,
        })?;
        if identity.credential.is_empty() {
            identity.credential = provider.name.as_str().into();
        }
        let mut patch = Patch { identity: Some(Arc::new(identity)), ..Patch::default() };
        patch.request_headers.extend(headers.into_iter().map(|(name, value)| (name, Some(value))));
        if self.forward_access_token {
            let access = session.tokens.access.as_ref();
            let value = access.map(|access| Bytes::from(format!("Bearer {access}")));
            patch.request_headers.push((Bytes::from_static(AUTHORIZATION), value));
        }
        Ok(patch)
    }

    /// The values of `Set-Cookie` that keep a session.
    ///
    /// # Errors
    /// It is too long for a browser.
    pub(crate) fn keep(
        &self,
        session: &Session,
        carried: &Carried,
    ) -> Result<Vec<String>, Refusal> {
        let seconds = session.keep_s(&self.lifetimes);
        let keep = |session: &Session| {
            let sealed = session.seal(&self.sealer, self.cookies.session_name());
            self.cookies.keep_session(&sealed, seconds, carried)
        };
        keep(session)
            // The ID token only spares the user a question at the provider when he logs out.
            .or_else(|| keep(&session.without_id_token()))
            .ok_or(Refusal::Size)
    }

    /// The provider and client of that mark.
    pub(crate) fn provider_of(&self, mark: &str) -> Option<&Arc<Provider>> {
        self.providers.iter().find(|provider| provider.mark == mark)
    }

    /// The provider of that name, or the one of whoever names none.
    pub(crate) fn provider(&self, name: Option<&str>) -> Option<&Arc<Provider>> {
        match (name, &*self.providers) {
            (Some(name), all) => all.iter().find(|provider| provider.name == name),
            (None, [only]) => Some(only),
            (None, all) => all.get(self.default?),
        }
    }

    /// Where a provider sends browsers back to: with several, one place each, so that none can pass for another.
    pub(crate) fn redirect_uri(&self, provider: &Provider, origin: &str) -> String {
        match &*self.providers {
            [_] => format!("{origin}{}/callback", self.prefix),
            _ => format!("{origin}{}/callback/{}", self.prefix, provider.name),
        }
    }

    /// Scheme and host of a request, as browsers use them.
    pub(crate) fn origin(&self, exchange: &Exchange) -> String {
        self.origin.clone().unwrap_or_else(|| {
            let authority = String::from_utf8_lossy(exchange.request.authority());
            format!("{}://{authority}", exchange.client.scheme.text())
        })
    }

    /// A place as an URL, as a browser would go to it from a request.
    pub(crate) fn absolute(&self, to: &str, exchange: &Exchange) -> String {
        match to.starts_with('/') {
            true => format!("{}{to}", self.origin(exchange)),
            false => to.to_owned(),
        }
    }

    /// The page of the filter itself that stands for a place where a login begins.
    pub(crate) fn login_page(&self, name: Option<&str>, target: &Target) -> String {
        let to = crate::form::encode([("to", target.as_str())]);
        let name = name.map_or_else(String::new, |name| format!("/{name}"));
        format!("{}/login{name}?{to}", self.prefix)
    }

    /// A target, unless it is a page of the filter itself: a login that ends in a logout is none.
    pub(crate) fn target(&self, text: &[u8]) -> Target {
        let target = Target::parse(text);
        // As a browser, and we, read the path when it comes back.
        let is_ours = |target: &Target| {
            let (path, mut plain) = (target.path().as_bytes(), Vec::new());
            let path = if normalize_path(path, &mut plain) { &plain } else { path };
            Page::of(path, &self.prefix).is_some()
        };
        target.filter(|target| !is_ours(target)).unwrap_or_else(Target::root)
    }

    /// Sends a browser to the provider.
    pub(crate) fn begin(
        &self,
        provider: &Provider,
        login: &Login,
        url: &str,
        carried: &Carried,
    ) -> Reply {
        debug_assert_eq!(provider.mark, login.provider);
        let sealed = login.seal(&self.sealer, self.cookies.session_name());
        let life = crate::cookie::Life::Seconds(crate::login::LOGIN_SECONDS);
        let mut cookies = self.cookies.end_old_logins(carried);
        cookies.push(self.cookies.set_login(&login.state, &sealed, life));
        page::redirect(url, cookies)
    }

    /// Notes that a session has ended.
    pub(crate) fn revoke(&self, ended: Ended<'_>, at: u64) {
        self.revoked.add(ended, at, self.lifetimes.absolute_s);
    }
}

/// Where the upstream finds the access token.
pub(crate) const AUTHORIZATION: &[u8] = b"Authorization";

/// What a request to one of the filter's own pages brought, for a future that outlives its borrow.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) carried: Carried,
    pub(crate) origin: String,
    pub(crate) now: Now,
}
