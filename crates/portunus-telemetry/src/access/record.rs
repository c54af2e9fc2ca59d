//! What the log says of one exchange.

use std::net::IpAddr;

use portunus_base::Wall;

use crate::names::Field;

/// One finished exchange, in plain borrowed fields. An empty text and a `None` mean "absent"; so does 0
/// in `status`, `client_port` and `attempts`. [`LOG_FIELDS`](crate::names::LOG_FIELDS) explains each field.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "each field is documented by its row in LOG_FIELDS")]
pub struct AccessRecord<'a> {
    pub time: Wall,
    pub request_id: &'a [u8],
    pub client_ip: Option<IpAddr>,
    pub client_port: u16,
    pub peer_ip: Option<IpAddr>,
    pub listener: &'a str,
    pub protocol: &'a str,
    pub scheme: &'a str,
    pub method: &'a [u8],
    pub host: &'a [u8],
    pub path: &'a [u8],
    pub query: &'a [u8],
    pub version: &'a str,
    pub status: u16,
    pub reason: &'a str,
    pub phase: &'a str,
    pub route: &'a str,
    pub upstream: &'a str,
    pub endpoint: &'a str,
    pub attempts: u32,
    pub duration_us: u64,
    pub queue_us: Option<u64>,
    pub connect_us: Option<u64>,
    pub first_byte_us: Option<u64>,
    pub upstream_us: Option<u64>,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub user: &'a [u8],
    pub user_agent: &'a [u8],
    pub referer: &'a [u8],
    pub tls_version: &'a str,
    pub tls_cipher: &'a str,
    pub tls_server_name: &'a str,
    pub tls_resumed: Option<bool>,
    pub tls_client_subject: &'a str,
}

impl<'a> AccessRecord<'a> {
    /// The value of a field; `None` when it is absent.
    pub(super) fn value(&self, field: Field) -> Option<Value<'a>> {
        match field {
            Field::Time => Some(Value::Time(self.time)),
            Field::RequestId => text(self.request_id),
            Field::ClientIp => self.client_ip.map(Value::Ip),
            Field::ClientPort => number(u64::from(self.client_port)),
            Field::PeerIp => self.peer_ip.map(Value::Ip),
            Field::Listener => text(self.listener.as_bytes()),
            Field::Protocol => text(self.protocol.as_bytes()),
            Field::Scheme => text(self.scheme.as_bytes()),
            Field::Method => text(self.method),
            Field::Host => text(self.host),
            Field::Path => text(self.path),
            Field::Query => text(self.query),
            Field::Version => text(self.version.as_bytes()),
            Field::Status => number(u64::from(self.status)),
            Field::Reason => text(self.reason.as_bytes()),
            Field::Phase => text(self.phase.as_bytes()),
            Field::Route => text(self.route.as_bytes()),
            Field::Upstream => text(self.upstream.as_bytes()),
            Field::Endpoint => text(self.endpoint.as_bytes()),
            Field::Attempts => number(u64::from(self.attempts)),
            Field::Retried => Some(Value::Flag(self.attempts > 1)),
            Field::Duration => Some(Value::Millis(self.duration_us)),
            Field::QueueTime => self.queue_us.map(Value::Millis),
            Field::ConnectTime => self.connect_us.map(Value::Millis),
            Field::FirstByteTime => self.first_byte_us.map(Value::Millis),
            Field::UpstreamTime => self.upstream_us.map(Value::Millis),
            Field::BytesIn => Some(Value::Number(self.bytes_in)),
            Field::BytesOut => Some(Value::Number(self.bytes_out)),
            Field::User => text(self.user),
            Field::UserAgent => text(self.user_agent),
            Field::Referer => text(self.referer),
            Field::TlsVersion => text(self.tls_version.as_bytes()),
            Field::TlsCipher => text(self.tls_cipher.as_bytes()),
            Field::TlsServerName => text(self.tls_server_name.as_bytes()),
            Field::TlsResumed => self.tls_resumed.map(Value::Flag),
            Field::TlsClientSubject => text(self.tls_client_subject.as_bytes()),
        }
    }
}

/// A present value, by how it is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Text(&'a [u8]),
    Number(u64),
    /// Microseconds, written as milliseconds with three decimals.
    Millis(u64),
    Ip(IpAddr),
    Time(Wall),
    Flag(bool),
}

fn text(bytes: &[u8]) -> Option<Value<'_>> {
    (!bytes.is_empty()).then_some(Value::Text(bytes))
}

fn number(value: u64) -> Option<Value<'static>> {
    (value != 0).then_some(Value::Number(value))
}
