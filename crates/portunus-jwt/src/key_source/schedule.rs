//! When keys are fetched again.

use std::time::Duration;

use http::HeaderMap;
use http::header::CACHE_CONTROL;
use portunus_base::Rng;

/// How long an answer may be used, as its `Cache-Control` says (RFC 9111 section 5.2.2). None where it says nothing.
pub(super) fn lifetime(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(CACHE_CONTROL);
    let directives = values.iter().filter_map(|value| value.to_str().ok());
    let mut lifetime = None;
    for directive in directives.flat_map(|value| value.split(',')).map(str::trim) {
        let (name, argument) = directive.split_once('=').unwrap_or((directive, ""));
        match name.to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => return Some(Duration::ZERO),
            "max-age" => {
                let seconds = argument.trim_matches('"').parse().unwrap_or(0);
                lifetime = Some(Duration::from_secs(seconds));
            }
            _ => {}
        }
    }
    lifetime
}

/// How long after a good fetch the next one comes: a little before the end of what it may be used for, so that many
/// nodes do not come at once.
pub(super) fn until_refresh(lifetime: Option<Duration>, rng: &mut Rng) -> Duration {
    let lifetime = lifetime.unwrap_or(LIFETIME).clamp(LIFETIME_MIN, LIFETIME_MAX);
    lifetime.mul_f64(0.9 + rng.below(1001) as f64 / 10_000.0)
}

/// Where nothing is said.
const LIFETIME: Duration = Duration::from_secs(15 * 60);
const LIFETIME_MIN: Duration = Duration::from_secs(60);
const LIFETIME_MAX: Duration = Duration::from_secs(24 * 3600);

#[cfg(test)]
mod tests;
