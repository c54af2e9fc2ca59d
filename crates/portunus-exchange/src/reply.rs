//! An answer that we make ourselves.

use bytes::Bytes;

/// A stable reason code: `route.none`, `upstream.connect_refused`. The same in headers, body, log and metrics.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Reason(pub &'static str);

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// What the body of a [`Reply`] is.
#[derive(Clone, Debug, Default)]
pub enum ReplyBody {
    /// None.
    #[default]
    Empty,
    /// A page that tells the reason: `application/problem+json` (RFC 9457), or HTML for browsers.
    Problem,
    /// These bytes. The content type is among the reply's headers.
    Whole(Bytes),
}

/// An answer that we make ourselves: by a filter, or because something went wrong.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Why; None where the answer is what the configuration asked for (`respond`, `redirect`).
    pub reason: Option<Reason>,
    /// One sentence for the problem page. Never secret, never from the client unescaped.
    pub detail: Option<String>,
    /// Headers beside those that every answer gets.
    pub headers: Vec<(Bytes, Bytes)>,
    /// The body.
    pub body: ReplyBody,
}

impl Reply {
    /// An answer with a problem page.
    #[must_use]
    pub fn problem(status: u16, reason: &'static str) -> Self {
        let reason = Some(Reason(reason));
        Self { status, reason, detail: None, headers: Vec::new(), body: ReplyBody::Problem }
    }

    /// An answer that the configuration asked for.
    #[must_use]
    pub fn plain(status: u16, body: ReplyBody) -> Self {
        Self { status, reason: None, detail: None, headers: Vec::new(), body }
    }

    /// The reply with one sentence more on its problem page.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The reply with one header more.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<Bytes>) -> Self {
        self.headers.push((Bytes::from_static(name.as_bytes()), value.into()));
        self
    }
}
