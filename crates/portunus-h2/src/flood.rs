//! Frames that cost a peer nothing and us something: counted as they come in, and bounded.
//!
//! `h2` bounds what it keeps (streams that were reset and not yet seen, CONTINUATION frames, the size of header lists,
//! small and empty DATA frames), but not how often a peer may make it work. That is counted here, from frame headers
//! alone.

use std::cell::Cell;

use portunus_base::Mono;

/// What a peer sent too much of.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum FloodKind {
    /// CONTINUATION frames of one header block.
    Continuation,
    /// DATA frames without data.
    EmptyData,
    /// Streams that ended with a fault of the peer.
    Faults,
    /// A header block many times over its limit.
    HeaderList,
    /// PING frames.
    Ping,
    /// PRIORITY and PRIORITY_UPDATE frames, and frames of types that nobody knows.
    Priority,
    /// RST_STREAM frames: rapid reset.
    Reset,
    /// SETTINGS frames.
    Settings,
    /// DATA frames with hardly any data.
    SmallData,
    /// WINDOW_UPDATE frames.
    WindowUpdate,
}

/// How many frames of a kind a connection may get: so many at once, and so many more each second.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Allowance {
    /// At once.
    pub burst: u32,
    /// More each second.
    pub per_second: u32,
}

/// The limits on frames of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FloodLimits {
    /// PING: some clients send one with each piece of an answer, to measure.
    pub ping: Allowance,
    /// SETTINGS, acknowledgements too.
    pub settings: Allowance,
    /// DATA frames that hold nothing and end nothing.
    pub empty_data: Allowance,
    /// PRIORITY and frames that nobody knows: some browsers send several with each request.
    pub priority: Allowance,
    /// RST_STREAM: leaving a page with many pictures sends a hundred.
    pub reset: Allowance,
    /// WINDOW_UPDATE, beside those that the bytes which we sent explain.
    pub window_update: Allowance,
}

impl Default for FloodLimits {
    fn default() -> Self {
        let allow = |burst, per_second| Allowance { burst, per_second };
        Self {
            ping: allow(200, 50),
            settings: allow(50, 5),
            empty_data: allow(100, 20),
            priority: allow(1000, 100),
            reset: allow(500, 100),
            window_update: allow(2000, 200),
        }
    }
}

impl FloodKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::Continuation,
        Self::EmptyData,
        Self::Faults,
        Self::HeaderList,
        Self::Ping,
        Self::Priority,
        Self::Reset,
        Self::Settings,
        Self::SmallData,
        Self::WindowUpdate,
    ];

    /// A stable word for logs and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Continuation => "continuation",
            Self::EmptyData => "empty_frames",
            Self::Faults => "faults",
            Self::HeaderList => "header_list",
            Self::Ping => "ping",
            Self::Priority => "priority",
            Self::Reset => "rapid_reset",
            Self::Settings => "settings",
            Self::SmallData => "small_frames",
            Self::WindowUpdate => "window_update",
        }
    }

    /// The flood for which `h2` sends a peer away. It says which in the text of its GOAWAY alone.
    #[cold]
    pub(crate) fn told_by(goaway: &[u8]) -> Option<Self> {
        let says = |word: &str| goaway.windows(word.len()).any(|part| part == word.as_bytes());
        TOLD.iter().find(|(word, _)| says(word)).map(|(_, kind)| *kind)
    }
}

const TOLD: &[(&str, FloodKind)] = &[
    ("too_many_continuations", FloodKind::Continuation),
    ("header_list_way_too_large", FloodKind::HeaderList),
    ("too_many_internal_resets", FloodKind::Faults),
    ("too_many_resets", FloodKind::Reset),
    ("too_many_data_frames", FloodKind::SmallData),
];

/// Sees the bytes of a connection as they come in, and counts the frames.
#[derive(Debug)]
pub(crate) struct FloodWatch {
    header: [u8; HEADER_BYTES],
    /// How much of `header` is there.
    header_len: usize,
    /// Bytes before the next header: the rest of a frame, or the preface.
    skip: usize,
    buckets: [Bucket; BUCKETS],
    /// The peer said that it will go.
    goaway: Cell<bool>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    kind: FloodKind,
    allowance: Allowance,
    /// Frames that may still come, in thousandths.
    left: u64,
    filled: Mono,
}

