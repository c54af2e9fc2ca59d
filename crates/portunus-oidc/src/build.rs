//! From what users write to what the filter knows.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use portunus_fetch::Fetcher;
use portunus_filter::{BuildCx, Buildable, Filter, FilterReason};
use portunus_http::is_token_byte;
use portunus_identity::KeyHash;
use portunus_jwt::{
    AlgorithmSet, COOLDOWN, ForwardedClaims, IdentityRule, KeyPlace, KeySource, Rules,
};
use portunus_spec::{Named, Problem, Secret, Spanned, check};

use crate::cookie::Cookies;
use crate::id_token;
use crate::metadata::is_safe;
use crate::oidc::{Decisions, Oidc};
use crate::plan::Plan;
use crate::provider::{Provider, mark};
use crate::refresher::Refresher;
use crate::refusal::REASONS;
use crate::remote::{Remote, Source};
use crate::revoked::Revoked;
use crate::seal::Sealer;
use crate::session::Lifetimes;
use crate::spec::{AuthMethod, CookieSpec, OidcSpec, ProviderSpec, SessionSpec};
use crate::target::Target;
use crate::token::Client;

impl Buildable for OidcSpec {
    const NAME: &'static str = "oidc";
    const DOC: &'static str =
        "Lets users log in with a browser, by OpenID Connect, and says who asks.";
    const REASONS: &'static [FilterReason] = REASONS;

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        let specs = providers(&self, cx);
        let trust = Trust::of(self.ca.as_ref(), cx);
        let prefix = check(&self.prefix, cx.reader, |prefix| check_prefix(prefix));
        let origin =
            self.origin.as_ref().is_none_or(|it| check(it, cx.reader, |it| check_origin(it)));
        let logout =
            self.logout.to.as_ref().is_none_or(|to| check(to, cx.reader, |to| check_to(to)));
        let cookies = cookies(&self.cookie, cx);
        let lifetimes = lifetimes(&self.session, cx);
        let forward = ForwardedClaims::build(&self.forward_claims, cx.reader);
        let (specs, trust) = (specs?, trust?);
        let default = default_provider(&self, &specs, cx);
        (prefix && origin && logout).then_some(())?;
        let (cookies, sealer) = cookies?;
        let providers =
            specs.iter().map(|spec| Arc::new(provider(spec, &self, &trust, cx))).collect();
        let refresher = cx.state("oidc refresher", Refresher::default);
        cx.background(Arc::<Refresher>::clone(&refresher));
        let plan = Plan {
            prefix: self.prefix.value,
            providers,
            default: default?,
            origin: self.origin.map(|origin| origin.value.trim_end_matches('/').to_owned()),
            cookies,
            sealer,
            lifetimes: lifetimes?,
            logout_to: self.logout.to.map(|to| to.value),
            logout_at_provider: self.logout.at_provider,
            identity: IdentityRule {
                method: "oidc",
                consumer_claim: self.consumer_claim,
                groups_claim: self.groups_claim,
                consumers_only: self.consumers_only,
            },
            forward: forward?,
            forward_access_token: self.forward_access_token,
            optional: self.optional,
            revoked: cx.state("oidc revoked", Revoked::default),
            refresher,
            timeout: self.timeout,
        };
        Some(Arc::new(Oidc { plan: Arc::new(plan), decisions: Decisions::new(cx) }))
    }
}

impl Decisions {
    fn new(cx: &mut BuildCx<'_, '_>) -> Self {
        Self {
            allowed: cx.decision("allowed"),
            login: cx.decision("login"),
            missing: cx.decision("missing"),
            logout: cx.decision("logout"),
        }
    }
}

/// Whom requests to the providers trust.
struct Trust {
    fetcher: Fetcher,
    /// Tells it from others.
    mark: KeyHash,
}

impl Trust {
    fn of(ca: Option<&Spanned<String>>, cx: &mut BuildCx<'_, '_>) -> Option<Self> {
        let fetcher = &cx.services.fetcher;
        let Some(path) = ca else {
            return Some(Self { fetcher: fetcher.clone(), mark: KeyHash::of(&[]) });
        };
        let pem = cx.reader.lookup().bytes(path);
        let made = pem.and_then(|pem| {
            let fetcher = fetcher.trusting(&pem).map_err(|error| error.to_string())?;
            Ok(Self { fetcher, mark: KeyHash::of(&pem) })
        });
        made.map_err(|message| _ = cx.reader.error(path.span, message)).ok()
    }
}

