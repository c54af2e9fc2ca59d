//! Well-known header names as small numbers: the data path compares ids, not text.

macro_rules! header_ids {
    ($($id:ident => $text:literal,)*) => {
        /// A well-known header name, or [`HeaderId::Other`].
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[repr(u8)]
        pub enum HeaderId {
            /// A name that is not in the table.
            Other,
            $(#[doc = $text] $id,)*
        }

        const IDS: &[HeaderId] = &[HeaderId::Other, $(HeaderId::$id,)*];
        const NAMES: &[&str] = &["", $($text,)*];
    };
}

header_ids! {
    Accept => "Accept",
    AcceptCharset => "Accept-Charset",
    AcceptEncoding => "Accept-Encoding",
    AcceptLanguage => "Accept-Language",
    AcceptRanges => "Accept-Ranges",
    AccessControlAllowOrigin => "Access-Control-Allow-Origin",
    AccessControlRequestHeaders => "Access-Control-Request-Headers",
    AccessControlRequestMethod => "Access-Control-Request-Method",
    Age => "Age",
    Allow => "Allow",
    AltSvc => "Alt-Svc",
    Authorization => "Authorization",
    CacheControl => "Cache-Control",
    CacheStatus => "Cache-Status",
    ClientCert => "Client-Cert",
    ClientCertChain => "Client-Cert-Chain",
    Connection => "Connection",
    ContentDisposition => "Content-Disposition",
    ContentEncoding => "Content-Encoding",
    ContentLanguage => "Content-Language",
    ContentLength => "Content-Length",
    ContentLocation => "Content-Location",
    ContentRange => "Content-Range",
    ContentType => "Content-Type",
    Cookie => "Cookie",
    Date => "Date",
    Etag => "ETag",
    Expect => "Expect",
    Expires => "Expires",
    Forwarded => "Forwarded",
    From => "From",
    GrpcStatus => "Grpc-Status",
    GrpcTimeout => "Grpc-Timeout",
    Host => "Host",
    Http2Settings => "HTTP2-Settings",
    IfMatch => "If-Match",
    IfModifiedSince => "If-Modified-Since",
    IfNoneMatch => "If-None-Match",
    IfRange => "If-Range",
    IfUnmodifiedSince => "If-Unmodified-Since",
    KeepAlive => "Keep-Alive",
    LastModified => "Last-Modified",
    Link => "Link",
    Location => "Location",
    MaxForwards => "Max-Forwards",
    Origin => "Origin",
    Pragma => "Pragma",
    ProxyAuthenticate => "Proxy-Authenticate",
    ProxyAuthorization => "Proxy-Authorization",
    ProxyConnection => "Proxy-Connection",
    ProxyStatus => "Proxy-Status",
    Range => "Range",
    Ratelimit => "RateLimit",
    RatelimitPolicy => "RateLimit-Policy",
    Referer => "Referer",
    RetryAfter => "Retry-After",
    SecWebsocketAccept => "Sec-WebSocket-Accept",
    SecWebsocketExtensions => "Sec-WebSocket-Extensions",
    SecWebsocketKey => "Sec-WebSocket-Key",
    SecWebsocketProtocol => "Sec-WebSocket-Protocol",
    SecWebsocketVersion => "Sec-WebSocket-Version",
    Server => "Server",
    ServerTiming => "Server-Timing",
    SetCookie => "Set-Cookie",
    StrictTransportSecurity => "Strict-Transport-Security",
    Te => "TE",
    Traceparent => "Traceparent",
    Tracestate => "Tracestate",
    Trailer => "Trailer",
    TransferEncoding => "Transfer-Encoding",
    Upgrade => "Upgrade",
    UserAgent => "User-Agent",
    Vary => "Vary",
    Via => "Via",
    WwwAuthenticate => "WWW-Authenticate",
    XConsumerGroups => "X-Consumer-Groups",
    XConsumerId => "X-Consumer-Id",
    XConsumerUsername => "X-Consumer-Username",
    XCredentialIdentifier => "X-Credential-Identifier",
    XForwardedClientCert => "X-Forwarded-Client-Cert",
    XForwardedFor => "X-Forwarded-For",
    XForwardedHost => "X-Forwarded-Host",
    XForwardedMethod => "X-Forwarded-Method",
    XForwardedPort => "X-Forwarded-Port",
    XForwardedPrefix => "X-Forwarded-Prefix",
    XForwardedProto => "X-Forwarded-Proto",
    XForwardedUri => "X-Forwarded-Uri",
    XRealIp => "X-Real-Ip",
    XRequestId => "X-Request-Id",
}

impl HeaderId {
    /// The id of `name`, compared without regard to case.
    #[must_use]
    pub fn of(name: &[u8]) -> Self {
        let id = slot(name).and_then(|slot| SLOTS.get(slot)).map_or(0, |id| usize::from(*id));
        match (NAMES.get(id), IDS.get(id)) {
            (Some(usual), Some(found)) if is_name(usual.as_bytes(), lower_of(id), name) => *found,
            _ => Self::Other,
        }
    }

    /// The name in its usual case; empty for [`HeaderId::Other`].
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.get(self as usize).copied().unwrap_or("")
    }

    /// The name in lower case, as HTTP/2 has it; empty for [`HeaderId::Other`].
    #[must_use]
    pub fn lower_name(self) -> &'static str {
        let text = lower_of(self as usize).get(..self.name().len()).unwrap_or(&[]);
        std::str::from_utf8(text).unwrap_or("")
    }

    /// Every well-known name.
    pub fn all() -> impl Iterator<Item = Self> {
        IDS.iter().copied().filter(|id| *id != Self::Other)
    }
}

