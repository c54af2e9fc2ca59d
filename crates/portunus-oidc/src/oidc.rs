//! The filter itself: sessions let requests through, and its own pages begin and end them.

mod pages;
mod refresh;

use std::sync::Arc;

use bytes::Bytes;
use portunus_exchange::{Exchange, Phase, PhaseSet, Reply};
use portunus_filter::{Again, Filter, FilterCx, Interest, LocalFuture, Patch, Resume, Verdict};
use portunus_http::Method;
use portunus_telemetry::DecisionId;

use crate::cookie::Carried;
use crate::login::Login;
use crate::navigation::is_navigation;
use crate::page::{self, Page};
use crate::plan::{AUTHORIZATION, Found, Plan};
use crate::provider::{Now, Provider};
use crate::refusal::Refusal;
use crate::session::Standing;
use crate::target::Target;
use refresh::Refresh;

/// The filter `oidc`.
pub(crate) struct Oidc {
    pub(crate) plan: Arc<Plan>,
    pub(crate) decisions: Decisions,
}

/// What is counted.
pub(crate) struct Decisions {
    /// Requests with a session.
    pub(crate) allowed: DecisionId,
    /// Browsers that were sent to a provider.
    pub(crate) login: DecisionId,
    /// Requests that were refused for want of a session.
    pub(crate) missing: DecisionId,
    /// Users who logged out.
    pub(crate) logout: DecisionId,
}

impl Filter for Oidc {
    fn interest(&self) -> Interest {
        Interest { phases: PhaseSet::NONE.with(Phase::Request), ..Interest::default() }
    }

    fn guards(&self, name: &[u8]) -> bool {
        self.plan.forward.guards(name)
    }

    fn refuses(&self) -> bool {
        !self.plan.optional
    }

    fn on_request(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        let carried = self.plan.cookies.take(&mut exchange.request.headers);
        self.plan.forward.remove_copies(exchange);
        if let Some(page) = Page::of(exchange.request.path(), &self.plan.prefix) {
            return self.page(page, exchange, carried, cx);
        }
        let now = now(cx);
        match self.plan.session(&carried, now.seconds()) {
            Some(found) => self.with_session(found, exchange, carried, cx),
            None => self.without_session(exchange, carried, cx),
        }
    }

    fn forget(&self, exchange: &mut Exchange) {
        self.plan.cookies.take(&mut exchange.request.headers);
    }

    fn has_own_pages(&self) -> bool {
        true
    }

    fn own_page(&self, exchange: &Exchange) -> Option<usize> {
        let page = Page::of(exchange.request.path(), &self.plan.prefix);
        let is_ours =
            matches!(page, Some(Page::Backchannel(_))) && exchange.request.method == Method::Post;
        is_ours.then_some(BODY_BYTES_MAX)
    }

    fn on_own_page(
        &self,
        exchange: &mut Exchange,
        body: Vec<u8>,
        cx: &mut FilterCx<'_>,
    ) -> LocalFuture<Reply> {
        let name = match Page::of(exchange.request.path(), &self.plan.prefix) {
            Some(Page::Backchannel(name)) => name,
            _ => None,
        };
        self.backchannel(name, body, cx)
    }

    /// The session has ended while it was refreshed.
    fn on_again(&self, exchange: &mut Exchange, again: Again, cx: &mut FilterCx<'_>) -> Verdict {
        let carried = again.state.and_then(|state| state.downcast::<Carried>().ok());
        self.without_session(exchange, carried.map_or_else(Carried::default, |it| *it), cx)
    }
}