/// The providers, however they are written. `None`, with diagnostics, after mistakes.
fn providers(spec: &OidcSpec, cx: &mut BuildCx<'_, '_>) -> Option<Vec<ProviderSpec>> {
    let specs = match (&spec.issuer, spec.providers.as_slice()) {
        (Some(issuer), []) => vec![single(spec, issuer, cx)?],
        (None, []) => {
            let error = cx.reader.error(cx.span, "`oidc` does not know where users log in");
            error.help("write `issuer: https://id.example.com` and `client_id`");
            return None;
        }
        (Some(issuer), _) => {
            let error = cx.reader.error(issuer.span, "`issuer` and `providers` are both there");
            error.help("write the issuer as one of `providers`");
            return None;
        }
        (None, several) => several.iter().map(|spec| spec.value.clone()).collect(),
    };
    let mut names = HashSet::new();
    let mut fine = true;
    for provider in &specs {
        fine &= check(&provider.issuer, cx.reader, |issuer| check_issuer(issuer, spec.insecure));
        fine &= check(&provider.name, cx.reader, |name| check_name(name));
        fine &= check(&provider.name, cx.reader, |name| match names.insert(name.clone()) {
            true => Ok(()),
            false => Err(Problem::new(format!("there are two providers `{name}`"))),
        });
        fine &= check_parameters(&provider.parameters, cx);
    }
    fine.then_some(specs)
}

fn single(
    spec: &OidcSpec,
    issuer: &Spanned<String>,
    cx: &mut BuildCx<'_, '_>,
) -> Option<ProviderSpec> {
    let Some(client_id) = spec.client_id.clone() else {
        let error = cx.reader.error(issuer.span, "`oidc` has no `client_id`");
        error.help("write the name that the provider gave to this application");
        return None;
    };
    Some(ProviderSpec {
        name: Spanned::none("default".to_owned()),
        label: None,
        issuer: issuer.clone(),
        client_id,
        client_secret: spec.client_secret.clone(),
        auth_method: spec.auth_method,
        scopes: spec.scopes.clone(),
        parameters: spec.parameters.clone(),
    })
}

/// Which provider is asked unless the user chooses: `Some(None)` when that is nobody.
fn default_provider(
    spec: &OidcSpec,
    specs: &[ProviderSpec],
    cx: &mut BuildCx<'_, '_>,
) -> Option<Option<usize>> {
    let Some(name) = &spec.default_provider else { return Some(None) };
    let found = specs.iter().position(|provider| provider.name.value == name.value);
    if found.is_none() {
        let names = specs.iter().map(|provider| provider.name.as_str());
        let help = portunus_spec::suggestion(name, names, "providers");
        let message = format!("there is no provider `{}`", name.value);
        cx.reader.error(name.span, message).help_if(help);
    }
    found.map(Some)
}

fn provider(
    spec: &ProviderSpec,
    whole: &OidcSpec,
    trust: &Trust,
    cx: &mut BuildCx<'_, '_>,
) -> Provider {
    let (issuer, insecure) = (spec.issuer.value.clone(), whole.insecure);
    let source = Source {
        issuer: issuer.clone(),
        insecure,
        timeout: whole.timeout,
        fetcher: trust.fetcher.clone(),
    };
    let key = format!("oidc {issuer} {insecure} {:?} {}", whole.timeout, trust.mark);
    let remote = cx.state(&key, || Remote::new(source));
    cx.background(Arc::<Remote>::clone(&remote));
    let place = KeyPlace { url: None, issuer: issuer.clone(), insecure, cooldown: COOLDOWN };
    let allowed = AlgorithmSet::public();
    // The same words as those of `jwt`, so that both share the keys of an issuer.
    let key = format!("{place:?} {allowed:?} {}", trust.mark);
    let keys = cx.state(&key, || KeySource::new(place, allowed, trust.fetcher.clone()));
    cx.background(Arc::<KeySource>::clone(&keys));
    let with_leeway = |rules: Rules| Rules { leeway: whole.leeway, ..rules };
    Provider {
        name: spec.name.value.clone(),
        label: spec.label.clone().unwrap_or_else(|| spec.name.value.clone()),
        mark: mark(&issuer, &spec.client_id),
        client: Client {
            id: spec.client_id.clone(),
            secret: spec.client_secret.clone(),
            in_body: spec.auth_method.map(|method| method == AuthMethod::Post),
            timeout: whole.timeout,
        },
        scope: scope(&spec.scopes),
        parameters: pairs(&spec.parameters),
        id_rules: with_leeway(id_token::rules(&issuer, &spec.client_id)),
        logout_rules: with_leeway(id_token::logout_rules(&issuer, &spec.client_id)),
        userinfo: whole.userinfo,
        refresh_before_s: whole.session.refresh_before.as_secs(),
        issuer,
        remote,
        keys,
        fetcher: trust.fetcher.clone(),
    }
}

fn scope(scopes: &[String]) -> String {
    let openid = (!scopes.iter().any(|scope| scope == "openid")).then_some("openid");
    let words: Vec<&str> = openid.into_iter().chain(scopes.iter().map(String::as_str)).collect();
    words.join(" ")
}

fn pairs(parameters: &Named<String>) -> Vec<(String, String)> {
    parameters.iter().map(|(name, value)| (name.value.clone(), value.clone())).collect()
}