impl FloodWatch {
    /// `preface` bytes come before the first frame.
    pub(crate) fn new(limits: &FloodLimits, preface: usize, now: Mono) -> Self {
        let bucket = |kind, allowance: Allowance| {
            let left = u64::from(allowance.burst) * FRAME;
            Bucket { kind, allowance, left, filled: now }
        };
        let buckets = [
            bucket(FloodKind::EmptyData, limits.empty_data),
            bucket(FloodKind::Priority, limits.priority),
            bucket(FloodKind::Reset, limits.reset),
            bucket(FloodKind::Settings, limits.settings),
            bucket(FloodKind::Ping, limits.ping),
            bucket(FloodKind::WindowUpdate, limits.window_update),
        ];
        let goaway = Cell::new(false);
        Self { header: [0; HEADER_BYTES], header_len: 0, skip: preface, buckets, goaway }
    }

    /// True once the peer has sent a GOAWAY.
    pub(crate) fn saw_goaway(&self) -> bool {
        self.goaway.get()
    }

    /// Bytes that went out explain updates of windows: one for each piece of this many bytes, at the least.
    pub(crate) fn sent(&mut self, bytes: usize) {
        let Some(bucket) = self.buckets.get_mut(WINDOW_UPDATE) else { return };
        let most = u64::from(bucket.allowance.burst) * FRAME;
        let earned = bytes as u64 * FRAME / SENT_BYTES_PER_UPDATE;
        bucket.left = (bucket.left + earned).min(most);
    }

    /// Looks at bytes that came in. The kind that there is too much of, if there is one.
    pub(crate) fn received(&mut self, mut bytes: &[u8], now: Mono) -> Option<FloodKind> {
        while !bytes.is_empty() {
            if self.skip > 0 {
                let skipped = self.skip.min(bytes.len());
                self.skip -= skipped;
                bytes = bytes.get(skipped..).unwrap_or(&[]);
                continue;
            }
            let missing = (HEADER_BYTES - self.header_len).min(bytes.len());
            let (now_here, rest) = bytes.split_at_checked(missing).unwrap_or((bytes, &[]));
            for (place, byte) in self.header.iter_mut().skip(self.header_len).zip(now_here) {
                *place = *byte;
            }
            self.header_len += missing;
            bytes = rest;
            if self.header_len == HEADER_BYTES {
                self.header_len = 0;
                let flood = self.frame(now);
                if flood.is_some() {
                    return flood;
                }
            }
        }
        None
    }

    /// A frame begins, whose header is there.
    fn frame(&mut self, now: Mono) -> Option<FloodKind> {
        let [high, middle, low, kind, flags, ..] = self.header;
        self.skip = u32::from_be_bytes([0, high, middle, low]) as usize;
        let bucket = match kind {
            DATA if self.skip == 0 && flags & END_STREAM == 0 => 0,
            DATA | HEADERS | PUSH_PROMISE | CONTINUATION => return None,
            RST_STREAM => 2,
            SETTINGS => 3,
            PING => 4,
            GOAWAY => {
                self.goaway.set(true);
                return None;
            }
            FRAME_WINDOW_UPDATE => WINDOW_UPDATE,
            _ => 1,
        };
        self.buckets.get_mut(bucket).and_then(|bucket| bucket.take(now))
    }
}

impl Bucket {
    /// Takes one frame out; the kind when there was none left.
    fn take(&mut self, now: Mono) -> Option<FloodKind> {
        if self.left < FRAME {
            self.fill(now);
        }
        match self.left.checked_sub(FRAME) {
            Some(left) => self.left = left,
            None => return Some(self.kind),
        }
        None
    }

    fn fill(&mut self, now: Mono) {
        let most = u64::from(self.allowance.burst) * FRAME;
        let per_second = u64::from(self.allowance.per_second) * FRAME;
        let earned = now.since_us(self.filled).saturating_mul(per_second) / 1_000_000;
        self.left = self.left.saturating_add(earned).min(most);
        self.filled = now;
    }
}

const HEADER_BYTES: usize = 9;
const BUCKETS: usize = 6;
/// The place of the bucket for window updates.
const WINDOW_UPDATE: usize = 5;
/// One frame, in the unit of a bucket.
const FRAME: u64 = 1000;
/// Clients that give each small piece of an answer back at once, to stream and connection, send two for it.
const SENT_BYTES_PER_UPDATE: u64 = 64;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const FRAME_WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;

#[cfg(test)]
mod tests;
