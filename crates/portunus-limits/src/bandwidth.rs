//! `bandwidth`: how fast bodies flow, for each client, connection or request, or for all together.

use std::sync::Arc;
use std::time::Duration;

use portunus_base::{ByteRate, ByteSize, UnitError, parse_byte_rate};
use portunus_exchange::{Exchange, Phase, PhaseSet};
use portunus_filter::{
    BodyNeed, BodyPiece, BuildCx, Buildable, Filter, FilterCx, Interest, Patch, Resume, SlotId,
    Verdict,
};
use portunus_resilience::{Pace, PaceRate};
use portunus_spec::shape::{Json, Scalar};
use portunus_spec::{Node, Reader, Shape, Spanned, Spec, read_parsed, spec, spec_enum};

use crate::key::{Keys, PerSpec, REQUEST_KEY, process_seed};
use crate::written::{place, room, with_per};

spec! {
    /// Bounds how fast bodies flow, for each client, connection or request, or for all together.
    pub(crate) struct BandwidthFields {
        short = rate;
        /// How many bytes in a second: `1MiB/s`.
        rate: Spanned<BytesRate>,
        /// Who has a rate of their own: `request`, `connection`, or as in `rate_limit`. Without it all share one.
        per: Vec<Spanned<PerSpec>> = Vec::new(),
        /// Which bodies.
        direction: Direction = Direction::Response,
        /// How much of each body is free.
        after: ByteSize = ByteSize(0),
        /// How much may flow at once. Without it as much as in a tenth of a second.
        burst: Option<ByteSize>,
        /// A name. Limits of one name share their rate.
        name: Option<Spanned<String>>,
        /// How many bits of an IPv6 address are one client.
        ipv6_prefix: Spanned<u16> = Spanned::none(64),
        /// For how many clients at once there is room, at 32 bytes for each and each direction.
        keys_max: Spanned<usize> = Spanned::none(100_000),
    }
}

spec_enum! {
    /// Which bodies are bounded.
    pub(crate) enum Direction {
        /// Those of answers.
        Response = "response",
        /// Those of requests.
        Request = "request",
        /// Both, each at the full rate.
        Both = "both",
    }
}

/// Bytes in a second.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct BytesRate(u64);

impl Spec for BytesRate {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        read_parsed(node, reader, "a rate of bytes", |text| match parse_byte_rate(text)? {
            ByteRate(0) => Err(UnitError("write more than 0B/s")),
            ByteRate(bytes) => Ok(Self(bytes)),
        })
    }

    fn write(&self) -> Node {
        Node::text(ByteRate(self.0).to_string())
    }

    fn shape() -> Shape {
        Shape::Scalar(Scalar {
            name: "rate of bytes",
            json: Json::String,
            pattern: Some(r"^\d+(\.\d+)?(B|KB|KiB|MB|MiB|GB|GiB)/s( per .+)?$"),
            examples: &["1MiB/s", "500KB/s per client_ip"],
        })
    }
}

/// `bandwidth`, as it is written.
pub struct BandwidthSpec(BandwidthFields);

with_per!(BandwidthSpec, BandwidthFields, "rate");

impl Buildable for BandwidthSpec {
    const NAME: &'static str = "bandwidth";
    const DOC: &'static str = "Bounds how fast bodies flow.";

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        let spec = self.0;
        let keys = Keys::build(&spec.per, &spec.ipv6_prefix, process_seed(), cx);
        let room = room(&spec.keys_max, &spec.per, cx);
        let (keys, room) = (keys?, room?);
        let rate = spec.rate.value.0;
        let burst = spec.burst.map_or(rate / 10, |burst| burst.0);
        let written = format!(" {rate} {burst} {}", spec.direction.word());
        let place = place(spec.name.as_ref(), &spec.per, &written, cx);
        let state = format!("bandwidth {room} {place}");
        Some(Arc::new(Bandwidth {
            keys,
            rate: PaceRate::new(rate, burst),
            paces: cx
                .state(&state, || Paces { request: Pace::new(room), response: Pace::new(room) }),
            direction: spec.direction,
            after: spec.after.0,
            slot: cx.slot(),
        }))
    }
}