fn cookies(spec: &CookieSpec, cx: &mut BuildCx<'_, '_>) -> Option<(Cookies, Arc<Sealer>)> {
    let mut fine = check(&spec.name, cx.reader, |name| {
        match !name.is_empty() && name.bytes().all(is_token_byte) {
            true => Ok(()),
            false => Err(Problem::new(format!("`{name}` is not the name of a cookie"))
                .help("write letters, digits, `-` and `_`")),
        }
    });
    if let Some(domain) = &spec.domain {
        fine &= check(domain, cx.reader, |domain| check_domain(domain));
    }
    for secret in &spec.secrets {
        fine &= check(secret, cx.reader, check_secret);
    }
    fine.then_some(())?;
    let domain = spec.domain.as_ref().map(|domain| domain.as_str());
    let cookies = Cookies::new(&spec.name, domain, spec.secure, spec.same_site);
    let sealer = match spec.secrets.as_slice() {
        // One for all filters, kept as long as one of them is in force.
        [] => cx.state("oidc sealer", Sealer::random),
        secrets => Arc::new(Sealer::new(secrets.iter().map(|secret| secret.expose().as_bytes()))),
    };
    Some((cookies, sealer))
}

fn lifetimes(spec: &SessionSpec, cx: &mut BuildCx<'_, '_>) -> Option<Lifetimes> {
    let mut whole = |lasts: &Spanned<Duration>| {
        let fine = check(lasts, cx.reader, |lasts| match lasts.as_secs() {
            0 => Err(Problem::new("a session lasts a second or more")),
            _ => Ok(()),
        });
        fine.then_some(lasts.as_secs())
    };
    let (absolute_s, idle_s) = (whole(&spec.lifetime), whole(&spec.idle));
    Some(Lifetimes { absolute_s: absolute_s?, idle_s: idle_s? })
}

fn check_issuer(issuer: &str, insecure: bool) -> Result<(), Problem> {
    if is_safe(issuer, insecure) && !issuer.contains(['?', '#']) {
        return Ok(());
    }
    let is_url = issuer.starts_with("http://");
    Err(Problem::new(format!("`{issuer}` cannot be an issuer")).help(match is_url {
        true => "write an https:// URL: whoever is on the way could log in as anybody",
        false => "write an https:// URL without a query",
    }))
}

fn check_name(name: &str) -> Result<(), Problem> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    match !name.is_empty() && name.bytes().all(is_plain) {
        true => Ok(()),
        false => Err(Problem::new(format!("`{name}` cannot be a part of a path"))
            .help("write letters, digits, `-` and `_`")),
    }
}

fn check_parameters(parameters: &Named<String>, cx: &mut BuildCx<'_, '_>) -> bool {
    let mut fine = true;
    for (name, _) in parameters {
        fine &= check(name, cx.reader, |name| match OWN_PARAMETERS.contains(&name.as_str()) {
            true => Err(Problem::new(format!("`{name}` is written by the filter itself"))
                .help("leave it out")),
            false => Ok(()),
        });
    }
    fine
}

fn check_prefix(prefix: &str) -> Result<(), Problem> {
    let is_plain = Target::parse(prefix.as_bytes()).is_some_and(|it| it.path() == prefix);
    match is_plain && prefix.len() > 1 && !prefix.ends_with('/') && !prefix.contains("//") {
        true => Ok(()),
        false => Err(Problem::new(format!("`{prefix}` is not a path for pages"))
            .help("write a path such as /_portunus/oidc, without a slash at the end")),
    }
}

fn check_origin(origin: &str) -> Result<(), Problem> {
    let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let host = host.map(|host| host.strip_suffix('/').unwrap_or(host));
    match host.is_some_and(|host| portunus_http::valid_authority(host.as_bytes())) {
        true => Ok(()),
        false => Err(Problem::new(format!("`{origin}` is not an origin"))
            .help("write scheme and host, such as https://shop.example.com")),
    }
}

fn check_to(to: &str) -> Result<(), Problem> {
    let is_url = to.starts_with("https://") || to.starts_with("http://");
    match Target::parse(to.as_bytes()).is_some() || (is_url && is_safe(to, true)) {
        true => Ok(()),
        false => Err(Problem::new(format!("`{to}` is no place to go to"))
            .help("write a path of this host such as /bye, or a URL")),
    }
}

fn check_domain(domain: &str) -> Result<(), Problem> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    match domain.contains('.') && domain.bytes().all(is_plain) {
        true => Ok(()),
        false => Err(Problem::new(format!("`{domain}` is not a domain"))
            .help("write the domain that the hosts have in common, such as example.com")),
    }
}

fn check_secret(secret: &Secret) -> Result<(), Problem> {
    match secret.expose().len() >= SECRET_BYTES_MIN {
        true => Ok(()),
        false => Err(Problem::new("a secret of cookies has 32 characters or more")
            .help("make one with `openssl rand -hex 32`")),
    }
}

const SECRET_BYTES_MIN: usize = 32;
const OWN_PARAMETERS: [&str; 12] = [
    "client_id",
    "client_secret",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "redirect_uri",
    "request",
    "request_uri",
    "response_mode",
    "response_type",
    "scope",
    "state",
];

#[cfg(test)]
mod tests;
