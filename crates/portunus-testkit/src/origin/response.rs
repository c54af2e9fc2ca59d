//! Answers of an origin, for HTTP/1 and HTTP/2.

use crate::client::chunked;
use crate::message::{Head, Headers};

/// An answer to be sent.
#[derive(Clone, Debug)]
pub struct Response {
    status: u16,
    headers: Headers,
    content: Content,
    /// Interim answers, as HTTP/1 sends them before.
    before: String,
    closes: bool,
}

#[derive(Clone, Debug)]
enum Content {
    None,
    Length(Vec<u8>),
    Chunked(Vec<String>, Vec<(String, String)>),
    UntilClose(Vec<u8>),
}

impl Response {
    /// 200 with a text and its length.
    #[must_use]
    pub fn text(text: impl AsRef<[u8]>) -> Self {
        Self::new(200, Content::Length(text.as_ref().to_vec()))
    }

    /// A status and no body, with a length of 0 where there could be a body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        match status {
            204 | 304 => Self::new(status, Content::None),
            _ => Self::new(status, Content::Length(Vec::new())),
        }
    }

    /// 200 with a body in chunks.
    #[must_use]
    pub fn chunks(chunks: &[&str], trailers: &[(&str, &str)]) -> Self {
        let chunks = chunks.iter().map(|&chunk| chunk.to_owned()).collect();
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        Self::new(200, Content::Chunked(chunks, trailers.iter().map(owned).collect()))
    }

    /// 200 with a body that the end of the connection ends.
    #[must_use]
    pub fn until_close(text: &str) -> Self {
        Self::new(200, Content::UntilClose(text.as_bytes().to_vec()))
    }

    fn new(status: u16, content: Content) -> Self {
        let closes = matches!(content, Content::UntilClose(_));
        Self { status, headers: Headers::default(), content, before: String::new(), closes }
    }

    /// Another status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// One header more.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push(name, value);
        self
    }

    /// An interim answer before this one: `after("103 Early Hints", "Link: </a>\r\n")`.
    #[must_use]
    pub fn after(mut self, status: &str, headers: &str) -> Self {
        self.before.push_str(&format!("HTTP/1.1 {status}\r\n{headers}\r\n"));
        self
    }

    /// Closes the connection after the answer, without a word about it.
    #[must_use]
    pub fn then_close(mut self) -> Self {
        self.closes = true;
        self
    }

    pub(super) fn closes(&self) -> bool {
        self.closes
    }

    pub(super) fn bytes(&self, method: &str) -> Vec<u8> {
        let mut bytes = self.before.clone().into_bytes();
        bytes.extend(format!("HTTP/1.1 {} Told\r\n", self.status).bytes());
        self.headers.write_to(&mut bytes);
        let body = match &self.content {
            Content::None => Vec::new(),
            Content::Length(body) => {
                bytes.extend(format!("Content-Length: {}\r\n", body.len()).bytes());
                body.clone()
            }
            Content::Chunked(chunks, trailers) => {
                bytes.extend(b"Transfer-Encoding: chunked\r\n");
                chunked(chunks, trailers)
            }
            Content::UntilClose(body) => body.clone(),
        };
        bytes.extend(b"\r\n");
        if method != "HEAD" {
            bytes.extend(body);
        }
        bytes
    }

    /// The parts for HTTP/2: interim heads, the status, headers, pieces of the body, trailers.
    pub(super) fn parts(&self) -> Parts {
        let mut headers = self.headers.clone();
        let (pieces, trailers) = match &self.content {
            Content::None => (Vec::new(), Headers::default()),
            Content::Length(body) => {
                headers.push("content-length", &body.len().to_string());
                (vec![body.clone()], Headers::default())
            }
            Content::UntilClose(body) => (vec![body.clone()], Headers::default()),
            Content::Chunked(chunks, trailers) => {
                let pieces = chunks.iter().map(|chunk| chunk.clone().into_bytes());
                (pieces.collect(), Headers(trailers.clone()))
            }
        };
        let interim = self.before.split_terminator("\r\n\r\n").map(interim).collect();
        Parts { interim, status: self.status, headers, pieces, trailers }
    }
}

/// An answer as HTTP/2 sends it.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) interim: Vec<(u16, Headers)>,
    pub(super) status: u16,
    pub(super) headers: Headers,
    pub(super) pieces: Vec<Vec<u8>>,
    pub(super) trailers: Headers,
}

fn interim(text: &str) -> (u16, Headers) {
    let head = Head::parse(text.trim_end().as_bytes());
    let (_, status, _) = head.status_line();
    (status, head.headers.clone())
}
