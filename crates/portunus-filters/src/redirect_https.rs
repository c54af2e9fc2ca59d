//! `redirect_https`: sends clients that come without TLS to `https://`.

use std::sync::Arc;

use portunus_exchange::{Exchange, Phase, PhaseSet, Reply, ReplyBody, Scheme};
use portunus_filter::{BuildCx, Buildable, Filter, FilterCx, Interest, Verdict};
use portunus_spec::{Problem, Spanned, check, spec};

use crate::redirect::push_encoded;

spec! {
    /// Sends clients that come without TLS to the same place at `https://`.
    pub struct RedirectHttpsSpec {
        short = status;
        /// Status code: 301, 302, 303, 307 or 308.
        status: Spanned<u16> = Spanned::none(308),
        /// The port that clients reach TLS at.
        port: u16 = 443,
    }
}

impl Buildable for RedirectHttpsSpec {
    const NAME: &'static str = "redirect_https";
    const DOC: &'static str = "Sends clients that come without TLS to `https://`.";

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        let fine = check(&self.status, cx.reader, |status| match status {
            301 | 302 | 303 | 307 | 308 => Ok(()),
            _ => Err(Problem::new(format!("{status} is not a redirect"))
                .help("write 301, 302, 303, 307 or 308")),
        });
        let port = (self.port != 443).then(|| format!(":{}", self.port));
        let (status, port) = (fine.then_some(self.status.value)?, port.unwrap_or_default());
        Some(Arc::new(RedirectHttps { status, port }))
    }
}

struct RedirectHttps {
    status: u16,
    /// What follows the host.
    port: String,
}

impl Filter for RedirectHttps {
    fn interest(&self) -> Interest {
        Interest { phases: PhaseSet::NONE.with(Phase::Request), ..Interest::default() }
    }

    fn on_request(&self, exchange: &mut Exchange, _cx: &mut FilterCx<'_>) -> Verdict {
        if exchange.client.scheme == Scheme::Https {
            return Verdict::Continue;
        }
        let location = self.location(exchange);
        let reply = Reply::plain(self.status, ReplyBody::Empty);
        Verdict::reply(reply.with_header("Location", location))
    }
}

impl RedirectHttps {
    fn location(&self, exchange: &Exchange) -> Vec<u8> {
        let request = &exchange.request;
        let mut location = b"https://".to_vec();
        push_encoded(request.host(), &mut location);
        location.extend_from_slice(self.port.as_bytes());
        push_encoded(request.path(), &mut location);
        if let Some(query) = request.query() {
            location.push(b'?');
            push_encoded(query, &mut location);
        }
        location
    }
}

#[cfg(test)]
mod tests;
