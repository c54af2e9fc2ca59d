//! Keeps web pages away from the admin API.
//!
//! A page on the Internet can make a browser send requests to this machine: by a name of its own
//! that it points here (DNS rebinding), or by a form (request forgery). The first shows in `Host`,
//! the second in `Origin`. No CORS header is ever sent.

use std::net::IpAddr;
use std::sync::Weak;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use portunus_identity::KeyHash;

use super::OwnToken;
use crate::shared::Shared;

/// Who can reach the API.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reach {
    /// Whoever may open the Unix socket; browsers cannot.
    Socket,
    /// This machine.
    Loopback,
    /// Others too, because somebody configured it so.
    Network,
}

impl Reach {
    pub(super) fn of(address: IpAddr) -> Self {
        if address.is_loopback() { Self::Loopback } else { Self::Network }
    }
}

/// What decides who may change consumers, keys and endpoints.
#[derive(Clone)]
pub(super) struct Gate {
    pub(super) reach: Reach,
    /// Knows the token of the configuration in force.
    pub(super) shared: Weak<Shared>,
}

/// Refuses changes of consumers, keys and endpoints by whoever can merely connect: every user of this machine reaches a loopback
/// address, and so does every program that can be made to send a request there.
pub(super) async fn changes_guard(
    State(gate): State<Gate>,
    request: Request,
    next: Next,
) -> Response {
    match gate.refusal(&request) {
        Some((status, why)) => {
            // With a token it would be allowed.
            let code =
                if status == StatusCode::FORBIDDEN { "token.missing" } else { "token.wrong" };
            (status, Json(serde_json::json!({"code": code, "error": why}))).into_response()
        }
        None => next.run(request).await,
    }
}

impl Gate {
    fn refusal(&self, request: &Request) -> Option<(StatusCode, String)> {
        let shared = self.shared.upgrade();
        let current = shared.as_ref().map(|shared| shared.current.load_full());
        let configured = current.as_ref().and_then(|it| it.spec.admin.token.as_ref());
        let own = shared.as_ref().and_then(|shared| shared.own_token.get()?.as_ref());
        let wanted = match (configured, own) {
            (Some(token), _) => Wanted::Configured(token.expose()),
            (None, Some(token)) => Wanted::Own(token),
            (None, None) => Wanted::Unknown,
        };
        changes_refusal(self.reach, request.method(), request.headers(), wanted)
    }
}

/// The token that a change must show.
#[derive(Clone, Copy)]
enum Wanted<'a> {
    Configured(&'a str),
    /// There is none in the configuration.
    Own(&'a OwnToken),
    /// None can be shown.
    Unknown,
}

impl Wanted<'_> {
    fn is(self, shown: &[u8]) -> bool {
        match self {
            // Of hashes, how long they take to compare tells nothing.
            Self::Configured(token) => KeyHash::of(shown) == KeyHash::of(token.as_bytes()),
            Self::Own(token) => token.is(shown),
            Self::Unknown => false,
        }
    }

    fn refusal(self, reach: Reach) -> (StatusCode, String) {
        match self {
            Self::Configured(_) => (StatusCode::UNAUTHORIZED, WRONG_TOKEN.to_owned()),
            Self::Own(token) => {
                let file = match reach {
                    // Others than users of this machine need not know its folders.
                    Reach::Network => "`admin.token` in its state folder".to_owned(),
                    Reach::Loopback | Reach::Socket => token.path().display().to_string(),
                };
                let why = format!(
                    "changes are made over TCP only with a token: this Portunus has put one into {file}, which \
                     only its user and root may read: run the command as that user, or by `sudo` with --token-file \
                     and that file; or {CONFIGURE}"
                );
                (StatusCode::FORBIDDEN, why)
            }
            Self::Unknown => {
                let why = format!("changes are made over TCP only with a token: {CONFIGURE}");
                (StatusCode::FORBIDDEN, why)
            }
        }
    }
}

fn changes_refusal(
    reach: Reach,
    method: &Method,
    headers: &HeaderMap,
    wanted: Wanted<'_>,
) -> Option<(StatusCode, String)> {
    if method.is_safe() || reach == Reach::Socket {
        return None;
    }
    let shown = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    let shown = shown.and_then(|value| value.strip_prefix(b"Bearer "));
    let is_right = shown.is_some_and(|shown| wanted.is(shown));
    if is_right { None } else { Some(wanted.refusal(reach)) }
}

/// Refuses what a browser may have been tricked into.
pub(super) async fn guard(State(reach): State<Reach>, request: Request, next: Next) -> Response {
    match refusal(reach, request.method(), request.uri().path(), request.headers()) {
        Some(why) => (StatusCode::FORBIDDEN, format!("{why}\n")).into_response(),
        None => next.run(request).await,
    }
}

fn refusal(reach: Reach, method: &Method, path: &str, headers: &HeaderMap) -> Option<&'static str> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let host = text(header::HOST);
    // Monitors in a network ask by name; what they ask for is no secret.
    let by_any_name = reach == Reach::Socket || (reach == Reach::Network && !path.starts_with(API));
    if !by_any_name && !host.is_none_or(is_own_name) {
        return Some("ask by an IP address or localhost, not by another name");
    }
    let same_origin = |origin: &str| {
        origin.split_once("://").is_some_and(|(_, authority)| Some(authority) == host)
    };
    if !method.is_safe() && !text(header::ORIGIN).is_none_or(same_origin) {
        return Some("a page of another origin cannot do that");
    }
    None
}

/// Whether a `Host` cannot be a name that somebody else controls.
fn is_own_name(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let name = name.to_ascii_lowercase();
    name.parse::<IpAddr>().is_ok() || name == "localhost" || name.ends_with(".localhost")
}

const API: &str = "/api/";
const CONFIGURE: &str = "write `admin: {token: {file: admin.token}}` and show it (--token-file, \
     PORTUNUS_ADMIN_TOKEN), or let the admin API listen on a Unix socket: `admin: unix:/run/portunus/admin.sock`";
const WRONG_TOKEN: &str = "the token of `admin.token` is needed for changes: show it as \
     `Authorization: Bearer` (--token-file, PORTUNUS_ADMIN_TOKEN)";

#[cfg(test)]
mod tests;
