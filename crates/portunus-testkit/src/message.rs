//! Heads of messages, read strictly: what is not exactly RFC 9112 fails the test.

/// A first line and headers.
#[derive(Clone, Debug)]
pub struct Head {
    /// The first line without its end.
    pub line: String,
    /// The headers.
    pub headers: Headers,
}

/// Headers in their order. Bytes that are not ASCII stand as the Latin-1 letters of the same value.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Headers(pub Vec<(String, String)>);

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Framing {
    /// There is no body.
    None,
    /// `Content-Length`.
    Length(usize),
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// The end of the connection.
    UntilClose,
    /// The flag `END_STREAM` of HTTP/2.
    Frames,
}

impl Head {
    /// Reads a head without the empty line that ends it.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let text: String = bytes.iter().map(|&byte| char::from(byte)).collect();
        let mut lines = text.split("\r\n");
        let line = lines.next().unwrap_or_default().to_owned();
        let headers = Headers(lines.map(|line| header(line, &text)).collect());
        assert!(
            !text.replace("\r\n", "").contains(['\r', '\n', '\0']),
            "bare CR, LF or NUL: {text:?}"
        );
        Self { line, headers }
    }

    /// The version, status and phrase of an answer.
    pub(crate) fn status_line(&self) -> (&str, u16, &str) {
        let parts = self.line.split_once(' ').and_then(|(version, rest)| {
            let (status, phrase) = rest.split_at_checked(3)?;
            Some((version, status.parse().ok()?, phrase.strip_prefix(' ')?))
        });
        parts.unwrap_or_else(|| panic!("no status line: {:?}", self.line))
    }

    /// How the body of a request ends.
    pub(crate) fn request_framing(&self) -> Framing {
        self.declared().unwrap_or(Framing::None)
    }

    /// How the body of an answer to `method` ends (RFC 9112 section 6.3).
    pub(crate) fn answer_framing(&self, method: &str) -> Framing {
        let (_, status, _) = self.status_line();
        let declared = self.declared();
        match status {
            100..=199 | 204 | 304 => Framing::None,
            _ if method == "HEAD" => Framing::None,
            _ => declared.unwrap_or(Framing::UntilClose),
        }
    }

    fn declared(&self) -> Option<Framing> {
        let lengths: Vec<_> = self.headers.all("content-length").collect();
        let codings: Vec<_> = self.headers.all("transfer-encoding").collect();
        match (lengths.as_slice(), codings.as_slice()) {
            ([], []) => None,
            ([length], []) => Some(Framing::Length(length.parse().expect("a length is a number"))),
            ([], [coding]) if coding.eq_ignore_ascii_case("chunked") => Some(Framing::Chunked),
            _ => panic!("contradicting framing: {self:?}"),
        }
    }
}

fn header(line: &str, head: &str) -> (String, String) {
    let (name, value) =
        line.split_once(':').unwrap_or_else(|| panic!("no colon in {line:?}: {head}"));
    let is_token = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
    assert!(is_token, "no header name {name:?}: {head}");
    (name.to_owned(), value.trim_matches([' ', '\t']).to_owned())
}

impl Headers {
    /// The value of a header that stands there at most once.
    #[must_use]
    #[track_caller]
    pub fn one(&self, name: &str) -> Option<&str> {
        let mut values = self.all(name);
        let first = values.next();
        assert!(values.next().is_none(), "more than one {name}: {self:?}");
        first
    }

    /// All values of a name, in order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Whether a comma-separated header has this member.
    #[must_use]
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.all(name)
            .flat_map(|value| value.split(','))
            .any(|member| member.trim().eq_ignore_ascii_case(token))
    }

    pub(crate) fn push(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn write_to(&self, out: &mut Vec<u8>) {
        for (name, value) in &self.0 {
            out.extend(name.bytes());
            out.extend(b": ");
            out.extend(value.chars().map(|letter| u8::try_from(letter).expect("Latin-1")));
            out.extend(b"\r\n");
        }
    }
}
