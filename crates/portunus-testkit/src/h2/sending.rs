//! A request of HTTP/2 that is being put together.

use bytes::Bytes;
use h2::ext::Protocol;
use http::{HeaderName, HeaderValue, Method, Request, Uri, Version};

use super::{Broken, H2Client, H2Stream};
use crate::Answer;
use crate::message::Headers;
use crate::runtime::wait;

/// A request that is being put together.
#[derive(Debug)]
pub struct H2Sending<'c> {
    client: &'c H2Client,
    method: String,
    target: String,
    host: String,
    protocol: Option<String>,
    headers: Headers,
    pieces: Vec<Vec<u8>>,
    trailers: Headers,
}

impl<'c> H2Sending<'c> {
    pub(super) fn new(client: &'c H2Client, method: &str, target: &str) -> Self {
        Self {
            client,
            method: method.to_owned(),
            target: target.to_owned(),
            host: client.host.clone(),
            protocol: None,
            headers: Headers::default(),
            pieces: Vec::new(),
            trailers: Headers::default(),
        }
    }

    /// Asks another authority.
    #[must_use]
    pub fn host(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    /// Asks for another protocol by extended CONNECT (RFC 8441).
    #[must_use]
    pub fn protocol(mut self, protocol: &str) -> Self {
        self.protocol = Some(protocol.to_owned());
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push(name, value);
        self
    }

    /// Adds a body with its length.
    #[must_use]
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.headers.push("content-length", &body.as_ref().len().to_string());
        self.pieces.push(body.as_ref().to_vec());
        self
    }

    /// Adds a body without a length, with trailers.
    #[must_use]
    pub fn chunks(mut self, chunks: &[&str], trailers: &[(&str, &str)]) -> Self {
        self.pieces.extend(chunks.iter().map(|chunk| chunk.as_bytes().to_vec()));
        for (name, value) in trailers {
            self.trailers.push(name, value);
        }
        self
    }

    /// Sends the request whole and reads the answer, which must come to its end.
    #[track_caller]
    pub fn send(self) -> Answer {
        let answer = self.try_send().unwrap_or_else(|broken| panic!("no answer: {broken:?}"));
        assert!(answer.is_complete, "cut off: {answer:?}");
        answer
    }

    /// Sends the request whole and reads the answer, which may be cut off in its body.
    ///
    /// # Errors
    /// Why there is no answer.
    #[track_caller]
    pub fn try_send(self) -> Result<Answer, Broken> {
        self.start()?.try_finish()
    }

    /// Sends the request whole without waiting for the answer.
    ///
    /// # Errors
    /// Why it cannot be sent.
    #[track_caller]
    pub fn start(mut self) -> Result<H2Stream, Broken> {
        let (pieces, trailers) =
            (std::mem::take(&mut self.pieces), std::mem::take(&mut self.trailers));
        let has_body = !pieces.is_empty() || !trailers.0.is_empty();
        let mut stream = self.begin(!has_body)?;
        let last = pieces.len().saturating_sub(1);
        for (at, piece) in pieces.into_iter().enumerate() {
            stream.push(piece, at == last && trailers.0.is_empty());
        }
        if !trailers.0.is_empty() {
            let trailers: Vec<_> =
                trailers.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            stream.send_trailers(&trailers);
        }
        Ok(stream)
    }

    /// Sends the head alone: the body is still to come.
    #[must_use]
    #[track_caller]
    pub fn open(self) -> H2Stream {
        self.begin(false).unwrap_or_else(|broken| panic!("no stream: {broken:?}"))
    }

    fn begin(&self, is_end: bool) -> Result<H2Stream, Broken> {
        let request = self.head();
        let requests = self.client.requests.clone();
        let ready = wait("room for a stream", requests.ready());
        let mut ready = ready.map_err(|error| Broken::from(&error))?;
        let sent = ready.send_request(request, is_end);
        let (response, body) = sent.map_err(|error| Broken::from(&error))?;
        Ok(H2Stream::new(response, body))
    }

    fn head(&self) -> Request<()> {
        let method = Method::from_bytes(self.method.as_bytes()).expect("a method");
        let uri = match (self.method.as_str(), &self.protocol) {
            ("CONNECT", None) => Uri::builder().authority(self.host.as_str()).build(),
            _ => Uri::builder()
                .scheme(self.client.scheme)
                .authority(self.host.as_str())
                .path_and_query(self.target.as_str())
                .build(),
        };
        let mut request = Request::new(());
        *request.method_mut() = method;
        *request.uri_mut() = uri.expect("a target");
        *request.version_mut() = Version::HTTP_2;
        if let Some(protocol) = &self.protocol {
            request.extensions_mut().insert(Protocol::from(protocol.as_str()));
        }
        *request.headers_mut() = to_map(&self.headers);
        request
    }
}

pub(crate) fn to_map(headers: &Headers) -> http::HeaderMap {
    let field = |(name, value): &(String, String)| {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
        let bytes: Vec<_> =
            value.chars().map(|letter| u8::try_from(letter).expect("Latin-1")).collect();
        (name, HeaderValue::from_maybe_shared(Bytes::from(bytes)).expect("a header's value"))
    };
    let mut map = http::HeaderMap::new();
    for (name, value) in headers.0.iter().map(field) {
        map.append(name, value);
    }
    map
}

pub(crate) fn from_map(map: &http::HeaderMap) -> Headers {
    let text =
        |value: &HeaderValue| value.as_bytes().iter().map(|&byte| char::from(byte)).collect();
    Headers(map.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect())
}
