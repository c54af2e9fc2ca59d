//! What users write for `oidc`.

use std::time::Duration;

use portunus_spec::{Named, Secret, Spanned, spec, spec_enum};

use crate::cookie::SameSite;

spec! {
    /// Lets users log in with a browser, by OpenID Connect, and says who asks.
    ///
    /// Who has no session is sent to the provider and comes back to the page that was wanted; programs get 401. Pages of
    /// the filter itself are below `prefix`: `login`, `callback`, `logout`, `logged_out`, `backchannel`.
    pub struct OidcSpec {
        short = issuer;
        /// The provider: the URL below which `/.well-known/openid-configuration` is.
        issuer: Option<Spanned<String>>,
        /// The provider's name for this application.
        client_id: Option<String>,
        /// What proves that it is this application. Without it, PKCE alone protects a login (a public client).
        client_secret: Option<Secret>,
        /// Where the secret stands in requests. Without it: where the provider takes it, in the header if it may.
        auth_method: Option<AuthMethod>,
        /// What is asked for; `openid` always is. `offline_access` gives sessions that some providers refresh only so.
        scopes: Vec<String> = default_scopes(),
        /// More parameters of the request for a login, such as `prompt` or `acr_values`.
        parameters: Named<String> = Named::default(),
        /// Several providers, in place of the keys above.
        providers: Vec<Spanned<ProviderSpec>> = Vec::new(),
        /// Which of several providers is used unless the user chooses another one. Without it, a page asks.
        default_provider: Option<Spanned<String>>,
        /// The path below which the filter's own pages are. The host must not use it otherwise.
        prefix: Spanned<String> = Spanned::none("/_portunus/oidc".to_owned()),
        /// The scheme and host that browsers use, such as `https://shop.example.com`. Without it: those of the request.
        origin: Option<Spanned<String>>,
        /// The cookies.
        cookie: CookieSpec,
        /// How long sessions last.
        session: SessionSpec,
        /// Logging out.
        logout: LogoutSpec,
        /// Whether the provider is also asked for what it says of users at its userinfo endpoint.
        userinfo: bool = false,
        /// The claim with the groups of the user.
        groups_claim: String = "groups".to_owned(),
        /// The claim that names the consumer. Credentials of consumers that are a claim are found without it.
        consumer_claim: Option<String>,
        /// Whether only users who are consumers are let through.
        consumers_only: bool = false,
        /// Headers for the upstream, each with the claim that it tells. What the client sent under these names is always removed.
        forward_claims: Named<String> = Named::default(),
        /// Whether the upstream gets the access token, as `Authorization: Bearer`.
        forward_access_token: bool = false,
        /// Whether requests without a session pass too, as nobody.
        optional: bool = false,
        /// How far the clocks of the provider and of this machine may be apart.
        leeway: Duration = portunus_jwt::LEEWAY,
        /// Bound on each request to the provider.
        timeout: Duration = Duration::from_secs(10),
        /// A PEM file with the authorities to trust for the provider, in place of those of the system.
        ca: Option<Spanned<String>>,
        /// Whether the provider may be asked over plain `http://` on another machine. Whoever is on the way can log in then.
        insecure: bool = false,
    }
}

spec! {
    /// One of several providers.
    pub struct ProviderSpec {
        /// Its name in paths: letters, digits, `-` and `_`.
        name: Spanned<String>,
        /// What users read on the page where they choose. Without it: the name.
        label: Option<String>,
        /// The URL below which `/.well-known/openid-configuration` is.
        issuer: Spanned<String>,
        /// The provider's name for this application.
        client_id: String,
        /// What proves that it is this application.
        client_secret: Option<Secret>,
        /// Where the secret stands in requests.
        auth_method: Option<AuthMethod>,
        /// What is asked for; `openid` always is.
        scopes: Vec<String> = default_scopes(),
        /// More parameters of the request for a login.
        parameters: Named<String> = Named::default(),
    }
}

spec! {
    /// How cookies are made.
    pub struct CookieSpec {
        /// The name; `__Host-` or `__Secure-` comes before it unless `secure` is off.
        name: Spanned<String> = Spanned::none("portunus".to_owned()),
        /// Secrets of 32 characters or more. The first one seals, all of them open: to change one, put the new one first.
        /// Without any, a secret is made at each start, and a restart ends all sessions.
        secrets: Vec<Spanned<Secret>> = Vec::new(),
        /// The domain whose hosts share sessions. Without it, each host has its own.
        domain: Option<Spanned<String>>,
        /// Whether cookies travel over HTTPS alone. Switch it off for trying out on plain HTTP.
        secure: bool = true,
        /// Which requests of other sites bring cookies along.
        same_site: SameSite = SameSite::Lax,
    }
}

spec! {
    /// How long sessions last.
    pub struct SessionSpec {
        /// From the login on.
        lifetime: Spanned<Duration> = Spanned::none(Duration::from_secs(12 * 3600)),
        /// Without a request.
        idle: Spanned<Duration> = Spanned::none(Duration::from_secs(3600)),
        /// How long before the end of an access token a new one is asked for, where the provider gave a refresh token.
        refresh_before: Duration = Duration::from_secs(60),
    }
}

spec! {
    /// What happens when a user logs out.
    pub struct LogoutSpec {
        /// Where the browser goes then: a path of this host, or a URL. Without it, to a page of the filter's own.
        to: Option<Spanned<String>>,
        /// Whether the session at the provider ends too, where it has a page for that.
        at_provider: bool = true,
    }
}

spec_enum! {
    /// Where a client's secret stands.
    pub enum AuthMethod {
        /// In the header `Authorization`.
        Basic = "client_secret_basic",
        /// In the body.
        Post = "client_secret_post",
    }
}

fn default_scopes() -> Vec<String> {
    ["openid", "profile", "email"].map(str::to_owned).to_vec()
}
