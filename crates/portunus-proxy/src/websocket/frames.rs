//! Where frames of WebSocket begin and end (RFC 6455 section 5.2), and the one frame that is ours. Never looks at what
//! a frame carries, and keeps nothing of it.

/// The frames of one direction, as its bytes pass.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    /// The second byte of a head: whether there is a mask, and how long the frame is.
    shape: u8,
    /// Bytes of the head that have passed.
    head: u8,
    /// What the head says of the payload's length, as far as it has passed.
    length: u64,
    /// Bytes of the payload that are to come.
    left: u64,
}

impl Frames {
    /// Follows the next bytes. How many of them belong to frames that have ended; 0 where none ends in them.
    pub(crate) fn follow(&mut self, bytes: &[u8]) -> usize {
        let (mut rest, mut ended) = (bytes, 0);
        while let Some((first, others)) = rest.split_first() {
            if self.left > 0 {
                let skipped =
                    usize::try_from(self.left).map_or(rest.len(), |it| it.min(rest.len()));
                self.left -= skipped as u64;
                rest = rest.get(skipped..).unwrap_or(&[]);
            } else {
                self.head(*first);
                rest = others;
            }
            if self.is_between() {
                ended = bytes.len() - rest.len();
            }
        }
        ended
    }

    /// No frame is under way: another one may be put here. It may be one of control between the pieces of a message.
    pub(crate) fn is_between(&self) -> bool {
        self.head == 0 && self.left == 0
    }

    /// Follows one byte of a head.
    fn head(&mut self, byte: u8) {
        match self.head {
            0 => self.length = 0,
            1 => self.shape = byte,
            at if usize::from(at) < 2 + self.length_bytes() => {
                self.length = (self.length << 8) | u64::from(byte);
            }
            _ => {}
        }
        self.head += 1;
        if self.head > 1 && usize::from(self.head) == self.head_bytes() {
            self.left = match self.shape & LENGTH {
                LENGTH_IN_TWO | LENGTH_IN_EIGHT => self.length,
                short => short.into(),
            };
            self.head = 0;
        }
    }

    fn length_bytes(&self) -> usize {
        match self.shape & LENGTH {
            LENGTH_IN_TWO => 2,
            LENGTH_IN_EIGHT => 8,
            _ => 0,
        }
    }

    fn head_bytes(&self) -> usize {
        let mask = if self.shape & MASKED == 0 { 0 } else { 4 };
        2 + self.length_bytes() + mask
    }
}

/// The frame that closes a connection because we go away, as a server sends it.
pub(crate) fn going_away() -> Vec<u8> {
    let [high, low] = GOING_AWAY;
    vec![CLOSE, 2, high, low]
}

/// The same as a client sends it, with a mask that nobody can know before (RFC 6455 section 5.3).
pub(crate) fn going_away_masked(random: u64) -> Vec<u8> {
    let ([high, low], [a, b, c, d, ..]) = (GOING_AWAY, random.to_ne_bytes());
    vec![CLOSE, MASKED | 2, a, b, c, d, high ^ a, low ^ b]
}

const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7f;
/// The length is in the next two bytes.
const LENGTH_IN_TWO: u8 = 126;
/// The length is in the next eight bytes.
const LENGTH_IN_EIGHT: u8 = 127;
/// The last piece of a message, and an opcode: Close.
const CLOSE: u8 = 0x88;
/// The code of a server that goes down (RFC 6455 section 7.4.1).
const GOING_AWAY: [u8; 2] = 1001u16.to_be_bytes();

#[cfg(test)]
mod tests;