struct Bandwidth {
    keys: Keys,
    rate: PaceRate,
    paces: Arc<Paces>,
    direction: Direction,
    after: u64,
    slot: SlotId,
}

/// What has flowed each way.
struct Paces {
    request: Pace,
    response: Pace,
}

impl Filter for Bandwidth {
    fn interest(&self) -> Interest {
        let need =
            |direction| match self.direction == direction || self.direction == Direction::Both {
                true => BodyNeed::Stream,
                false => BodyNeed::None,
            };
        Interest {
            phases: PhaseSet::NONE.with(Phase::Request),
            request_body: need(Direction::Request),
            response_body: need(Direction::Response),
        }
    }

    fn on_request(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        if exchange.attributes.value(REQUEST_KEY).is_none() {
            exchange.attributes.set(REQUEST_KEY, &cx.rng.u64().to_le_bytes());
        }
        let wall = cx.wall;
        cx.note(|| format!("{}: {}", self.keys.shown(exchange, wall), self.direction.word()));
        Verdict::Continue
    }

    fn on_request_body(
        &self,
        exchange: &mut Exchange,
        piece: &mut BodyPiece<'_>,
        cx: &mut FilterCx<'_>,
    ) -> Verdict {
        // The piece has been counted, as it came from the client.
        let before = exchange.bytes.request.saturating_sub(piece.bytes.len() as u64);
        self.pace(Way::Request, exchange, before, piece.bytes.len(), cx)
    }

    fn on_response_body(
        &self,
        exchange: &mut Exchange,
        piece: &mut BodyPiece<'_>,
        cx: &mut FilterCx<'_>,
    ) -> Verdict {
        let before = exchange.bytes.response;
        self.pace(Way::Response, exchange, before, piece.bytes.len(), cx)
    }
}

impl Bandwidth {
    /// Lets a piece go on when it is time. `before` have flowed of its body.
    fn pace(
        &self,
        way: Way,
        exchange: &Exchange,
        before: u64,
        length: usize,
        cx: &mut FilterCx<'_>,
    ) -> Verdict {
        let length = length as u64;
        let bytes = before.saturating_add(length).saturating_sub(self.after).min(length);
        if bytes == 0 {
            return Verdict::Continue;
        }
        let (now, wall) = (cx.now, cx.wall);
        let scratch = cx.local::<Vec<u8>>(self.slot);
        let key = match self.keys.key(exchange, wall, scratch) {
            Some(key) => key,
            None => self.keys.of_the_rest(scratch),
        };
        let wait = self.paces.of(way).take(key, self.rate, bytes, now);
        // What is too short to wait for adds up.
        if wait < WAIT_MIN {
            return Verdict::Continue;
        }
        let held = Held { paces: Arc::clone(&self.paces), way, rate: self.rate, key, bytes };
        Verdict::Suspend(Box::pin(async move {
            tokio::time::sleep(wait).await;
            held.flow();
            Resume::Continue(Patch::default())
        }))
    }
}

impl Paces {
    fn of(&self, way: Way) -> &Pace {
        match way {
            Way::Request => &self.request,
            Way::Response => &self.response,
        }
    }
}

#[derive(Clone, Copy)]
enum Way {
    Request,
    Response,
}

/// Bytes that wait for their time. When their exchange ends before that, others may have it.
struct Held {
    paces: Arc<Paces>,
    way: Way,
    rate: PaceRate,
    key: u64,
    bytes: u64,
}

impl Held {
    /// They go on.
    fn flow(mut self) {
        self.bytes = 0;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.paces.of(self.way).give_back(self.key, self.rate, self.bytes);
        }
    }
}

/// Timers are no finer.
const WAIT_MIN: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests;
