//! The filter itself: sessions let requests through, and its own pages begin and end them.

use std::sync::Arc;

use bytes::Bytes;
use portunus_exchange::{Exchange, Phase, PhaseSet, Reply};
use portunus_filter::{Again, Filter, FilterCx, Interest, LocalFuture, Patch, Resume, Verdict};
use portunus_http::Method;
use portunus_identity::Consumers;
use portunus_telemetry::DecisionId;

use crate::backchannel;
use crate::callback;
use crate::cookie::Carried;
use crate::form::Form;
use crate::login::Login;
use crate::navigation::is_navigation;
use crate::page::{self, Page};
use crate::plan::{Found, Plan, Visit};
use crate::provider::{Now, Provider};
use crate::refresher::{Refreshed, Work};
use crate::refusal::Refusal;
use crate::revoked::Ended;
use crate::session::Standing;
use crate::target::Target;

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
        cx.count(self.decisions.allowed);
        cx.note(|| format!("a session of {}", found.session.claim("sub").unwrap_or_default()));
        let (now, consumers) = (now(cx), cx.directory.load());
        if found.standing == Standing::Refresh && !cx.offline {
            let consumers = Arc::clone(&consumers);
            let refresh = Refresh { plan: Arc::clone(&self.plan), found, carried, consumers, now };
            return Verdict::Suspend(Box::pin(refresh.run()));
        }
        let mut patch = self.plan.admit(&found, &consumers, now.wall);
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

    fn page(
        &self,
        page: Page<'_>,
        exchange: &Exchange,
        carried: Carried,
        cx: &mut FilterCx<'_>,
    ) -> Verdict {
        let is_reading = matches!(exchange.request.method, Method::Get | Method::Head);
        let is_posting = exchange.request.method == Method::Post;
        let refused = match page {
            Page::Unknown => Some(Refusal::Path),
            Page::Backchannel(_) if !is_posting => Some(Refusal::Method("POST")),
            Page::Logout if !is_posting && !is_reading => Some(Refusal::Method("GET, HEAD, POST")),
            Page::Login(_) | Page::Callback(_) | Page::LoggedOut if !is_reading => {
                Some(Refusal::Method("GET, HEAD"))
            }
            _ => None,
        };
        if let Some(refusal) = refused {
            return Verdict::reply(refusal.reply());
        }
        match page {
            Page::Login(name) => self.login(name, exchange, carried, cx),
            Page::Callback(name) => self.callback(name, exchange, carried, cx),
            Page::Logout => self.logout(exchange, carried, cx),
            Page::LoggedOut => {
                Verdict::reply(page::logged_out(&self.plan.login_page(None, &Target::root())))
            }
            Page::Backchannel(name) => {
                // With a body it is no matter of this hook.
                let page = self.backchannel(name, Vec::new(), cx);
                Verdict::Suspend(Box::pin(async move { reply(page.await) }))
            }
            Page::Unknown => Verdict::reply(Refusal::Path.reply()),
        }
    }

    fn login(
        &self,
        name: Option<&str>,
        exchange: &Exchange,
        carried: Carried,
        cx: &mut FilterCx<'_>,
    ) -> Verdict {
        let query = exchange.request.query().and_then(Form::parse).unwrap_or_default();
        let target = self.plan.target(query.value("to").unwrap_or_default().as_bytes());
        if let Some(provider) = self.plan.provider(name) {
            return self.begin(provider, target, exchange, carried, cx);
        }
        if name.is_some() {
            return Verdict::reply(Refusal::Path.reply());
        }
        let choices = self.plan.providers.iter().map(|provider| {
            let url = self.plan.login_page(Some(&provider.name), &target);
            (provider.label.as_str(), url)
        });
        Verdict::reply(page::choice(choices))
    }

    fn callback(
        &self,
        name: Option<&str>,
        exchange: &Exchange,
        carried: Carried,
        cx: &mut FilterCx<'_>,
    ) -> Verdict {
        if cx.offline {
            cx.note(|| "the end of a login: the provider would be asked for tokens".to_owned());
            return Verdict::reply(Refusal::Unavailable.reply());
        }
        let answer = Form::parse(exchange.request.query().unwrap_or_default());
        let visit = Visit { carried, origin: self.plan.origin(exchange), now: now(cx) };
        let (plan, name) = (Arc::clone(&self.plan), name.map(str::to_owned));
        Verdict::Suspend(Box::pin(async move {
            reply(callback::answer(&plan, answer, name.as_deref(), &visit).await)
        }))
    }

    fn backchannel(
        &self,
        name: Option<&str>,
        body: Vec<u8>,
        cx: &FilterCx<'_>,
    ) -> LocalFuture<Reply> {
        let (plan, name, now) = (Arc::clone(&self.plan), name.map(str::to_owned), now(cx));
        Box::pin(async move { backchannel::answer(&plan, name.as_deref(), &body, now).await })
    }

    fn logout(&self, exchange: &Exchange, carried: Carried, cx: &mut FilterCx<'_>) -> Verdict {
        if is_foreign(exchange) {
            return Verdict::reply(Refusal::Foreign.reply());
        }
        let origin = self.plan.origin(exchange);
        let back_to = match &self.plan.logout_to {
            Some(to) if to.starts_with('/') => format!("{origin}{to}"),
            Some(to) => to.clone(),
            None => format!("{origin}{}/logged_out", self.plan.prefix),
        };
        let cookies = self.plan.cookies.end_session(&carried);
        let now = now(cx).seconds();
        let mut at_provider = None;
        if let Some(Found { session, provider, .. }) = self.plan.session(&carried, now) {
            cx.count(self.decisions.logout);
            self.plan.revoke(Ended::Session(&session.id), now);
            let id_token = session.tokens.id.as_deref();
            let metadata = provider.remote.now().filter(|_| self.plan.logout_at_provider);
            at_provider = metadata.and_then(|it| provider.logout_url(&it, id_token, &back_to));
        }
        Verdict::reply(page::redirect(&at_provider.unwrap_or(back_to), cookies))
    }
}

