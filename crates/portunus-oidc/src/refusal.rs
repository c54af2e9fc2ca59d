//! Why a request gets no session: one table of reasons, statuses and sentences.

use portunus_exchange::Reply;
use portunus_filter::FilterReason;

/// Why a request gets no session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Refusal {
    /// There is no session, and a login page would not help.
    Missing,
    /// The user's time as a consumer is over.
    Expired,
    /// The user is no consumer, and only consumers are let through.
    NoConsumer,
    /// The provider's answer has not the form of one.
    Callback,
    /// The answer belongs to no login that this browser has under way.
    State,
    /// The answer is of another provider than the one that was asked.
    Issuer,
    /// The provider refused the login: its word for why.
    Denied(&'static str),
    /// The provider took neither the code nor our own credentials: its word for why.
    Code(&'static str),
    /// The ID token is not what was asked for: what is wrong with it.
    IdToken(&'static str),
    /// The ID token is of another login.
    Nonce,
    /// The provider cannot be asked.
    Unavailable,
    /// The session is longer than browsers keep.
    Size,
    /// There is no such page below the filter's own path.
    Path,
    /// The page is for these methods alone.
    Method(&'static str),
    /// The request is of another site.
    Foreign,
    /// The logout token of a provider is no good: what is wrong with it.
    LogoutToken(&'static str),
}

impl Refusal {
    /// A provider's refusal. Its words may be anybody's, so only known ones are said again.
    pub(crate) fn denied(error: &str) -> Self {
        Self::Denied(known(error))
    }

    /// A refusal of the token endpoint.
    pub(crate) fn code(error: &str) -> Self {
        Self::Code(known(error))
    }

    /// The answer.
    pub(crate) fn reply(self) -> Reply {
        let reason = self.reason();
        let reply = Reply::problem(reason.status, reason.code);
        let reply = reply.with_detail(self.detail());
        match self {
            Self::Missing | Self::Expired => reply.with_header("WWW-Authenticate", "Cookie"),
            Self::Unavailable => reply.with_header("Retry-After", "5"),
            Self::Method(allowed) => reply.with_header("Allow", allowed),
            _ => reply,
        }
    }

    fn detail(self) -> String {
        match self {
            Self::State => format!("{} {RETRY} {SECURE}", self.reason().doc),
            Self::Callback | Self::Issuer | Self::Nonce => {
                format!("{} {RETRY}", self.reason().doc)
            }
            Self::Denied(word) | Self::Code(word) => {
                format!("{} It says: {word}. {RETRY}", self.reason().doc)
            }
            Self::IdToken(fault) | Self::LogoutToken(fault) => {
                format!("{} What is wrong: {fault}.", self.reason().doc)
            }
            _ => self.reason().doc.to_owned(),
        }
    }

    fn reason(self) -> &'static FilterReason {
        match self {
            Self::Missing => &FilterReason::MISSING,
            Self::Expired => &FilterReason::EXPIRED,
            Self::NoConsumer => &FilterReason::FORBIDDEN,
            Self::Callback => &CALLBACK,
            Self::State => &STATE,
            Self::Issuer => &ISSUER,
            Self::Denied(_) => &DENIED,
            Self::Code(_) => &CODE,
            Self::IdToken(_) => &ID_TOKEN,
            Self::Nonce => &NONCE,
            Self::Unavailable => &UNAVAILABLE,
            Self::Size => &SIZE,
            Self::Path => &PATH,
            Self::Method(_) => &METHOD,
            Self::Foreign => &FOREIGN,
            Self::LogoutToken(_) => &LOGOUT_TOKEN,
        }
    }
}

/// The same word, when it is one of OAuth 2.0 or OpenID Connect.
fn known(error: &str) -> &'static str {
    let known = KNOWN.iter().find(|known| **known == error);
    known.copied().unwrap_or("another error")
}

const RETRY: &str = "Go back to the page that you wanted to see, and log in once more.";
const SECURE: &str = "The cookie of a login lives for 15 minutes and comes back over HTTPS alone.";

/// Error codes of RFC 6749 sections 4.1.2.1 and 5.2, and of OpenID Connect Core section 3.1.2.6.
const KNOWN: [&str; 15] = [
    "access_denied",
    "account_selection_required",
    "consent_required",
    "interaction_required",
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "login_required",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unmet_authentication_requirements",
    "unsupported_grant_type",
    "unsupported_response_type",
];

/// All reasons, for the reference.
pub(crate) const REASONS: &[FilterReason] = &[
    FilterReason::MISSING,
    FilterReason::EXPIRED,
    FilterReason::FORBIDDEN,
    CALLBACK,
    STATE,
    ISSUER,
    DENIED,
    CODE,
    ID_TOKEN,
    NONCE,
    UNAVAILABLE,
    SIZE,
    PATH,
    METHOD,
    FOREIGN,
    LOGOUT_TOKEN,
];

const CALLBACK: FilterReason =
    FilterReason::new("auth.oidc_callback", 400, "The answer of a login has not the form of one.");
const STATE: FilterReason = FilterReason::new(
    "auth.oidc_state",
    400,
    "The answer of a login belongs to none that this browser has under way.",
);
const ISSUER: FilterReason = FilterReason::new(
    "auth.oidc_issuer",
    400,
    "The answer of a login is of another provider than the one that was asked.",
);
const DENIED: FilterReason =
    FilterReason::new("auth.oidc_denied", 403, "The login provider refused the login.");
const CODE: FilterReason = FilterReason::new(
    "auth.oidc_code",
    400,
    "The login provider gave no tokens for the code of a login.",
);
const ID_TOKEN: FilterReason =
    FilterReason::new("auth.oidc_id_token", 502, "The login provider's ID token is not valid.");
const NONCE: FilterReason =
    FilterReason::new("auth.oidc_nonce", 400, "The ID token of a login is of another login.");
const UNAVAILABLE: FilterReason =
    FilterReason::new("auth.oidc_unavailable", 503, "The login provider could not be asked.");
const SIZE: FilterReason = FilterReason::new(
    "auth.oidc_size",
    500,
    "What the login provider says of the user does not fit into cookies.",
);
const PATH: FilterReason =
    FilterReason::new("auth.oidc_path", 404, "There is no such page for logging in or out.");
const METHOD: FilterReason = FilterReason::new(
    "auth.oidc_method",
    405,
    "That page for logging in or out is not for this method.",
);
const FOREIGN: FilterReason =
    FilterReason::new("auth.oidc_foreign", 403, "Only the user logs out, no other site.");
const LOGOUT_TOKEN: FilterReason = FilterReason::new(
    "auth.oidc_logout_token",
    400,
    "The logout token of a login provider is not valid.",
);

#[cfg(test)]
mod tests;