impl Oidc {
    fn with_session(
        &self,
        mut found: Found,
        exchange: &mut Exchange,
        carried: Carried,
        cx: &mut FilterCx<'_>,
    ) -> Verdict {
        cx.note(|| format!("a session of {}", found.session.claim("sub").unwrap_or_default()));
        let (now, consumers) = (now(cx), cx.directory.load());
        if found.standing == Standing::Refresh && !cx.offline {
            cx.count(self.decisions.allowed);
            let consumers = Arc::clone(&consumers);
            let refresh = Refresh { plan: Arc::clone(&self.plan), found, carried, consumers, now };
            return Verdict::Suspend(Box::pin(refresh.run()));
        }
        let mut patch = match self.plan.admit(&found, &consumers, now.wall) {
            Ok(patch) => patch,
            Err(refusal) => {
                cx.count(self.decisions.missing);
                return Verdict::reply(refusal.reply());
            }
        };
        cx.count(self.decisions.allowed);
        if found.standing == Standing::Aging {
            found.session.seen = now.seconds();
            // It was kept before, so it is short enough.
            let lines = self.plan.keep(&found.session, &carried).unwrap_or_default();
            set_cookies(&mut patch, lines);
        }
        patch.apply(exchange);
        Verdict::Continue
    }

    fn without_session(
        &self,
        exchange: &mut Exchange,
        carried: Carried,
        cx: &mut FilterCx<'_>,
    ) -> Verdict {
        if self.plan.optional {
            cx.note(|| "no session: goes on as nobody".to_owned());
            if self.plan.forward_access_token {
                // The upstream would take the client's word for ours.
                exchange.request.headers.remove(AUTHORIZATION);
            }
            return Verdict::Continue;
        }
        if !is_navigation(exchange) {
            cx.count(self.decisions.missing);
            cx.note(|| "no session, and no browser that could log in".to_owned());
            return Verdict::reply(Refusal::Missing.reply());
        }
        let target = self.plan.target(&asked(exchange));
        match self.plan.provider(None) {
            Some(provider) => self.begin(provider, target, exchange, carried, cx),
            None => {
                Verdict::reply(page::redirect(&self.plan.login_page(None, &target), Vec::new()))
            }
        }
    }

    /// Sends a browser to a provider.
    fn begin(
        &self,
        provider: &Arc<Provider>,
        target: Target,
        exchange: &Exchange,
        carried: Carried,
        cx: &mut FilterCx<'_>,
    ) -> Verdict {
        cx.count(self.decisions.login);
        cx.note(|| format!("no session: the browser goes to {} to log in", provider.issuer));
        if cx.offline {
            return Verdict::reply(page::redirect(&provider.issuer, Vec::new()));
        }
        let login = Login::begin(&provider.mark, target, now(cx).seconds());
        let redirect_uri = self.plan.redirect_uri(provider, &self.plan.origin(exchange));
        let (plan, provider) = (Arc::clone(&self.plan), Arc::clone(provider));
        if let Some(metadata) = provider.remote.now() {
            let url = provider.login_url(&metadata, &login, &redirect_uri);
            return Verdict::reply(plan.begin(&provider, &login, &url, &carried));
        }
        Verdict::Suspend(Box::pin(async move {
            reply(match provider.remote.known().await {
                Some(metadata) => {
                    let url = provider.login_url(&metadata, &login, &redirect_uri);
                    plan.begin(&provider, &login, &url, &carried)
                }
                None => Refusal::Unavailable.reply(),
            })
        }))
    }
}

fn reply(reply: Reply) -> Resume {
    Resume::Reply(Patch::default(), Box::new(reply))
}

/// Sets cookies on whatever is answered. No cache may keep such an answer, whatever the application says of it.
fn set_cookies(patch: &mut Patch, lines: Vec<String>) {
    if lines.is_empty() {
        return;
    }
    let name = Bytes::from_static(b"Set-Cookie");
    patch.response_headers.extend(lines.into_iter().map(|line| (name.clone(), line.into())));
    let (name, value) = (b"Cache-Control", b"no-store");
    patch.response_headers.push((Bytes::from_static(name), Bytes::from_static(value)));
}

fn now(cx: &FilterCx<'_>) -> Now {
    Now { wall: cx.wall, mono: cx.now }
}

/// Path and query as the client asked for them.
fn asked(exchange: &Exchange) -> Vec<u8> {
    let (path, query) = exchange.target;
    let headers = &exchange.request.headers;
    let mut asked = headers.text(path).to_vec();
    if let Some(query) = query {
        asked.push(b'?');
        asked.extend_from_slice(headers.text(query));
    }
    asked
}

/// More than any logout token has, and a bound on what anybody can send there.
const BODY_BYTES_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests;
