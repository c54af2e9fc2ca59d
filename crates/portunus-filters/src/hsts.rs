//! `hsts`: tells browsers to use `https://` alone (RFC 6797).

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use portunus_exchange::{Exchange, Phase, PhaseSet, Scheme};
use portunus_filter::{BuildCx, Buildable, Filter, FilterCx, Interest, Verdict};
use portunus_http::HeaderId;
use portunus_spec::spec;

spec! {
    /// Tells browsers to use `https://` alone from now on (`Strict-Transport-Security`).
    ///
    /// Only answers over TLS say it: without TLS anybody could have put it in.
    pub struct HstsSpec {
        short = max_age;
        /// For how long; `0s` takes it back.
        max_age: Duration,
        /// For all names below the host too.
        include_subdomains: bool = false,
        /// Asks browsers to put the host on their built-in list.
        preload: bool = false,
    }
}

impl Buildable for HstsSpec {
    const NAME: &'static str = "hsts";
    const DOC: &'static str = "Tells browsers to use `https://` alone from now on.";

    fn build(self, _cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        let mut value = format!("max-age={}", self.max_age.as_secs());
        let words = [(self.include_subdomains, "includeSubDomains"), (self.preload, "preload")];
        for (_, word) in words.iter().filter(|(is_on, _)| *is_on) {
            let _ = write!(value, "; {word}");
        }
        Some(Arc::new(Hsts { value }))
    }
}

struct Hsts {
    value: String,
}

impl Filter for Hsts {
    fn interest(&self) -> Interest {
        Interest { phases: PhaseSet::NONE.with(Phase::Response), ..Interest::default() }
    }

    fn on_response(&self, exchange: &mut Exchange, _cx: &mut FilterCx<'_>) -> Verdict {
        if exchange.client.scheme == Scheme::Https {
            let headers = &mut exchange.response.headers;
            headers.set_id(HeaderId::StrictTransportSecurity, self.value.as_bytes());
        }
        Verdict::Continue
    }
}

#[cfg(test)]
mod tests;
