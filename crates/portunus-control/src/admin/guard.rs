//! Keeps web pages away from the admin API.
//!
//! A page on the Internet can make a browser send requests to this machine: by a name of its own
//! that it points here (DNS rebinding), or by a form (request forgery). The first shows in `Host`,
//! the second in `Origin`. No CORS header is ever sent.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

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

#[cfg(test)]
mod tests;
