//! A provider that does as a test says, and somebody who asks it.

use std::sync::Arc;
use std::time::Duration;

use portunus_base::{Clock, SystemClock};
use portunus_fetch::Fetcher;
use portunus_filter::Background;
use portunus_jwt::{
    Algorithm, AlgorithmSet, COOLDOWN, ForwardedClaims, IdentityRule, KeyPlace, KeySource,
    SigningKey,
};
use portunus_spec::{Named, NoLookup, Reader};
use portunus_testkit::{Origin, Request, Response};
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use crate::cookie::{Cookies, SameSite};
use crate::id_token;
use crate::plan::Plan;
use crate::provider::{Now, Provider, mark};
use crate::remote::{Remote, Source};
use crate::seal::Sealer;
use crate::session::Lifetimes;
use crate::token::Client;

/// A provider over HTTP; it signs with a key of its own.
pub(crate) struct FakeProvider {
    origin: Origin,
}

impl FakeProvider {
    /// One whose token endpoint answers so.
    pub(crate) fn new(token: impl Fn(&Issued) -> Response + Send + Sync + 'static) -> Self {
        Self { origin: Origin::new(move |request| answer(request, &token)) }
    }

    /// Who it says it is.
    pub(crate) fn issuer(&self) -> String {
        self.origin.to_string().trim_end_matches('/').to_owned()
    }

    /// It, as a filter for the client `shop` knows it.
    pub(crate) fn provider(&self, userinfo: bool) -> Arc<Provider> {
        let (issuer, fetcher) = (self.issuer(), Fetcher::default());
        let timeout = Duration::from_secs(5);
        let source =
            Source { issuer: issuer.clone(), insecure: false, timeout, fetcher: fetcher.clone() };
        let place =
            KeyPlace { url: None, issuer: issuer.clone(), insecure: false, cooldown: COOLDOWN };
        let keys = KeySource::new(place, AlgorithmSet::public(), fetcher.clone());
        let client = Client { id: "shop".to_owned(), secret: None, in_body: None, timeout };
        Arc::new(Provider {
            name: "default".to_owned(),
            label: "default".to_owned(),
            mark: mark(&issuer, "shop"),
            client,
            scope: "openid".to_owned(),
            parameters: Vec::new(),
            id_rules: id_token::rules(&issuer, "shop"),
            logout_rules: id_token::logout_rules(&issuer, "shop"),
            userinfo,
            refresh_before_s: 60,
            remote: Arc::new(Remote::new(source)),
            keys: Arc::new(keys),
            fetcher,
            issuer,
        })
    }
}

/// What a filter with that provider alone knows.
pub(crate) fn plan(provider: &Arc<Provider>) -> Plan {
    let forward = ForwardedClaims::build(&Named::default(), &mut Reader::new(&NoLookup));
    Plan {
        prefix: "/_portunus/oidc".to_owned(),
        providers: [Arc::clone(provider)].into(),
        default: None,
        origin: None,
        cookies: Cookies::new("portunus", None, true, SameSite::Lax),
        sealer: Arc::new(Sealer::random()),
        lifetimes: Lifetimes { absolute_s: 3600, idle_s: 600 },
        logout_to: None,
        logout_at_provider: true,
        identity: IdentityRule {
            method: "oidc",
            consumer_claim: None,
            groups_claim: "groups".to_owned(),
            consumers_only: false,
        },
        forward: forward.unwrap(),
        forward_access_token: false,
        optional: false,
        revoked: Arc::default(),
        refresher: Arc::default(),
        timeout: Duration::from_secs(5),
    }
}

/// What a token endpoint was asked, and who answers.
pub(crate) struct Issued {
    pub(crate) issuer: String,
    /// The form that came.
    pub(crate) form: String,
}

impl Issued {
    /// An answer with an ID token, which says this beside issuer, audience and times.
    pub(crate) fn id_token(&self, more: Value) -> Response {
        self.tokens(&sign(&claims(&self.issuer, more)))
    }

    /// An answer with this ID token.
    pub(crate) fn tokens(&self, id_token: &str) -> Response {
        let body = json!({
            "access_token": "at", "token_type": "Bearer", "expires_in": 600,
            "refresh_token": "rt", "id_token": id_token,
        });
        Response::text(body.to_string())
    }
}

/// The claims of a token for `shop`, and more; `null` takes one away.
pub(crate) fn claims(issuer: &str, more: Value) -> Map<String, Value> {
    let now = now().seconds();
    let own = json!({"iss": issuer, "aud": "shop", "sub": "anna", "iat": now, "exp": now + 300});
    let mut claims = own.as_object().unwrap().clone();
    claims.extend(more.as_object().unwrap().clone());
    claims.retain(|_, value| !value.is_null());
    claims
}

/// Signs as the provider does.
pub(crate) fn sign(claims: &Map<String, Value>) -> String {
    key(KEY).mint(Algorithm::EdDsa, claims).unwrap()
}

/// Signs with a key that is not the provider's.
pub(crate) fn sign_as_another(claims: &Map<String, Value>) -> String {
    key(OTHER_KEY).mint(Algorithm::EdDsa, claims).unwrap()
}

pub(crate) fn now() -> Now {
    Now { wall: SystemClock.wall(), mono: SystemClock.mono() }
}

/// Runs `what` beside the background work of a provider.
pub(crate) fn with_background<T>(provider: &Arc<Provider>, what: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        tasks.spawn(Arc::clone(&provider.remote).run());
        tasks.spawn(Arc::clone(&provider.keys).run());
        what.await
    })
}

fn answer(request: &Request, token: &dyn Fn(&Issued) -> Response) -> Response {
    let issuer = format!("http://{}", request.header("host").unwrap());
    let document = match request.target.as_str() {
        "/.well-known/openid-configuration" => json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/auth"),
            "token_endpoint": format!("{issuer}/token"),
            "userinfo_endpoint": format!("{issuer}/userinfo"),
            "end_session_endpoint": format!("{issuer}/end?x=y"),
            "jwks_uri": format!("{issuer}/keys"),
        }),
        "/keys" => {
            let mut key: Value = serde_json::from_str(KEY).unwrap();
            key.as_object_mut().unwrap().remove("d");
            json!({"keys": [key]})
        }
        "/userinfo" if request.header("authorization") == Some("Bearer at") => {
            json!({"sub": "anna", "email": "anna@example.com", "iss": "somebody else"})
        }
        "/token" => return token(&Issued { issuer, form: request.text().to_owned() }),
        _ => return Response::status(404),
    };
    Response::text(document.to_string())
}

fn key(jwk: &str) -> SigningKey {
    SigningKey::from_jwk(jwk.as_bytes()).unwrap()
}

/// RFC 8037 appendix A.
const KEY: &str = r#"{"kty": "OKP", "crv": "Ed25519", "kid": "one",
    "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

/// RFC 8032 section 7.1, test 2, under the name of the other one.
const OTHER_KEY: &str = r#"{"kty": "OKP", "crv": "Ed25519", "kid": "one",
    "d": "TM0Imyj_ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U-4pvs",
    "x": "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw"}"#;
