//! One request of HTTP/2 under way.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{Reason, RecvStream, SendStream};
use http::Response;

use super::Broken;
use super::sending::{from_map, to_map};
use crate::Answer;
use crate::message::{Framing, Head, Headers};
use crate::runtime::wait;

/// A request whose head is sent. What comes is read when the test asks for it, and only then the
/// window is given back.
#[derive(Debug)]
pub struct H2Stream {
    response: Option<ResponseFuture>,
    sink: SendStream<Bytes>,
    incoming: Option<RecvStream>,
    head: Option<(u16, Headers)>,
    interim: Vec<Head>,
}

impl H2Stream {
    pub(super) fn new(response: ResponseFuture, sink: SendStream<Bytes>) -> Self {
        Self { response: Some(response), sink, incoming: None, head: None, interim: Vec::new() }
    }

    /// Sends bytes of the body as the windows allow; waits for that.
    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let sent = self.try_send(bytes);
        sent.unwrap_or_else(|broken| panic!("the body is not taken: {broken:?}"));
    }

    /// Sends bytes of the body as the windows allow; waits for that.
    ///
    /// # Errors
    /// Why the stream takes no more.
    #[track_caller]
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), Broken> {
        let mut rest = Bytes::copy_from_slice(bytes.as_ref());
        while !rest.is_empty() {
            self.sink.reserve_capacity(rest.len());
            let capacity = wait("room in the window", self.room())?;
            let piece = rest.split_to(capacity.min(rest.len()));
            self.sink.send_data(piece, false).map_err(|error| Broken::from(&error))?;
        }
        Ok(())
    }

    /// How many bytes may be sent now; waits until it is more than none.
    async fn room(&mut self) -> Result<usize, Broken> {
        loop {
            match poll_fn(|context| self.sink.poll_capacity(context)).await {
                Some(Ok(0)) => {}
                Some(Ok(capacity)) => return Ok(capacity),
                Some(Err(error)) => return Err(Broken::from(&error)),
                None => return Err(Broken::Ours("the stream takes no more".to_owned())),
            }
        }
    }

    /// Hands bytes of the body over, to be sent when the windows allow.
    pub fn send_later(&mut self, bytes: Vec<u8>) {
        self.push(bytes, false);
    }

    pub(super) fn push(&mut self, bytes: Vec<u8>, is_end: bool) {
        // That the stream is over already is seen when its answer is read.
        let _ = self.sink.send_data(bytes.into(), is_end);
    }

    /// Ends the request.
    pub fn end(&mut self) {
        self.push(Vec::new(), true);
    }

    /// Ends the request with trailers.
    pub fn send_trailers(&mut self, trailers: &[(&str, &str)]) {
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        let trailers = Headers(trailers.iter().map(owned).collect());
        let _ = self.sink.send_trailers(to_map(&trailers));
    }

    /// Resets the stream with CANCEL.
    pub fn cancel(&mut self) {
        self.sink.send_reset(Reason::CANCEL);
    }

    /// Waits for the status and the headers of the final answer.
    #[track_caller]
    pub fn head(&mut self) -> (u16, Headers) {
        self.try_head().unwrap_or_else(|broken| panic!("no answer: {broken:?}"))
    }

    /// Waits for the status and the headers of the final answer.
    ///
    /// # Errors
    /// Why there is none.
    #[track_caller]
    pub fn try_head(&mut self) -> Result<(u16, Headers), Broken> {
        while let Some(mut response) = self.response.take() {
            match wait("an answer", poll_fn(|context| poll_head(&mut response, context)))? {
                Came::Interim(interim) => {
                    self.interim.push(interim_head(&interim));
                    self.response = Some(response);
                }
                Came::Final(response) => {
                    let (parts, incoming) = response.into_parts();
                    self.incoming = Some(incoming);
                    self.head = Some((parts.status.as_u16(), from_map(&parts.headers)));
                }
            }
        }
        Ok(self.head.clone().expect("an answer that did not fail before"))
    }

    /// Waits for the next interim answer alone.
    #[track_caller]
    pub fn interim(&mut self) -> Head {
        let mut response = self.response.take().expect("the final answer was not read yet");
        let came = wait("an interim answer", poll_fn(|context| poll_head(&mut response, context)));
        match came.expect("an interim answer") {
            Came::Interim(interim) => {
                self.response = Some(response);
                interim_head(&interim)
            }
            Came::Final(response) => panic!("the final answer instead: {response:?}"),
        }
    }

    /// The next bytes of the body; `None` at its end.
    #[track_caller]
    pub fn data(&mut self) -> Option<Vec<u8>> {
        self.try_data().unwrap_or_else(|broken| panic!("the body is cut off: {broken:?}"))
    }

    /// The next bytes of the body; `None` at its end.
    ///
    /// # Errors
    /// Why it is cut off.
    #[track_caller]
    pub fn try_data(&mut self) -> Result<Option<Vec<u8>>, Broken> {
        self.try_head()?;
        let incoming = self.incoming.as_mut().expect("a head was read");
        match wait("more of the body", incoming.data()) {
            None => Ok(None),
            Some(Err(error)) => Err(Broken::from(&error)),
            Some(Ok(bytes)) => {
                // It fails where the stream is over; then nobody wants the window.
                let _ = incoming.flow_control().release_capacity(bytes.len());
                Ok(Some(bytes.to_vec()))
            }
        }
    }

    /// Reads so many bytes of the body, however they are cut.
    #[track_caller]
    pub fn read(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.len() < count {
            bytes.extend(self.data().expect("more of the body"));
        }
        assert_eq!(bytes.len(), count, "more came than was awaited: {bytes:?}");
        bytes
    }

    /// Reads the answer to its end.
    #[track_caller]
    pub fn finish(self) -> Answer {
        let answer = self.try_finish();
        answer.unwrap_or_else(|broken| panic!("no answer: {broken:?}"))
    }

    /// Reads the answer to its end; an incomplete one where it is cut off in its body.
    ///
    /// # Errors
    /// Why there is none.
    #[track_caller]
    pub fn try_finish(mut self) -> Result<Answer, Broken> {
        let (status, headers) = self.try_head()?;
        let mut body = Vec::new();
        let is_complete = loop {
            match self.try_data() {
                Ok(Some(bytes)) => body.extend(bytes),
                Ok(None) => break true,
                Err(_) => break false,
            }
        };
        let (trailers, is_complete) = match is_complete {
            true => self.trailers(),
            false => (Headers::default(), false),
        };
        let (version, phrase) = ("HTTP/2".to_owned(), String::new());
        let (framing, interim) = (Framing::Frames, std::mem::take(&mut self.interim));
        let answer = Answer {
            version,
            status,
            phrase,
            headers,
            body,
            trailers,
            framing,
            is_complete,
            interim,
        };
        Ok(answer)
    }

    /// The trailers, and whether the answer came to its end.
    #[track_caller]
    fn trailers(&mut self) -> (Headers, bool) {
        let incoming = self.incoming.as_mut().expect("a head was read");
        match wait("trailers or the end", incoming.trailers()) {
            Ok(trailers) => (trailers.map(|map| from_map(&map)).unwrap_or_default(), true),
            Err(_) => (Headers::default(), false),
        }
    }

    /// Waits until the program resets the stream or ends the connection, and gives how.
    #[track_caller]
    pub fn wait_for_reset(&mut self) -> Broken {
        let reset = wait("a reset", poll_fn(|context| self.sink.poll_reset(context)));
        match reset {
            Ok(reason) => Broken::Reset(format!("{reason:?}")),
            Err(error) => Broken::from(&error),
        }
    }
}

enum Came {
    Interim(Response<()>),
    Final(Response<RecvStream>),
}

fn poll_head(
    response: &mut ResponseFuture,
    context: &mut Context<'_>,
) -> Poll<Result<Came, Broken>> {
    if let Poll::Ready(Some(interim)) = response.poll_informational(context) {
        return Poll::Ready(interim.map(Came::Interim).map_err(|error| Broken::from(&error)));
    }
    let polled = Pin::new(response).poll(context);
    polled.map(|result| result.map(Came::Final).map_err(|error| Broken::from(&error)))
}

fn interim_head(response: &Response<()>) -> Head {
    let line = format!("HTTP/2 {}", response.status().as_u16());
    Head { line, headers: from_map(response.headers()) }
}
