//! `client_credentials`: shows the upstream a token of our own (RFC 6749 section 4.4).

mod token_source;

use std::sync::Arc;
use std::time::Duration;

use portunus_exchange::{Exchange, Phase, PhaseSet, Reply};
use portunus_filter::{
    Again, BuildCx, Buildable, Filter, FilterCx, FilterReason, HeaderName, Interest, Patch, Resume,
    Verdict,
};
use portunus_spec::{Named, Problem, Secret, Spanned, check, spec, spec_enum};
use portunus_telemetry::DecisionId;

use crate::is_confidential;
use token_source::{TokenRequest, TokenSource};

spec! {
    /// Shows the upstream a token of our own, got from an authorisation server by client credentials (RFC 6749 section
    /// 4.4). What the client sent in its place is removed.
    pub struct ClientCredentialsSpec {
        short = token_url;
        /// The server's token endpoint.
        token_url: Spanned<String>,
        /// The name by which the server knows us.
        client_id: String,
        /// The secret that goes with it.
        client_secret: Spanned<Secret>,
        /// How both are sent.
        auth: ClientAuth = ClientAuth::Basic,
        /// Scopes to ask for.
        scopes: Vec<String> = Vec::new(),
        /// Whom the token is for, where the server wants to know it.
        audience: Option<String>,
        /// Further parameters of the question.
        params: Named<String> = Named::default(),
        /// The header that the upstream gets; its value is `Bearer` and the token.
        header: Spanned<String> = Spanned::none("Authorization".to_owned()),
        /// A PEM file with the authorities to trust, in place of those of the system.
        ca: Option<Spanned<String>>,
        /// Whether the secret may go over plain `http://` to another machine.
        insecure: bool = false,
        /// Bound on one question.
        timeout: Duration = Duration::from_secs(10),
    }
}

spec_enum! {
    /// How a client says who it is (RFC 6749 section 2.3.1).
    pub enum ClientAuth {
        /// As `Authorization: Basic`.
        Basic = "basic",
        /// In the form that is posted.
        Post = "post",
    }
}

impl Buildable for ClientCredentialsSpec {
    const NAME: &'static str = "client_credentials";
    const DOC: &'static str = "Shows the upstream a token of our own, got by client credentials.";
    const REASONS: &'static [FilterReason] = &[UNAVAILABLE];

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        let is_name = HeaderName::read(&self.header, self.header.span, cx.reader).is_some();
        let insecure = self.insecure;
        let is_fine = check(&self.token_url, cx.reader, |url| check_url(url, insecure));
        let (fetcher, ca) = match &self.ca {
            Some(path) => crate::trust::trusting(path, cx)?,
            None => (cx.services.fetcher.clone(), Vec::new()),
        };
        (is_name && is_fine).then_some(())?;
        let request = self.request();
        let key = request.hash(&ca).to_string();
        let source = cx.state(&key, || TokenSource::new(request, fetcher));
        cx.background(Arc::<TokenSource>::clone(&source));
        let header = self.header.value.into_bytes().into();
        let unavailable = cx.decision("unavailable");
        Some(Arc::new(ClientCredentials { source, header, unavailable }))
    }
}

impl ClientCredentialsSpec {
    fn request(&self) -> TokenRequest {
        let secret = self.client_secret.expose();
        let scopes = self.scopes.join(" ");
        let mut pairs = vec![("grant_type", "client_credentials")];
        if !scopes.is_empty() {
            pairs.push(("scope", &scopes));
        }
        if let Some(audience) = &self.audience {
            pairs.push(("audience", audience));
        }
        pairs.extend(self.params.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let authorization = match self.auth {
            ClientAuth::Basic => Some(crate::oauth::basic(&self.client_id, secret)),
            ClientAuth::Post => {
                pairs.extend([("client_id", self.client_id.as_str()), ("client_secret", secret)]);
                None
            }
        };
        TokenRequest {
            url: self.token_url.value.clone(),
            form: crate::oauth::form(&pairs),
            authorization,
            timeout: self.timeout,
        }
    }
}

struct ClientCredentials {
    source: Arc<TokenSource>,
    header: Box<[u8]>,
    unavailable: DecisionId,
}

impl Filter for ClientCredentials {
    fn interest(&self) -> Interest {
        let phases = PhaseSet::NONE.with(Phase::Request).with(Phase::Response);
        Interest { phases, ..Interest::default() }
    }

    fn on_request(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        exchange.request.headers.remove(&self.header);
        if cx.offline {
            cx.note(|| "the upstream gets a token of ours, which is not fetched here".to_owned());
            return Verdict::Continue;
        }
        if self.show(exchange, cx) {
            return Verdict::Continue;
        }
        match self.source.ask(cx.now) {
            Some(wait) => Verdict::Suspend(Box::pin(async move {
                wait.await;
                Resume::Again(Patch::default(), Again::default())
            })),
            None => self.refuse(cx),
        }
    }

    fn on_again(&self, exchange: &mut Exchange, _again: Again, cx: &mut FilterCx<'_>) -> Verdict {
        if self.show(exchange, cx) { Verdict::Continue } else { self.refuse(cx) }
    }

    fn on_response(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        // The upstream takes the token for good no more: it was revoked, perhaps.
        if exchange.response.status == 401 && !cx.offline {
            drop(self.source.ask(cx.now));
        }
        Verdict::Continue
    }
}

impl ClientCredentials {
    /// Sets the header, if there is a token.
    fn show(&self, exchange: &mut Exchange, cx: &FilterCx<'_>) -> bool {
        let token = self.source.token();
        let Some(token) = token.as_ref().filter(|token| token.expires > cx.wall) else {
            return false;
        };
        exchange.request.headers.set(&self.header, &token.value);
        true
    }

    fn refuse(&self, cx: &FilterCx<'_>) -> Verdict {
        cx.count(self.unavailable);
        let reply = Reply::problem(UNAVAILABLE.status, UNAVAILABLE.code);
        Verdict::reply(reply.with_detail(UNAVAILABLE.doc))
    }
}

fn check_url(url: &str, insecure: bool) -> Result<(), Problem> {
    let is_url = url.starts_with("https://") || url.starts_with("http://");
    match is_url && (insecure || is_confidential(url)) {
        true => Ok(()),
        false => {
            Err(Problem::new(format!("no secret is sent to `{url}`")).help("write an https:// URL"))
        }
    }
}

const UNAVAILABLE: FilterReason = FilterReason::new(
    "upstream.token_unavailable",
    503,
    "There is no token for the upstream: the authorisation server gave none.",
);

#[cfg(test)]
mod tests;
