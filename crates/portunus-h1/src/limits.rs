//! How much of a head is read before it is refused.

/// Limits on a head, and on the trailers of a chunked body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// The longest line in bytes, without its line end: request line, status line, header.
    pub line_bytes_max: usize,
    /// The most headers.
    pub headers_max: usize,
    /// The longest head in bytes, with all line ends.
    pub header_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { line_bytes_max: 8 * 1024, headers_max: 100, header_bytes_max: 64 * 1024 }
    }
}
