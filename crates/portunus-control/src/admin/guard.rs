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

/// What decides who may change consumers and keys.
#[derive(Clone)]
pub(super) struct Gate {
    pub(super) reach: Reach,
    /// Knows the token of the configuration in force.
    pub(super) shared: Weak<Shared>,
}

/// Refuses changes of consumers and keys by whoever can merely connect: every user of this machine reaches a loopback
/// address, and so does every program that can be made to send a request there.
pub(super) async fn keys_guard(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let current = gate.shared.upgrade().map(|shared| shared.current.load_full());
    let token = current.as_ref().and_then(|it| it.spec.admin.token.as_ref());
    let token = token.map(|token| token.expose());
    match keys_refusal(gate.reach, request.method(), request.headers(), token) {
        Some((status, why)) => (status, Json(serde_json::json!({"error": why}))).into_response(),
        None => next.run(request).await,
    }
}

fn keys_refusal(
    reach: Reach,
    method: &Method,
    headers: &HeaderMap,
    token: Option<&str>,
) -> Option<(StatusCode, &'static str)> {
    if method.is_safe() || reach == Reach::Socket {
        return None;
    }
    let Some(token) = token else { return Some((StatusCode::FORBIDDEN, NO_TOKEN)) };
    let shown = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    let shown = shown.and_then(|value| value.strip_prefix(b"Bearer "));
    // Of hashes, how long they take to compare tells nothing.
    let is_right = shown.is_some_and(|it| KeyHash::of(it) == KeyHash::of(token.as_bytes()));
    if is_right { None } else { Some((StatusCode::UNAUTHORIZED, WRONG_TOKEN)) }
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
const NO_TOKEN: &str = "consumers and keys are changed over TCP only with a token: write \
     `admin: {token: {file: admin.token}}` and show it (--token-file, PORTUNUS_ADMIN_TOKEN), \
     or let the admin API listen on a Unix socket: `admin: unix:/run/portunus/admin.sock`";
const WRONG_TOKEN: &str = "the token of `admin.token` is needed to change consumers and keys: show it as \
     `Authorization: Bearer` (--token-file, PORTUNUS_ADMIN_TOKEN)";

#[cfg(test)]
mod tests;
