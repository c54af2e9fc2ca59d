//! Frames by hand: what no library would send.

use portunus_net::Io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const ACK: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// One end of a connection.
pub(crate) struct Frames {
    stream: UnixStream,
}

/// A frame that came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// How a stream, or the connection, answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    Status(u16),
    Reset(u32),
    GoAway(u32),
    Closed,
}

/// A connection: the end for us, and the end for frames by hand.
pub(crate) fn pair() -> (Io, Frames) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    (Io::Unix(ours), Frames { stream: theirs })
}

/// A connection: the end for us, and the end for a library.
pub(crate) fn stream_pair() -> (Io, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    (Io::Unix(ours), theirs)
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A header block of literals without an index.
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in fields {
        bytes.push(0);
        for text in [name, value] {
            assert!(text.len() < 127);
            bytes.push(text.len() as u8);
            bytes.extend(text.as_bytes());
        }
    }
    bytes
}

/// The pseudo header fields of a GET for `/`, and `more`.
pub(crate) fn get<'f>(more: &[(&'f str, &'f str)]) -> Vec<(&'f str, &'f str)> {
    let mut fields = vec![
        (":method", "GET"),
        (":scheme", "https"),
        (":path", "/"),
        (":authority", "example.test"),
    ];
    fields.extend(more);
    fields
}

impl Frames {
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// As [`Frames::write`], but the other end may be gone.
    pub(crate) async fn try_write(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    pub(crate) async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.write(&frame(kind, flags, stream, payload)).await;
    }

    /// The client's preface with those settings.
    pub(crate) async fn begin(&mut self, settings: &[(u16, u32)]) {
        self.write(PREFACE).await;
        self.settings(settings).await;
    }

    pub(crate) async fn settings(&mut self, settings: &[(u16, u32)]) {
        let pairs = settings
            .iter()
            .map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat());
        self.send(SETTINGS, 0, 0, &pairs.collect::<Vec<_>>().concat()).await;
    }

    pub(crate) async fn headers(&mut self, flags: u8, stream: u32, fields: &[(&str, &str)]) {
        self.send(HEADERS, flags | END_HEADERS, stream, &block(fields)).await;
    }

    /// The next frame; None when the other end has closed.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        let mut header = [0u8; 9];
        self.stream.read_exact(&mut header).await.ok()?;
        let [a, b, c, kind, flags, s0, s1, s2, s3] = header;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        self.stream.read_exact(&mut payload).await.ok()?;
        Some(Frame { kind, flags, stream: u32::from_be_bytes([s0, s1, s2, s3]), payload })
    }

    /// The next frame of one of these kinds.
    pub(crate) async fn next_of(&mut self, kinds: &[u8]) -> Option<Frame> {
        loop {
            let frame = self.next().await?;
            if kinds.contains(&frame.kind) {
                return Some(frame);
            }
        }
    }

    /// How the peer answers the stream.
    pub(crate) async fn outcome(&mut self) -> Outcome {
        match self.next_of(&[HEADERS, RST_STREAM, GOAWAY]).await {
            None => Outcome::Closed,
            Some(frame) if frame.kind == HEADERS => Outcome::Status(status(&frame.payload)),
            Some(frame) if frame.kind == RST_STREAM => Outcome::Reset(number(&frame.payload)),
            Some(frame) => Outcome::GoAway(number(&frame.payload[4..])),
        }
    }

    pub(crate) async fn read_exact(&mut self, bytes: &mut [u8]) {
        self.stream.read_exact(bytes).await.unwrap();
    }

    /// Nothing more comes from this end; it takes what the other one sends.
    pub(crate) async fn end(&mut self) {
        self.stream.shutdown().await.unwrap();
    }
}

pub(crate) fn number(payload: &[u8]) -> u32 {
    u32::from_be_bytes(payload[..4].try_into().unwrap())
}

/// The `:status` of a header block that `h2` wrote first on its connection.
fn status(block: &[u8]) -> u16 {
    match block[0] {
        0x88 => 200,
        0x89 => 204,
        0x8b => 304,
        0x8c => 400,
        0x8d => 404,
        0x8e => 500,
        0x48 => huffman_digits(&block[2..]),
        other => panic!("not a status: {other:#x}"),
    }
}

/// Digits in the code of HPACK: `0` to `2` have five bits, the others six.
fn huffman_digits(bytes: &[u8]) -> u16 {
    let padded = bytes.iter().chain(&[0xff; 4]).take(4);
    let bits = padded.fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
    let (mut status, mut at) = (0, 0);
    for _ in 0..3 {
        let five = bits << at >> 27;
        let (digit, len) = match five {
            0..=2 => (five, 5),
            _ => ((bits << at >> 26) - 0x19 + 3, 6),
        };
        status = status * 10 + digit as u16;
        at += len;
    }
    status
}
