//! Bare frames of HTTP/2: for what no library would send.

use std::io::{ErrorKind, Read, Write};

use crate::stream::Stream;

/// A connection on which the test says each frame itself.
///
/// Its settings allow the program no table of headers, so that statuses can be read without state.
#[derive(Debug)]
pub struct Frames {
    stream: Stream,
    is_over: bool,
}

/// A frame as it came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Frame {
    /// Its kind: see [`kind`].
    pub kind: u8,
    /// Its flags: see [`flag`].
    pub flags: u8,
    /// Its stream; 0 is the connection.
    pub stream: u32,
    /// What it carries.
    pub payload: Vec<u8>,
}

/// Kinds of frames (RFC 9113 section 6).
pub mod kind {
    /// `DATA`
    pub const DATA: u8 = 0;
    /// `HEADERS`
    pub const HEADERS: u8 = 1;
    /// `PRIORITY`
    pub const PRIORITY: u8 = 2;
    /// `RST_STREAM`
    pub const RST_STREAM: u8 = 3;
    /// `SETTINGS`
    pub const SETTINGS: u8 = 4;
    /// `PUSH_PROMISE`
    pub const PUSH_PROMISE: u8 = 5;
    /// `PING`
    pub const PING: u8 = 6;
    /// `GOAWAY`
    pub const GOAWAY: u8 = 7;
    /// `WINDOW_UPDATE`
    pub const WINDOW_UPDATE: u8 = 8;
    /// `CONTINUATION`
    pub const CONTINUATION: u8 = 9;
}

/// Flags of frames.
pub mod flag {
    /// No flag.
    pub const NONE: u8 = 0;
    /// `END_STREAM`
    pub const END_STREAM: u8 = 1;
    /// `ACK`
    pub const ACK: u8 = 1;
    /// `END_HEADERS`
    pub const END_HEADERS: u8 = 4;
    /// `PADDED`
    pub const PADDED: u8 = 8;
}

impl Frames {
    pub(super) fn over(stream: Stream) -> Self {
        let mut frames = Self { stream, is_over: false };
        frames.send_bytes(PREFACE);
        frames.send(kind::SETTINGS, flag::NONE, 0, NO_TABLE);
        frames
    }

    /// Sends bytes as they are. That the program has closed is seen when its frames are read.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Sends one frame.
    pub fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.send_bytes(&frame(kind, flags, stream, payload));
    }

    /// Sends a head whole, with these fields as they are, and with the flags `END_HEADERS` and
    /// those given.
    pub fn headers(&mut self, stream: u32, flags: u8, fields: &[(&str, &str)]) {
        self.send(kind::HEADERS, flags | flag::END_HEADERS, stream, &block(fields));
    }

    /// Sends a GET of a path.
    pub fn get(&mut self, stream: u32, path: &str) {
        self.headers(stream, flag::END_STREAM, &request("GET", path));
    }

    /// Reads the next frame; `None` when the connection ends. Settings and pings are answered.
    #[track_caller]
    pub fn read(&mut self) -> Option<Frame> {
        let head: [u8; 9] = self.exactly(9)?.try_into().expect("nine bytes");
        let [a, b, c, kind, flags, stream @ ..] = head;
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        let payload = self.exactly(length)?;
        let stream = u32::from_be_bytes(stream) & 0x7fff_ffff;
        let is_question = flags & flag::ACK == 0;
        match kind {
            kind::SETTINGS if is_question => self.send(kind::SETTINGS, flag::ACK, 0, b""),
            kind::PING if is_question => self.send(kind::PING, flag::ACK, 0, &payload),
            _ => {}
        }
        Some(Frame { kind, flags, stream, payload })
    }

    fn exactly(&mut self, count: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; count];
        if self.is_over {
            return None;
        }
        match self.stream.read_exact(&mut bytes) {
            Ok(()) => Some(bytes),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("nothing came: {error}")
            }
            Err(_) => {
                self.is_over = true;
                None
            }
        }
    }

    /// Reads on to the first frame for which `find` finds something; `None` when the connection
    /// ends before.
    #[track_caller]
    pub fn find<T>(&mut self, mut find: impl FnMut(&Frame) -> Option<T>) -> Option<T> {
        loop {
            let frame = self.read()?;
            if let Some(found) = find(&frame) {
                return Some(found);
            }
        }
    }

    /// Waits for the status of the final answer on a stream.
    #[track_caller]
    pub fn status(&mut self, stream: u32) -> u16 {
        let found = self.find(|frame| {
            let is_it = frame.stream == stream && frame.kind == kind::HEADERS;
            is_it.then(|| frame.status()).filter(|status| *status >= 200)
        });
        found.unwrap_or_else(|| panic!("the connection ended before an answer on {stream}"))
    }

    /// Waits until the program finds fault: with a stream (RST_STREAM), the connection (GOAWAY
    /// with an error), or by an answer of 4xx on that stream. A close without a word is none.
    #[track_caller]
    pub fn fault(&mut self) -> Fault {
        let found = self.find(|frame| {
            let code = || frame.code();
            match frame.kind {
                kind::RST_STREAM => Some(Fault::Stream(frame.stream, code())),
                kind::GOAWAY => Some(Fault::Connection(code())).filter(|fault| !fault.is_none()),
                kind::HEADERS if (400..500).contains(&frame.status()) => {
                    Some(Fault::Answer(frame.stream, frame.status()))
                }
                _ => None,
            }
        });
        found.unwrap_or(Fault::Closed)
    }

    /// Sends a PING and waits until the program has answered it: it has seen all before.
    #[track_caller]
    pub fn settle(&mut self) {
        self.send(kind::PING, flag::NONE, 0, SETTLE);
        let answered = self.find(|frame| {
            let is_it = frame.kind == kind::PING && frame.payload == SETTLE;
            is_it.then_some(())
        });
        assert!(answered.is_some(), "the connection ended instead of a PING's answer");
    }

    /// Waits for the end of the connection.
    #[track_caller]
    pub fn wait_for_close(&mut self) {
        while self.read().is_some() {}
    }
}