/// Nearly all senders use the usual case or lower case: comparing whole words first is much faster.
fn is_name(usual: &[u8], lower: &[u8], name: &[u8]) -> bool {
    let same = || usual == name || lower.get(..name.len()) == Some(name);
    usual.len() == name.len() && (same() || usual.eq_ignore_ascii_case(name))
}

fn lower_of(id: usize) -> &'static [u8] {
    LOWER.get(id).map_or(&[], |lower| lower)
}

/// The names in lower case, with zeros behind them.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which refuses what is out of bounds"
)]
static LOWER: [[u8; NAME_BYTES_MAX]; NAMES.len()] = {
    let mut lower = [[0u8; NAME_BYTES_MAX]; NAMES.len()];
    let mut id = 0;
    while id < NAMES.len() {
        let name = NAMES[id].as_bytes();
        let mut at = 0;
        while at < name.len() {
            lower[id][at] = name[at].to_ascii_lowercase();
            at += 1;
        }
        id += 1;
    }
    lower
};

const NAME_BYTES_MAX: usize = 32;

const SLOT_COUNT: usize = 1024;

/// A perfect hash over the table: length and four letters, mixed by a factor found by search.
/// [`SLOTS`] fails to compile when two names collide: search again then.
const fn slot_of(len: usize, first: u8, last: u8, middle: u8, late: u8) -> usize {
    const fn lower(byte: u8, shift: u32) -> u64 {
        ((byte | 0x20) as u64) << shift
    }
    let letters = lower(first, 8) | lower(last, 16) | lower(middle, 24) | lower(late, 32);
    ((letters | len as u64).wrapping_mul(0xfc891b4a6a50df4d) >> 54) as usize
}

fn slot(name: &[u8]) -> Option<usize> {
    let len = name.len();
    let (first, last) = (name.first()?, name.last()?);
    Some(slot_of(len, *first, *last, *name.get(len / 2)?, *name.get(len * 3 / 4)?))
}

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which refuses what is out of bounds"
)]
const SLOTS: [u8; SLOT_COUNT] = {
    let mut slots = [0u8; SLOT_COUNT];
    let mut id = 1;
    while id < NAMES.len() {
        let name = NAMES[id].as_bytes();
        let len = name.len();
        let slot = slot_of(len, name[0], name[len - 1], name[len / 2], name[len * 3 / 4]);
        assert!(slots[slot] == 0, "two header names share a slot");
        slots[slot] = id as u8;
        id += 1;
    }
    slots
};

#[cfg(test)]
mod tests;
