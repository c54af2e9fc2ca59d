//! What goes wrong: in what a user wrote, and on the wire.

use std::fmt;
use std::io;

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};

/// What is wrong with certificates, keys or settings, and what to do about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TlsConfigError {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl TlsConfigError {
    pub(crate) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: Some(help.into()) }
    }

    pub(crate) fn plain(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }
}

impl fmt::Display for TlsConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TlsConfigError {}

/// Why a handshake failed.
#[derive(Debug)]
pub enum TlsError {
    /// TLS itself: ours or the peer's complaint.
    Tls(Error),
    /// The socket.
    Io(io::Error),
    /// The peer went away.
    Closed,
}

impl TlsError {
    /// A stable word for metrics, logs and reasons.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Io(_) => "io",
            Self::Closed => "closed",
            Self::Tls(error) => kind_of(error),
        }
    }

    /// All words that [`TlsError::kind`] can give.
    pub const KINDS: &'static [&'static str] = &[
        "bad_certificate",
        "certificate_expired",
        "certificate_revoked",
        "client_cert_missing",
        "closed",
        "io",
        "name_mismatch",
        "no_certificate",
        "no_shared_alpn",
        "no_shared_cipher",
        "no_shared_version",
        "not_tls",
        "other",
        "peer_alert",
        "peer_rejected_certificate",
        "protocol",
        "unknown_ca",
    ];
}

fn kind_of(error: &Error) -> &'static str {
    match error {
        Error::InvalidCertificate(error) => certificate_kind(error),
        Error::InvalidCertRevocationList(_) => "bad_certificate",
        Error::NoCertificatesPresented => "client_cert_missing",
        Error::NoApplicationProtocol => "no_shared_alpn",
        Error::AlertReceived(alert) => alert_kind(*alert),
        Error::PeerIncompatible(why) => incompatible_kind(why),
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => "not_tls",
        Error::InvalidMessage(_)
        | Error::InappropriateMessage { .. }
        | Error::InappropriateHandshakeMessage { .. }
        | Error::PeerMisbehaved(_)
        | Error::PeerSentOversizedRecord
        | Error::DecryptError => "protocol",
        // Our own resolver had nothing for the name.
        Error::General(text) if text.contains("certificate") => "no_certificate",
        _ => "other",
    }
}

fn certificate_kind(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "certificate_expired"
        }
        CertificateError::Revoked => "certificate_revoked",
        CertificateError::UnknownIssuer => "unknown_ca",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "name_mismatch"
        }
        _ => "bad_certificate",
    }
}

fn alert_kind(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate => "peer_rejected_certificate",
        AlertDescription::CertificateRequired => "client_cert_missing",
        AlertDescription::ProtocolVersion => "no_shared_version",
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            "no_shared_cipher"
        }
        AlertDescription::NoApplicationProtocol => "no_shared_alpn",
        AlertDescription::UnrecognisedName => "no_certificate",
        _ => "peer_alert",
    }
}

fn incompatible_kind(why: &PeerIncompatible) -> &'static str {
    match why {
        // Those who know no signature algorithms know no TLS 1.2 (RFC 5246 section 7.4.1.4.1).
        PeerIncompatible::SignatureAlgorithmsExtensionRequired
        | PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled
        | PeerIncompatible::Tls13RequiredForQuic
        | PeerIncompatible::SupportedVersionsExtensionRequired
        | PeerIncompatible::ServerDoesNotSupportTls12Or13
        | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig => "no_shared_version",
        _ => "no_shared_cipher",
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tls(error) => error.fmt(f),
            Self::Io(error) => error.fmt(f),
            Self::Closed => f.write_str("the peer closed the connection"),
        }
    }
}

impl std::error::Error for TlsError {}

impl From<io::Error> for TlsError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Error> for TlsError {
    fn from(error: Error) -> Self {
        Self::Tls(error)
    }
}
