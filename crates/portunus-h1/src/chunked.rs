//! The chunked coding as a state machine (RFC 9112 section 7.1): input may be cut anywhere.

use std::ops::Range;

use portunus_http::{HeaderList, is_protected};

use crate::{
    H1Error, Limits,
    fields::{LINE_END, check_section, parse_section, section_len},
};

/// Decodes a chunked body. Payload is never copied; extensions are dropped; trailers are kept.
#[derive(Debug)]
pub struct Chunked {
    state: State,
    /// Payload of the current chunk that is still to come; while its size is read, the size so far.
    remaining: u64,
    size_digits: usize,
    extension_bytes: usize,
    limits: Limits,
    /// The trailer section so far, from the CRLF before it; no memory without trailers.
    section: Vec<u8>,
    trailers: HeaderList,
}

/// What [`Chunked::decode`] did.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ChunkEvent {
    /// Bytes of the input that are done with: framing and payload.
    pub consumed: usize,
    /// The payload among them, as a range of the input; perhaps empty.
    pub data: Range<usize>,
    /// True when the body is over; what follows `consumed` is not part of it.
    pub end: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Size,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    Trailers,
    End,
}

impl Chunked {
    /// A decoder at the start of a body. `line_bytes_max` bounds all extensions of the body
    /// together.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            state: State::Size,
            remaining: 0,
            size_digits: 0,
            extension_bytes: 0,
            limits: *limits,
            section: Vec::new(),
            trailers: HeaderList::default(),
        }
    }

    /// Takes framing up to and with one run of payload, and the framing behind it.
    ///
    /// Everything that there is gets consumed, up to the next payload or the end: call again with
    /// the rest while `consumed > 0` and not `end`.
    ///
    /// # Errors
    /// The first fault; the decoder must not be used after it.
    pub fn decode(&mut self, input: &[u8]) -> Result<ChunkEvent, H1Error> {
        let mut event = ChunkEvent::default();
        while let Some(rest) = input.get(event.consumed..).filter(|rest| !rest.is_empty()) {
            match self.state {
                State::End => break,
                State::Data if event.data.is_empty() => {
                    let taken = self.take_data(rest);
                    event.data = event.consumed..event.consumed + taken;
                    event.consumed += taken;
                }
                State::Data => break,
                State::Trailers => event.consumed += self.take_trailers(rest)?,
                _ => event.consumed += self.take_framing(rest)?,
            }
        }
        event.end = self.state == State::End;
        Ok(event)
    }

    /// The trailers, once the body is over.
    #[must_use]
    pub fn trailers(&self) -> &HeaderList {
        &self.trailers
    }

    /// True once the whole body and its trailers were decoded.
    #[must_use]
    pub fn is_end(&self) -> bool {
        self.state == State::End
    }

    fn take_data(&mut self, rest: &[u8]) -> usize {
        let remaining = usize::try_from(self.remaining).unwrap_or(usize::MAX);
        let taken = rest.len().min(remaining);
        self.remaining -= taken as u64;
        if self.remaining == 0 {
            self.state = State::DataCr;
        }
        taken
    }

    /// One step over size, extension or line end.
    fn take_framing(&mut self, rest: &[u8]) -> Result<usize, H1Error> {
        let Some(byte) = rest.first().copied() else { return Ok(0) };
        match (self.state, byte) {
            (State::Size, b';') if self.size_digits > 0 => self.state = State::Extension,
            (State::Size, b'\r') if self.size_digits > 0 => self.state = State::SizeLf,
            (State::Size, digit) => self.push_digit(digit)?,
            (State::Extension, b'\r') => self.state = State::SizeLf,
            (State::Extension, _) => return self.take_extension(rest),
            (State::SizeLf, b'\n') => self.begin_chunk(),
            (State::SizeLf, _) => return Err(H1Error::BareCr),
            (State::DataCr, b'\r') => self.state = State::DataLf,
            (State::DataLf, b'\n') => self.state = State::Size,
            _ => return Err(H1Error::BadChunkEnd),
        }
        Ok(1)
    }

    fn push_digit(&mut self, digit: u8) -> Result<(), H1Error> {
        let value = (digit as char).to_digit(16).ok_or(H1Error::BadChunkSize)?;
        self.size_digits += 1;
        if self.size_digits > SIZE_DIGITS_MAX {
            return Err(H1Error::BadChunkSize);
        }
        self.remaining = self.remaining << 4 | u64::from(value);
        Ok(())
    }

    fn take_extension(&mut self, rest: &[u8]) -> Result<usize, H1Error> {
        let len = rest.iter().position(|byte| is_line_or_control(*byte)).unwrap_or(rest.len());
        self.extension_bytes += len;
        if self.extension_bytes > self.limits.line_bytes_max {
            return Err(H1Error::ChunkExtensionsTooLong);
        }
        match rest.get(len) {
            None | Some(b'\r') => Ok(len),
            Some(b'\n') => Err(H1Error::BareLf),
            Some(_) => Err(H1Error::BadChunkExtension),
        }
    }

    fn begin_chunk(&mut self) {
        self.size_digits = 0;
        self.state = if self.remaining == 0 { State::Trailers } else { State::Data };
    }

    /// The trailer section is parsed as one piece: kept until its end is there, then checked like a
    /// head's.
    fn take_trailers(&mut self, rest: &[u8]) -> Result<usize, H1Error> {
        if self.section.is_empty() && rest.starts_with(b"\r\n") {
            self.state = State::End;
            return Ok(LINE_END);
        }
        if self.section.is_empty() {
            self.section.extend_from_slice(b"\r\n");
        }
        let known = self.section.len();
        let room = self.limits.header_bytes_max.saturating_sub(known);
        let (taken, _) = rest.split_at_checked(room).unwrap_or((rest, &[]));
        self.section.extend_from_slice(taken);
        let Some(len) = self.trailers_end(known) else {
            let full = taken.len() < rest.len();
            return if full { Err(H1Error::HeadersTooLarge) } else { Ok(taken.len()) };
        };
        self.section.truncate(len);
        self.end_with_trailers()?;
        Ok(len - known)
    }

    /// Where the section ends, if it does; `known` bytes of it were looked at before.
    fn trailers_end(&self, known: usize) -> Option<usize> {
        let from = known.saturating_sub(2 * LINE_END - 1);
        self.section.get(from..).and_then(section_len).map(|len| from + len)
    }

    fn end_with_trailers(&mut self) -> Result<(), H1Error> {
        check_section(&self.section)?;
        self.trailers.store(&self.section);
        parse_section(&self.section, 0, &self.limits, &mut self.trailers)?;
        if self.trailers.iter().any(|trailer| is_protected(trailer.id)) {
            return Err(H1Error::ForbiddenTrailer);
        }
        self.state = State::End;
        Ok(())
    }
}

fn is_line_or_control(byte: u8) -> bool {
    (byte < 0x20 && byte != b'\t') || byte == 0x7f
}

/// Sizes below 2^60: no parser down the line overflows.
const SIZE_DIGITS_MAX: usize = 15;

#[cfg(test)]
mod tests;
