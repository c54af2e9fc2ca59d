//! How a stream or a connection of HTTP/2 ends early.

/// Why there is no whole answer. Codes stand by their names in RFC 9113 section 7.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Broken {
    /// The program reset the stream.
    Reset(String),
    /// The program ended the connection with GOAWAY.
    GoAway(String),
    /// The connection broke without a word.
    Cut(String),
    /// Our own side found fault with what came.
    Ours(String),
}

impl From<&h2::Error> for Broken {
    fn from(error: &h2::Error) -> Self {
        let code = error.reason().map(|reason| format!("{reason:?}")).unwrap_or_default();
        match (error.is_remote(), error.is_go_away(), error.is_reset()) {
            (true, true, _) => Self::GoAway(code),
            (true, _, true) => Self::Reset(code),
            _ if error.is_io() => Self::Cut(error.to_string()),
            _ => Self::Ours(format!("{error} {code}")),
        }
    }
}
