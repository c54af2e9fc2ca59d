//! Requests and answers as the simulated peers write and read them: apart from the code that is tested.

use std::io;

use super::wire::{Dice, End};

/// A message that was read.
#[derive(Debug, Default)]
pub(super) struct Message {
    /// The first line.
    pub(super) first: String,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Message {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The id that client and origin know a request by.
    pub(super) fn id(&self) -> Option<usize> {
        self.header("x-id")?.parse().ok()
    }

    pub(super) fn status(&self) -> u16 {
        self.first.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0)
    }

    pub(super) fn is_last(&self) -> bool {
        self.header("connection").is_some_and(|value| value.contains("close"))
    }
}

/// What arrives at one end, message by message.
pub(super) struct Reader<'e> {
    end: &'e End,
    bytes: Vec<u8>,
}

impl<'e> Reader<'e> {
    pub(super) fn new(end: &'e End) -> Self {
        Self { end, bytes: Vec::new() }
    }

    /// The head of the next message; None where the stream ends before it.
    pub(super) async fn head(&mut self) -> io::Result<Option<Message>> {
        let length = loop {
            match self.bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(at) => break at + 4,
                None if !self.more().await? => {
                    return if self.bytes.is_empty() { Ok(None) } else { Err(cut()) };
                }
                None => {}
            }
        };
        let head = self.bytes.drain(..length).collect::<Vec<_>>();
        let head = String::from_utf8_lossy(&head);
        let mut lines = head.lines();
        let first = lines.next().unwrap_or_default().to_owned();
        let parts = lines.filter_map(|line| line.split_once(':'));
        let header =
            |(name, value): (&str, &str)| (name.to_ascii_lowercase(), value.trim().to_owned());
        Ok(Some(Message { first, headers: parts.map(header).collect(), body: Vec::new() }))
    }

    /// The body that belongs to a head.
    pub(super) async fn body(&mut self, message: &mut Message) -> io::Result<()> {
        if message.header("transfer-encoding").is_some() {
            while self.chunk(&mut message.body).await? {}
            return Ok(());
        }
        let length = message.header("content-length").map_or(Ok(0), str::parse);
        let length = length.map_err(|_| cut())?;
        self.until(length).await?;
        message.body.extend(self.bytes.drain(..length));
        Ok(())
    }

    /// One chunk; false for the last one.
    async fn chunk(&mut self, body: &mut Vec<u8>) -> io::Result<bool> {
        let line = loop {
            match self.bytes.windows(2).position(|two| two == b"\r\n") {
                Some(at) => break at,
                None if !self.more().await? => return Err(cut()),
                None => {}
            }
        };
        let size = self.bytes.drain(..line + 2).collect::<Vec<_>>();
        let size = String::from_utf8_lossy(&size);
        let size = usize::from_str_radix(size.trim(), 16).map_err(|_| cut())?;
        self.until(size + 2).await?;
        body.extend(self.bytes.drain(..size));
        self.bytes.drain(..2);
        Ok(size > 0)
    }

    async fn until(&mut self, length: usize) -> io::Result<()> {
        while self.bytes.len() < length {
            if !self.more().await? {
                return Err(cut());
            }
        }
        Ok(())
    }

    async fn more(&mut self) -> io::Result<bool> {
        let piece = self.end.read().await?;
        self.bytes.extend_from_slice(&piece);
        Ok(!piece.is_empty())
    }
}

fn cut() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}

/// The body of a message of a request: nobody else's looks like it.
pub(super) fn body_of(id: usize, length: usize) -> Vec<u8> {
    let word = format!("{id}.");
    word.bytes().cycle().take(length).collect()
}

/// A head with its body, framed in one way or the other.
pub(super) fn written(first: &str, headers: &str, body: &[u8], dice: &Dice) -> Vec<u8> {
    let head = |framing: &str| format!("{first}\r\n{headers}{framing}\r\n").into_bytes();
    if dice.chance(0.5) {
        let mut message = head(&format!("Content-Length: {}\r\n", body.len()));
        message.extend_from_slice(body);
        return message;
    }
    let mut message = head("Transfer-Encoding: chunked\r\n");
    for chunk in body.chunks(1 + dice.below(4096)) {
        message.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        message.extend_from_slice(chunk);
        message.extend_from_slice(b"\r\n");
    }
    message.extend_from_slice(b"0\r\n\r\n");
    message
}
