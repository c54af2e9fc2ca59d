//! Why a message was refused: one variant a fault, each with a stable code and a status.

portunus_http::faults! {
    /// A fault in a message (RFC 9113 section 8.1.1). The codes are stable: they stand in logs, metrics and answers.
    H2Fault, "h2.";
    /// A `:authority` that is not a host with perhaps a port.
    BadAuthority => "bad_authority", 400;
    /// A `%` in the path that no two hexadecimal digits follow.
    BadEscape => "bad_escape", 400;
    /// A field name that is not a token in lower case.
    BadFieldName => "bad_field_name", 400;
    /// A value with control characters, or with white space at its ends.
    BadFieldValue => "bad_field_value", 400;
    /// A method that is too long.
    BadMethod => "bad_method", 400;
    /// A `:path` that is not a path with perhaps a query.
    BadPath => "bad_path", 400;
    /// A `:scheme` other than `http` and `https`.
    BadScheme => "bad_scheme", 400;
    /// A status that no answer may have.
    BadStatus => "bad_status", 502;
    /// A `Content-Length` that is repeated, or no number.
    BadLength => "bad_length", 400;
    /// `Host` says something else than `:authority` (RFC 9113 section 8.3.1).
    ConflictingHost => "conflicting_host", 400;
    /// CONNECT without `:protocol`: this is no forward proxy.
    Connect => "connect", 501;
    /// More than one `Host`.
    DuplicateHost => "duplicate_host", 400;
    /// A trailer that must not be one (RFC 9110 section 6.5.1).
    ForbiddenTrailer => "forbidden_trailer", 400;
    /// A name such as `x_forwarded_for`, which some origins read as the header with dashes.
    LookalikeHeader => "lookalike_header", 400;
    /// Neither `:authority` nor `Host`.
    MissingHost => "missing_host", 400;
    /// More fields than the limit.
    TooManyHeaders => "too_many_headers", 431;
    /// User and password in the authority.
    UserinfoInTarget => "userinfo_in_target", 400;
}

impl std::fmt::Display for H2Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

impl std::error::Error for H2Fault {}
