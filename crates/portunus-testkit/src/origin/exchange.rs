//! One request of HTTP/2 to an origin, for tests that say step by step what happens to it.

use std::future::poll_fn;
use std::sync::Arc;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Response as HttpResponse, StatusCode};
use tokio::sync::mpsc::UnboundedSender;

use super::{Request, Response, Seen};
use crate::h2::sending::{from_map, to_map};
use crate::message::Headers;
use crate::runtime::wait;
use crate::wait::Watched;
use crate::wire::Body;

/// One request of HTTP/2 to an origin. What fails because the program has gone away is no fault:
/// it is seen on the program's other side.
#[derive(Debug)]
pub struct H2Exchange {
    pub(super) request: Request,
    pub(super) incoming: RecvStream,
    pub(super) response: SendResponse<Bytes>,
    pub(super) sink: Option<SendStream<Bytes>>,
    pub(super) connection: UnboundedSender<Order>,
    pub(super) seen: Arc<Watched<Seen>>,
}

/// What an exchange wants of its connection.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    /// GOAWAY, and the streams under way go on.
    Graceful,
    /// GOAWAY with this code, and the end.
    Abrupt(Reason),
}

impl H2Exchange {
    /// The request's head.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Notes the request as one that came, without its body.
    pub fn record(&self) {
        self.seen.change(|seen| seen.requests.push(self.request.clone()));
    }

    /// Reads the body to its end and notes the request as one that came.
    pub fn read_request(&mut self) -> Request {
        let body = self.read_body();
        self.request.body = body.bytes;
        self.request.trailers = body.trailers;
        self.request.is_complete = body.is_complete;
        self.record();
        self.request.clone()
    }

    /// Reads the rest of the body.
    pub fn read_body(&mut self) -> Body {
        let mut body = Body::default();
        while let Some(bytes) = self.read_piece() {
            match bytes {
                Ok(bytes) => body.bytes.extend(bytes),
                Err(()) => return body,
            }
        }
        if let Ok(trailers) = wait("trailers or the end", self.incoming.trailers()) {
            body.trailers = trailers.map(|map| from_map(&map)).unwrap_or_default();
            body.is_complete = true;
        }
        body
    }

    /// The next bytes of the body, and the window given back; an empty piece at the end or where
    /// the body is cut off.
    pub fn read_some(&mut self) -> Vec<u8> {
        self.read_piece().and_then(Result::ok).unwrap_or_default()
    }

    fn read_piece(&mut self) -> Option<Result<Vec<u8>, ()>> {
        let piece = wait("more of the body", self.incoming.data())?;
        Some(piece.map_err(|_| ()).map(|bytes| {
            let _ = self.incoming.flow_control().release_capacity(bytes.len());
            bytes.to_vec()
        }))
    }

    /// Sends an interim answer.
    pub fn interim(&mut self, status: u16, headers: &[(&str, &str)]) {
        let head = head(status, &owned(headers));
        self.response.send_informational(head).expect("an interim answer");
    }

    /// Sends the head of the final answer; the body is still to come.
    pub fn begin(&mut self, status: u16, headers: &[(&str, &str)]) {
        self.begin_with(head(status, &owned(headers)), false);
    }

    fn begin_with(&mut self, head: HttpResponse<()>, is_end: bool) {
        self.sink = self.response.send_response(head, is_end).ok();
    }

    /// Sends bytes of the body when the windows allow; does not wait for that.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.push(Bytes::copy_from_slice(bytes.as_ref()), false);
    }

    /// Sends bytes of the body, and waits until the windows took them all; gives how many they
    /// took before the stream was over.
    pub fn send_as_taken(&mut self, bytes: impl AsRef<[u8]>) -> usize {
        let Some(sink) = &mut self.sink else { return 0 };
        let (mut rest, mut taken) = (Bytes::copy_from_slice(bytes.as_ref()), 0);
        while !rest.is_empty() {
            sink.reserve_capacity(rest.len());
            let room = wait("room in the window", poll_fn(|context| sink.poll_capacity(context)));
            let Some(Ok(room)) = room else { break };
            let piece = rest.split_to(room.min(rest.len()));
            taken += piece.len();
            if sink.send_data(piece, false).is_err() {
                break;
            }
        }
        taken
    }

    fn push(&mut self, bytes: Bytes, is_end: bool) {
        if let Some(sink) = &mut self.sink {
            let _ = sink.send_data(bytes, is_end);
        }
    }

    /// Ends the answer.
    pub fn end(&mut self) {
        self.push(Bytes::new(), true);
    }

    /// Ends the answer with trailers.
    pub fn trailers(&mut self, trailers: &[(&str, &str)]) {
        self.send_trailers(to_map(&owned(trailers)));
    }

    fn send_trailers(&mut self, trailers: HeaderMap) {
        if let Some(sink) = &mut self.sink {
            let _ = sink.send_trailers(trailers);
        }
    }

    /// Sends a whole answer to the request.
    pub fn answer(&mut self, response: &Response) {
        let parts = response.parts();
        for (status, headers) in &parts.interim {
            let _ = self.response.send_informational(head(*status, headers));
        }
        let is_head = self.request.method == "HEAD";
        let is_empty = is_head || (parts.pieces.is_empty() && parts.trailers.0.is_empty());
        self.begin_with(head(parts.status, &parts.headers), is_empty);
        if is_empty {
            return;
        }
        for piece in parts.pieces {
            self.push(piece.into(), false);
        }
        match parts.trailers.0.is_empty() {
            true => self.end(),
            false => self.send_trailers(to_map(&parts.trailers)),
        }
    }

    /// Resets the stream with this code of RFC 9113 section 7.
    pub fn reset(mut self, code: u32) {
        self.response.send_reset(Reason::from(code));
    }

    /// Ends the connection in good order: GOAWAY, and what is under way goes on.
    pub fn goaway(&self) {
        let _ = self.connection.send(Order::Graceful);
    }

    /// Ends the connection with GOAWAY of this code, at once.
    pub fn abort(&self, code: u32) {
        let _ = self.connection.send(Order::Abrupt(Reason::from(code)));
    }

    /// Waits until the program resets the stream, and gives the code; `None` when the connection
    /// ends instead.
    pub fn wait_for_reset(&mut self) -> Option<u32> {
        let (sink, response) = (&mut self.sink, &mut self.response);
        let reset = poll_fn(|context| match sink {
            Some(sink) => sink.poll_reset(context),
            None => response.poll_reset(context),
        });
        wait("a reset", reset).ok().map(u32::from)
    }
}

fn owned(headers: &[(&str, &str)]) -> Headers {
    Headers(headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect())
}

fn head(status: u16, headers: &Headers) -> HttpResponse<()> {
    let mut head = HttpResponse::new(());
    *head.status_mut() = StatusCode::from_u16(status).expect("a status");
    *head.headers_mut() = to_map(headers);
    head
}
