//! The pages of the filter itself.

use std::sync::Arc;

use portunus_exchange::{Exchange, Reply};
use portunus_filter::{FilterCx, LocalFuture, Verdict};
use portunus_http::Method;

use super::{Oidc, now, reply};
use crate::cookie::Carried;
use crate::form::Form;
use crate::page::{self, Page};
use crate::plan::{Found, Visit};
use crate::refusal::Refusal;
use crate::revoked::Ended;
use crate::target::Target;
use crate::{backchannel, callback};

impl Oidc {
    /// Answers a request for a page of the filter itself.
    pub(super) fn page(
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
            Page::Logout if !is_posting && exchange.request.method != Method::Get => {
                Some(Refusal::Method("GET, POST"))
            }
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
                // Only where a request is explained: it has no body then.
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

    /// Takes what a provider tells of logouts.
    pub(super) fn backchannel(
        &self,
        name: Option<&str>,
        body: Vec<u8>,
        cx: &FilterCx<'_>,
    ) -> LocalFuture<Reply> {
        let (plan, name, now) = (Arc::clone(&self.plan), name.map(str::to_owned), now(cx));
        Box::pin(async move { backchannel::answer(&plan, name.as_deref(), &body, now).await })
    }

    fn logout(&self, exchange: &Exchange, carried: Carried, cx: &mut FilterCx<'_>) -> Verdict {
        if is_foreign(exchange) || is_ahead(exchange) {
            return Verdict::reply(Refusal::Foreign.reply());
        }
        let back_to = match &self.plan.logout_to {
            Some(to) => to.clone(),
            None => format!("{}/logged_out", self.plan.prefix),
        };
        let cookies = self.plan.cookies.end_session(&carried);
        let now = now(cx).seconds();
        let Some(Found { session, provider, .. }) = self.plan.session(&carried, now) else {
            return Verdict::reply(page::redirect(&back_to, cookies));
        };
        cx.count(self.decisions.logout);
        self.plan.revoke(Ended::Session(&session.id), now);
        let metadata = provider.remote.now().filter(|_| self.plan.logout_at_provider);
        let at_provider = metadata.and_then(|metadata| {
            let back_to = self.plan.absolute(&back_to, exchange);
            provider.logout_url(&metadata, session.tokens.id.as_deref(), &back_to)
        });
        Verdict::reply(page::redirect(&at_provider.unwrap_or(back_to), cookies))
    }
}

/// True for what a browser, or a proxy, asks for ahead of the user.
fn is_ahead(exchange: &Exchange) -> bool {
    let headers = &exchange.request.headers;
    let mut told = PURPOSES.iter().filter_map(|name| headers.value(name));
    told.any(|value| {
        let value = value.to_ascii_lowercase();
        [&b"prefetch"[..], b"prerender", b"preview"].iter().any(|word| value.starts_with(word))
    })
}

/// Where a browser says that nobody has asked yet, in its older spellings too.
const PURPOSES: [&[u8]; 4] = [b"Sec-Purpose", b"Purpose", b"X-Purpose", b"X-Moz"];

/// True for what a page of another site asks for by itself: a link that a user follows is no such request.
fn is_foreign(exchange: &Exchange) -> bool {
    let says = |name: &[u8], value: &[u8]| exchange.request.headers.value(name) == Some(value);
    let is_link = says(b"Sec-Fetch-Mode", b"navigate") && says(b"Sec-Fetch-Dest", b"document");
    says(b"Sec-Fetch-Site", b"cross-site") && !is_link
}
