//! `request_id`: gives each request an id that travels with it.

use std::sync::Arc;

use portunus_base::{Rng, Wall};
use portunus_exchange::{Exchange, Phase, PhaseSet};
use portunus_filter::{BuildCx, Buildable, Filter, FilterCx, Interest, SlotId, Verdict};
use portunus_spec::{Spanned, spec, spec_enum};

use portunus_filter::{HeaderName, Message};

spec! {
    /// Gives each request an id: for the upstream, the access log and the answer.
    pub struct RequestIdSpec {
        short = header;
        /// The header that carries the id.
        header: Spanned<String> = Spanned::none("X-Request-Id".to_owned()),
        /// Whether an id that came with the request is taken.
        trust: Trust = Trust::Trusted,
        /// Whether the answer carries the id too.
        answer: bool = true,
    }
}

spec_enum! {
    /// Whose ids are taken.
    pub enum Trust {
        /// Those that come over a connection from one of `trusted_proxies`.
        Trusted = "trusted",
        /// Everybody's.
        Always = "always",
        /// Nobody's.
        Never = "never",
    }
}

impl Buildable for RequestIdSpec {
    const NAME: &'static str = "request_id";
    const DOC: &'static str =
        "Gives each request an id, for the upstream, the access log and the answer.";

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        let (name, span) = (&self.header.value, self.header.span);
        let header = HeaderName::write(name, Message::Response, span, cx.reader)?;
        let (trust, answer) = (self.trust, self.answer);
        Some(Arc::new(RequestId { header, trust, answer, sequence: cx.slot() }))
    }
}

struct RequestId {
    header: HeaderName,
    trust: Trust,
    answer: bool,
    sequence: SlotId,
}

impl Filter for RequestId {
    fn interest(&self) -> Interest {
        Interest { phases: PhaseSet::NONE.with(Phase::Request), ..Interest::default() }
    }

    fn on_request(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        let mut copy = [0; ID_BYTES_MAX];
        let known = self.known(exchange).and_then(|id| {
            let place = copy.get_mut(..id.len())?;
            place.copy_from_slice(id);
            Some(id.len())
        });
        match known.and_then(|len| copy.get(..len)) {
            Some(id) => self.put(exchange, id),
            None => {
                let sequence = cx.locals.of::<SequenceLocal>(self.sequence);
                self.put(exchange, &sequence.next_id(cx.wall, cx.rng));
            }
        }
        Verdict::Continue
    }
}

impl RequestId {
    /// The id that the request has: of an earlier `request_id`, or from a client that may choose it.
    fn known<'a>(&self, exchange: &'a Exchange) -> Option<&'a [u8]> {
        let takes = match self.trust {
            Trust::Always => true,
            Trust::Trusted => exchange.client.trusted,
            Trust::Never => false,
        };
        let sent = || exchange.request.headers.value(&self.header.text).filter(|_| takes);
        exchange.attributes.value(ATTRIBUTE).or_else(sent).filter(|id| is_id(id))
    }

    fn put(&self, exchange: &mut Exchange, id: &[u8]) {
        exchange.request.headers.set(&self.header.text, id);
        exchange.attributes.set(ATTRIBUTE, id);
        if self.answer {
            exchange.response_extra.set(&self.header.text, id);
        }
    }
}

/// What a worker keeps between ids, so that they rise even within one millisecond (RFC 9562 section 6.2, method 1).
#[derive(Debug, Default)]
struct SequenceLocal {
    ms: u64,
    counter: u16,
}

impl SequenceLocal {
    /// A UUID of version 7 (RFC 9562 section 5.7) as text.
    fn next_id(&mut self, wall: Wall, rng: &mut Rng) -> [u8; 36] {
        let (now_ms, random) = (wall.0 / 1000, rng.u64());
        if now_ms > self.ms {
            // The top bit is left free, so that the counter has room to rise.
            (self.ms, self.counter) = (now_ms, (random & 0x7ff) as u16);
        } else if self.counter < 0xfff {
            self.counter += 1;
        } else {
            (self.ms, self.counter) = (self.ms + 1, 0);
        }
        let high = self.ms << 16 | 0x7000 | u64::from(self.counter);
        let low = rng.u64() >> 2 | 1 << 63;
        text(u128::from(high) << 64 | u128::from(low))
    }
}

/// `8-4-4-4-12` digits in lower case (RFC 9562 section 4).
fn text(uuid: u128) -> [u8; 36] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut text = [b'-'; 36];
    let digits = text.iter_mut().enumerate().filter(|(at, _)| !matches!(at, 8 | 13 | 18 | 23));
    for (nibble, (_, digit)) in digits.enumerate() {
        let value = (uuid >> (124 - 4 * nibble)) & 15;
        *digit = HEX.get(value as usize).copied().unwrap_or(b'0');
    }
    text
}

fn is_id(id: &[u8]) -> bool {
    (1..=ID_BYTES_MAX).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
}

const ATTRIBUTE: &str = "request_id";

/// Longer ids from outside are not taken.
const ID_BYTES_MAX: usize = 128;

#[cfg(test)]
mod tests;
