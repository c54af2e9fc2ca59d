//! Why a message was refused: one variant a fault, each with a stable code and a status.

portunus_http::faults! {
    /// A fault in a message. The codes are stable: they stand in logs, metrics and answers.
    H1Error, "request.";
    /// A CR that no LF follows.
    BareCr => "bare_cr", 400;
    /// A LF that no CR precedes.
    BareLf => "bare_lf", 400;
    /// A chunk size that is not one to fifteen hexadecimal digits.
    BadChunkSize => "bad_chunk_size", 400;
    /// A chunk extension with control characters.
    BadChunkExtension => "bad_chunk_extension", 400;
    /// No CRLF where the bytes of a chunk end.
    BadChunkEnd => "bad_chunk_end", 400;
    /// More bytes of chunk extensions than the limit of a line.
    ChunkExtensionsTooLong => "chunk_extensions_too_long", 400;
    /// A `Content-Length` that is not a plain number.
    BadLength => "bad_length", 400;
    /// More than one `Content-Length`.
    ConflictingLength => "conflicting_length", 400;
    /// `Content-Length` beside `Transfer-Encoding`.
    LengthWithTransferEncoding => "length_with_transfer_encoding", 400;
    /// A `Transfer-Encoding` that does not end in one `chunked`.
    BadTransferEncoding => "bad_transfer_encoding", 400;
    /// A transfer coding before `chunked` that nobody here decodes (RFC 9112 section 6.1).
    UnknownTransferCoding => "unknown_transfer_coding", 501;
    /// `Transfer-Encoding` in HTTP/1.0, which does not have it.
    TransferEncodingInH10 => "transfer_encoding_in_1_0", 400;
    /// A first line that is not method, target and version.
    BadRequestLine => "bad_request_line", 400;
    /// A method that is not a token, or is too long.
    BadMethod => "bad_method", 400;
    /// Text that is no version of HTTP.
    BadVersion => "bad_version", 400;
    /// A version other than 1.0 and 1.1.
    UnsupportedVersion => "unsupported_version", 505;
    /// A target in none of the four forms, or in one that the method does not have.
    BadTarget => "bad_target", 400;
    /// A `%` in the path that no two hexadecimal digits follow: decoding `%%32e` twice gives a dot.
    BadEscape => "bad_escape", 400;
    /// User and password in the target.
    UserinfoInTarget => "userinfo_in_target", 400;
    /// A fragment in the target.
    FragmentInTarget => "fragment_in_target", 400;
    /// A request line over the limit.
    LineTooLong => "line_too_long", 414;
    /// A header line over the limit.
    HeaderTooLong => "header_too_long", 431;
    /// More headers than the limit.
    TooManyHeaders => "too_many_headers", 431;
    /// A head or trailers over the limit in bytes.
    HeadersTooLarge => "headers_too_large", 431;
    /// A header line without a colon.
    MissingColon => "missing_colon", 400;
    /// A header without a name.
    EmptyHeaderName => "empty_header_name", 400;
    /// A header name that is not a token.
    BadHeaderName => "bad_header_name", 400;
    /// A name such as `x_forwarded_for`, which some origins read as the header with dashes.
    LookalikeHeader => "lookalike_header", 400;
    /// White space between a header name and its colon.
    SpaceBeforeColon => "space_before_colon", 400;
    /// A header continued on the next line.
    FoldedHeader => "folded_header", 400;
    /// NUL or another control character in a header.
    BadHeaderValue => "bad_header_value", 400;
    /// HTTP/1.1 without `Host`.
    MissingHost => "missing_host", 400;
    /// More than one `Host`.
    DuplicateHost => "duplicate_host", 400;
    /// A `Host` that is not a host with perhaps a port.
    BadHost => "bad_host", 400;
    /// A trailer that must not be one (RFC 9110 section 6.5.1).
    ForbiddenTrailer => "forbidden_trailer", 400;
    /// A first line of an answer that is not version, status and phrase.
    BadStatusLine => "bad_status_line", 400;
    /// A status that is not three digits from 100 to 599.
    BadStatus => "bad_status", 400;
    /// Control characters in the reason phrase.
    BadReasonPhrase => "bad_reason_phrase", 400;
}

impl std::fmt::Display for H1Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

impl std::error::Error for H1Error {}

#[cfg(test)]
mod tests;
