//! Reading messages from a connection.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;

use crate::message::{Framing, Head, Headers};
use crate::stream::Stream;

/// Why there is nothing more to read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// The other side closed properly.
    Closed,
    /// The other side reset the connection.
    Reset,
    /// The other side closed TCP, and TLS did not say that this is the end.
    Cut,
    /// The other side said by an alert of TLS why it ends; the alert's name in the standard.
    Alert(&'static str),
}

/// A body as it came.
#[derive(Clone, Debug, Default)]
pub struct Body {
    /// Its bytes, without any framing.
    pub bytes: Vec<u8>,
    /// Fields after a chunked body.
    pub trailers: Headers,
    /// False when the connection ended before the body did.
    pub is_complete: bool,
}

/// A connection with what was read from it ahead. Dropping it closes it in good order.
#[derive(Debug)]
pub(crate) struct Wire {
    /// `None` only while it is given away.
    stream: Option<Stream>,
    is_reset: bool,
    ahead: Vec<u8>,
    end: Option<End>,
}

impl Wire {
    pub(crate) fn new(stream: Stream) -> Self {
        Self { stream: Some(stream), is_reset: false, ahead: Vec::new(), end: None }
    }

    pub(crate) fn stream(&self) -> &Stream {
        self.stream.as_ref().expect(HELD)
    }

    pub(crate) fn stream_mut(&mut self) -> &mut Stream {
        self.stream.as_mut().expect(HELD)
    }

    pub(crate) fn into_stream(mut self) -> Stream {
        assert!(self.ahead.is_empty(), "unread: {}", self.unread());
        self.stream.take().expect(HELD)
    }

    /// Makes the close a reset instead of an end.
    pub(crate) fn reset(&mut self) {
        self.stream().reset_on_close();
        self.is_reset = true;
    }

    /// What was read ahead, as text.
    fn unread(&self) -> String {
        String::from_utf8_lossy(&self.ahead).into_owned()
    }

    /// Sends bytes. That the other side has closed already is seen when its answer is read.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        match self.stream_mut().write_all(bytes) {
            Err(error) if !is_gone(error.kind()) && alert(&error).is_none() => {
                panic!("cannot send: {error}")
            }
            _ => {}
        }
    }

    pub(crate) fn half_close(&mut self) {
        self.stream_mut().shutdown(Shutdown::Write);
    }

    /// Reads what is there, at least one byte; the end instead where there is no more.
    #[track_caller]
    fn fill(&mut self) -> Result<(), End> {
        if let Some(end) = self.end {
            return Err(end);
        }
        let mut buffer = [0; 16 << 10];
        let end = loop {
            match self.stream_mut().read(&mut buffer) {
                Ok(0) => break End::Closed,
                Ok(count) => {
                    self.ahead.extend(buffer.iter().take(count));
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_gone(error.kind()) => break End::Reset,
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => break End::Cut,
                Err(error) if alert(&error).is_some() => {
                    break End::Alert(alert(&error).unwrap_or_default());
                }
                Err(error) => panic!("nothing came ({error}) after {:?}", self.unread()),
            }
        };
        self.end = Some(end);
        Err(end)
    }

    /// Reads up to and with `mark`, and gives what stands before it.
    #[track_caller]
    fn until(&mut self, mark: &[u8]) -> Result<Vec<u8>, End> {
        let mut from = 0;
        loop {
            let found = self.ahead.get(from..).and_then(|ahead| position(ahead, mark));
            if let Some(at) = found {
                let rest = self.ahead.split_off(from + at + mark.len());
                let mut taken = std::mem::replace(&mut self.ahead, rest);
                taken.truncate(from + at);
                return Ok(taken);
            }
            from = (self.ahead.len() + 1).saturating_sub(mark.len());
            self.fill()?;
        }
    }

    /// Reads the next head; its end when nothing comes any more.
    #[track_caller]
    pub(crate) fn head(&mut self) -> Result<Head, End> {
        let read = self.until(b"\r\n\r\n");
        if let Err(end) = read {
            assert!(self.ahead.is_empty(), "{end:?} within a head: {:?}", self.unread());
        }
        read.map(|head| Head::parse(&head))
    }

    /// Reads a body; an incomplete one where the connection ends too early.
    #[track_caller]
    pub(crate) fn body(&mut self, framing: Framing) -> Body {
        let mut body = Body::default();
        let ended = match framing {
            Framing::None => Ok(()),
            Framing::Frames => panic!("this is no connection of HTTP/1"),
            Framing::Length(length) => self.exactly(length, &mut body.bytes),
            Framing::Chunked => self.chunks(&mut body),
            Framing::UntilClose => match self.exactly(usize::MAX, &mut body.bytes) {
                Err(End::Closed) => Ok(()),
                other => other,
            },
        };
        body.is_complete = ended.is_ok();
        body
    }

    #[track_caller]
    fn chunks(&mut self, body: &mut Body) -> Result<(), End> {
        loop {
            let line = self.until(b"\r\n")?;
            let digits = line.split(|&byte| byte == b';').next().unwrap_or_default();
            let digits = String::from_utf8_lossy(digits);
            let size = usize::from_str_radix(&digits, 16)
                .unwrap_or_else(|_| panic!("no chunk size: {digits:?}"));
            if size == 0 {
                break;
            }
            self.exactly(size, &mut body.bytes)?;
            assert_eq!(self.until(b"\r\n")?, b"", "a chunk longer than its size");
        }
        loop {
            let line = self.until(b"\r\n")?;
            if line.is_empty() {
                return Ok(());
            }
            let as_head = [b"trailer\r\n", line.as_slice()].concat();
            body.trailers.0.extend(Head::parse(&as_head).headers.0);
        }
    }

    /// Moves `count` bytes to `out`, or as many as there are.
    #[track_caller]
    pub(crate) fn exactly(&mut self, mut count: usize, out: &mut Vec<u8>) -> Result<(), End> {
        loop {
            let taken = count.min(self.ahead.len());
            out.extend(self.ahead.drain(..taken));
            count -= taken;
            if count == 0 {
                return Ok(());
            }
            self.fill()?;
        }
    }

    /// Waits for the end of the connection; whatever still comes fails the test.
    #[track_caller]
    pub(crate) fn end(&mut self) -> End {
        match self.fill() {
            Err(end) if self.ahead.is_empty() => end,
            _ => panic!("bytes instead of the end: {:?}", self.unread()),
        }
    }

    /// Waits for the end of the connection, whatever still comes.
    pub(crate) fn drain(&mut self) -> End {
        loop {
            if let Err(end) = self.fill() {
                return end;
            }
            self.ahead.clear();
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if let Some(stream) = self.stream.as_mut().filter(|_| !self.is_reset) {
            stream.say_end();
        }
    }
}

const HELD: &str = "a connection that was not given away";

/// The name of the alert by which the other side ended TLS.
fn alert(error: &std::io::Error) -> Option<&'static str> {
    match error.get_ref()?.downcast_ref()? {
        rustls::Error::AlertReceived(alert) => alert.as_str(),
        _ => None,
    }
}

fn is_gone(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted
    )
}

fn position(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    bytes.windows(mark.len()).position(|window| window == mark)
}