/// What the program holds against a client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fault {
    /// RST_STREAM of this stream, with this code.
    Stream(u32, u32),
    /// GOAWAY with this code.
    Connection(u32),
    /// An answer with this status on this stream.
    Answer(u32, u16),
    /// The connection ended without a word.
    Closed,
}

impl Fault {
    fn is_none(&self) -> bool {
        *self == Self::Connection(0)
    }
}

impl Frame {
    /// The code of RST_STREAM or GOAWAY (RFC 9113 section 7).
    #[must_use]
    #[track_caller]
    pub fn code(&self) -> u32 {
        let at = match self.kind {
            kind::RST_STREAM => 0,
            kind::GOAWAY => 4,
            _ => panic!("no frame with a code: {self:?}"),
        };
        let bytes = self.payload.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        u32::from_be_bytes(bytes.expect("a code of four bytes"))
    }

    /// The status of an answer's head; 0 for trailers, which have none.
    #[must_use]
    #[track_caller]
    pub fn status(&self) -> u16 {
        let is_update = |byte: &&u8| **byte & 0xe0 == 0x20;
        let bytes: Vec<u8> = self.payload.iter().skip_while(is_update).copied().take(5).collect();
        match bytes.as_slice() {
            [indexed @ 0x88..=0x8e, ..] => {
                let known = [200, 204, 206, 304, 400, 404, 500];
                *known.get(usize::from(indexed - 0x88)).expect("an index in the range")
            }
            [0x08 | 0x48 | 0x18, 0x03, digits @ ..] => digits
                .iter()
                .fold(0, |status, &digit| status * 10 + u16::from(digit.wrapping_sub(b'0'))),
            [0x08 | 0x48 | 0x18, 0x82 | 0x83, coded @ ..] => huffman_digits(coded),
            _ => 0,
        }
    }
}

/// Three digits in the code of RFC 7541 appendix B: five bits for 0 to 2, six for 3 to 9.
fn huffman_digits(coded: &[u8]) -> u16 {
    let bits = coded.iter().flat_map(|byte| (0..8).rev().map(move |at| u16::from(byte >> at & 1)));
    let (mut status, mut code, mut length, mut digits) = (0, 0, 0, 0);
    for bit in bits {
        (code, length) = (code << 1 | bit, length + 1);
        let digit = match (length, code) {
            (5, 0..=2) => code,
            (6, 0x19..=0x1f) => code - 0x19 + 3,
            _ => continue,
        };
        (status, digits) = (status * 10 + digit, digits + 1);
        (code, length) = (0, 0);
        if digits == 3 {
            break;
        }
    }
    status
}

/// The bytes of a frame.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short payload").to_be_bytes();
    let mut bytes = length.get(1..).expect("four bytes").to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

impl Frames {
    /// A block of fields as literals that enter no table (RFC 7541 section 6.2.2).
    #[must_use]
    pub fn block(fields: &[(&str, &str)]) -> Vec<u8> {
        block(fields)
    }
}

fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in fields {
        bytes.push(0);
        for text in [name, value] {
            length(text.len(), &mut bytes);
            bytes.extend(text.bytes());
        }
    }
    bytes
}

/// An integer with a prefix of seven bits (RFC 7541 section 5.1).
fn length(length: usize, out: &mut Vec<u8>) {
    let octet = |value: usize| u8::try_from(value).expect("a value below 256");
    if length < 0x7f {
        out.push(octet(length));
        return;
    }
    out.push(0x7f);
    let mut rest = length - 0x7f;
    while rest >= 0x80 {
        out.push(octet(rest % 0x80) | 0x80);
        rest /= 0x80;
    }
    out.push(octet(rest));
}

/// The fields of a plain request.
fn request<'a>(method: &'a str, path: &'a str) -> [(&'a str, &'a str); 4] {
    [(":method", method), (":scheme", "http"), (":authority", "shop.test"), (":path", path)]
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// `HEADER_TABLE_SIZE` = 0.
const NO_TABLE: &[u8] = &[0, 1, 0, 0, 0, 0];
const SETTLE: &[u8] = b"settled?";