/// A request whose session needs new tokens.
struct Refresh {
    plan: Arc<Plan>,
    found: Found,
    carried: Carried,
    consumers: Arc<Consumers>,
    now: Now,
}

impl Refresh {
    async fn run(mut self) -> Resume {
        let now = self.now.seconds();
        match self.ask().await {
            Ok(fresh) => {
                self.found.session.renew(&fresh, now);
                match self.plan.keep(&self.found.session, &self.carried) {
                    Ok(lines) => self.go_on(lines),
                    Err(refusal) => reply(refusal.reply()),
                }
            }
            Err(Refusal::Unavailable) if self.found.session.has_access(now) => {
                self.go_on(Vec::new())
            }
            Err(Refusal::Unavailable) => reply(Refusal::Unavailable.reply()),
            Err(_) => {
                let mut patch = Patch::default();
                set_cookies(&mut patch, self.plan.cookies.end_session(&self.carried));
                Resume::Again(patch, Again { step: 0, state: Some(Box::new(self.carried)) })
            }
        }
    }

    async fn ask(&self) -> Refreshed {
        let token = self.found.session.tokens.refresh.as_deref().unwrap_or_default();
        let (session, provider) = (self.found.session.clone(), Arc::clone(&self.found.provider));
        let now = self.now;
        let work: Work = Box::pin(async move { provider.refresh(&session, now).await });
        // The endpoints, the tokens, and the keys for them.
        let timeout = self.plan.timeout.saturating_mul(3);
        self.plan.refresher.refresh(token, work, timeout).await
    }

    fn go_on(&self, cookies: Vec<String>) -> Resume {
        let mut patch = self.plan.admit(&self.found, &self.consumers, self.now.wall);
        set_cookies(&mut patch, cookies);
        Resume::Continue(patch)
    }
}

fn reply(reply: Reply) -> Resume {
    Resume::Reply(Patch::default(), Box::new(reply))
}

fn set_cookies(patch: &mut Patch, lines: Vec<String>) {
    let name = Bytes::from_static(b"Set-Cookie");
    patch.response_headers.extend(lines.into_iter().map(|line| (name.clone(), line.into())));
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

/// True for what a page of another site asks for by itself: a link that a user follows is no such request.
fn is_foreign(exchange: &Exchange) -> bool {
    let says = |name: &[u8], value: &[u8]| exchange.request.headers.value(name) == Some(value);
    let is_link = says(b"Sec-Fetch-Mode", b"navigate") && says(b"Sec-Fetch-Dest", b"document");
    says(b"Sec-Fetch-Site", b"cross-site") && !is_link
}

#[cfg(test)]
mod tests;
