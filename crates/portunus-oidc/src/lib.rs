//! The filter `oidc`: browser login by OpenID Connect.
//!
//! Everything that a login leaves behind is in the user's browser, sealed. A node keeps no sessions; what it keeps across
//! reloads is who logged out before the time, and the key of cookies where none is configured. Requests to providers
//! are made off the data path.

mod backchannel;
mod build;
mod callback;
mod cookie;
mod form;
mod id_token;
mod login;
mod metadata;
mod navigation;
mod oidc;
mod page;
mod plan;
mod provider;
mod refresher;
mod refusal;
mod remote;
mod revoked;
mod seal;
mod session;
mod spec;
mod target;
#[cfg(test)]
mod testing;
mod token;

pub use cookie::SameSite;
pub use spec::{AuthMethod, CookieSpec, LogoutSpec, OidcSpec, ProviderSpec, SessionSpec};
