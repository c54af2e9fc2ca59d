//! What is wanted: plain typed settings, as the configuration gives them. Does nothing by itself.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use portunus_base::{Rate, hash_bytes};

/// All that an [`Issuer`](crate::Issuer) must know. A reload sends it a new one.
#[derive(Clone, Debug, PartialEq)]
pub struct AcmePlan {
    /// Where the authority may write to about certificates.
    pub email: Option<String>,
    /// The directories in the order in which they are asked; the next one when one fails.
    pub directories: Vec<Directory>,
    /// How control over a name is shown.
    pub challenge: ChallengeKind,
    /// The certificates that are wanted, each as the names in it.
    pub certificates: Vec<Names>,
    /// Certificates for names that are not known beforehand.
    pub on_demand: Option<OnDemandPlan>,
    /// How records are written for [`ChallengeKind::Dns01`].
    pub dns: Option<Rfc2136>,
    /// How long before its end a certificate is renewed, where the authority does not say when;
    /// a third of its life unless set.
    pub renew_before: Option<Duration>,
}

impl AcmePlan {
    /// Whether all of it can be done.
    ///
    /// # Errors
    /// What cannot, and what to write instead.
    pub fn check(&self) -> Result<(), PlanError> {
        if self.directories.is_empty() {
            return Err(PlanError::new("no directory of an ACME authority", "name one"));
        }
        if self.challenge == ChallengeKind::Dns01 && self.dns.is_none() {
            return Err(PlanError::new(
                "nothing says how records in DNS are written",
                "add `dns: {rfc2136: {server: 192.0.2.53, key_name: acme, key: {file: key}}}`",
            ));
        }
        let wildcard =
            self.certificates.iter().flat_map(Names::iter).find(|name| is_wildcard(name));
        match wildcard {
            Some(name) if self.challenge != ChallengeKind::Dns01 => Err(PlanError::new(
                format!("a certificate for {name} is only given for a record in DNS"),
                "write `challenge: dns-01`, and `dns`",
            )),
            _ => Ok(()),
        }
    }
}

/// One authority.
#[derive(Clone, Debug, PartialEq)]
pub struct Directory {
    /// The URL of its directory; https.
    pub url: String,
    /// PEM of the authorities that the directory's own certificate must come from; the system's
    /// unless set.
    pub roots: Option<Vec<u8>>,
    /// The account that it has given beforehand.
    pub eab: Option<Eab>,
}

/// An account given beforehand: External Account Binding, RFC 8555, section 7.3.4.
#[derive(Clone, Debug, PartialEq)]
pub struct Eab {
    /// Its name.
    pub key_id: String,
    /// Its key.
    pub key: Key,
}

impl Eab {
    /// From the texts that authorities show: the key is base64url.
    ///
    /// # Errors
    /// The key is not base64.
    pub fn new(key_id: impl Into<String>, hmac_key: &str) -> Result<Self, PlanError> {
        Ok(Self { key_id: key_id.into(), key: Key::from_base64(hmac_key)? })
    }
}

/// How control over a name is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ChallengeKind {
    /// An answer on port 80: RFC 8555, section 8.3.
    Http01,
    /// A certificate of its own on port 443: RFC 8737.
    TlsAlpn01,
    /// A record in DNS: RFC 8555, section 8.4.
    Dns01,
}

impl ChallengeKind {
    /// The word of the RFCs, and of the configuration.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Http01 => "http-01",
            Self::TlsAlpn01 => "tls-alpn-01",
            Self::Dns01 => "dns-01",
        }
    }
}

/// Certificates at the first handshake for a name.
#[derive(Clone, Debug, PartialEq)]
pub struct OnDemandPlan {
    /// The URL that is asked, with `?domain=name`: yes is an answer of 200.
    pub ask: String,
    /// How many names may be asked for in a time, all clients together.
    pub rate: Rate,
    /// How many names may be asked for at once.
    pub at_once_max: usize,
    /// How long a handshake waits for its certificate.
    pub wait: Duration,
}

impl OnDemandPlan {
    /// The defaults around a URL: 10 names a minute, 4 at once, 20 seconds of waiting.
    #[must_use]
    pub fn new(ask: impl Into<String>) -> Self {
        let rate = Rate { count: 10, window: Duration::from_secs(60) };
        Self { ask: ask.into(), rate, at_once_max: 4, wait: WAIT_MAX }
    }
}

/// Where and how records are written: dynamic updates of RFC 2136.
#[derive(Clone, Debug, PartialEq)]
pub struct Rfc2136 {
    /// The server that takes updates: an address or a name, with its port unless that is 53.
    pub server: String,
    /// The zone; found by asking the server unless set.
    pub zone: Option<String>,
    /// The key that signs them: RFC 8945.
    pub tsig: Option<Tsig>,
}

/// A key for signed updates.
#[derive(Clone, Debug, PartialEq)]
pub struct Tsig {
    /// Its name, as the server knows it.
    pub name: String,
    /// What is made with it.
    pub algorithm: TsigAlgorithm,
    /// The key.
    pub key: Key,
}

/// An algorithm of TSIG.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TsigAlgorithm {
    /// `hmac-sha256`
    HmacSha256,
    /// `hmac-sha384`
    HmacSha384,
    /// `hmac-sha512`
    HmacSha512,
}

/// The bytes of a shared key. Shows nothing of them.
#[derive(Clone, Eq, PartialEq)]
pub struct Key(Vec<u8>);

impl Key {
    /// From base64 in either alphabet.
    ///
    /// # Errors
    /// The text is neither.
    pub fn from_base64(text: &str) -> Result<Self, PlanError> {
        let text = text.trim().trim_end_matches('=');
        let standard = text.replace('-', "+").replace('_', "/");
        let padded = format!("{standard}{}", "=".repeat((4 - standard.len() % 4) % 4));
        let bytes = URL_SAFE_NO_PAD.decode(text).or_else(|_| STANDARD.decode(padded));
        match bytes {
            Ok(bytes) if !bytes.is_empty() => Ok(Self(bytes)),
            _ => Err(PlanError::new("the key is not base64", "copy it as the authority shows it")),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(...)")
    }
}

/// The names in one certificate: lower case, sorted, each once. Never empty.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Names(Vec<String>);

impl Names {
    /// Checks and orders the names.
    ///
    /// # Errors
    /// There are none, or more than a certificate holds, or one is not the name of a host.
    pub fn new<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Result<Self, PlanError> {
        let lower = |name: N| name.as_ref().trim_end_matches('.').to_ascii_lowercase();
        let names: BTreeSet<String> = names.into_iter().map(lower).collect();
        if let Some(wrong) = names.iter().find(|name| !is_host_name(name)) {
            let what = format!("`{wrong}` is not a name that a certificate can have");
            return Err(PlanError::new(what, "write shop.example.com or *.example.com"));
        }
        if names.is_empty() || names.len() > NAMES_MAX {
            let what = format!("a certificate has 1 to {NAMES_MAX} names, not {}", names.len());
            return Err(PlanError::new(what, "spread the names over several certificates"));
        }
        Ok(Self(names.into_iter().collect()))
    }

    /// The names.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The first of them, for people.
    #[must_use]
    pub fn first(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// A word for storage: the same for the same names, with the first one to be read.
    #[must_use]
    pub fn key(&self) -> String {
        let hash = hash_bytes(self.0.join(",").as_bytes());
        // A name of DNS may be longer than what a file system leaves for it.
        let first: String = self.first().replace('*', "_").chars().take(KEY_NAME_MAX).collect();
        format!("{first}-{hash:016x}")
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

/// Settings that cannot work.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PlanError {
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    pub help: String,
}

impl PlanError {
    fn new(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { what: what.into(), help: help.into() }
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.help)
    }
}

impl std::error::Error for PlanError {}

pub(crate) fn is_wildcard(name: &str) -> bool {
    name.starts_with("*.")
}

/// A name in DNS of at least two labels that is no address, perhaps with a wildcard in front.
fn is_host_name(name: &str) -> bool {
    let host = name.strip_prefix("*.").unwrap_or(name);
    let is_label = |label: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=63).contains(&label.len())
            && label.bytes().all(is_plain)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let top = host.rsplit('.').next().unwrap_or(host);
    name.len() <= 253
        && host.contains('.')
        && host.split('.').all(is_label)
        && !top.bytes().all(|byte| byte.is_ascii_digit())
}

/// How long a handshake waits unless the plan says otherwise.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(20);
/// How much of the first name is in a key.
const KEY_NAME_MAX: usize = 200;
/// What the public authorities put into one certificate at most.
const NAMES_MAX: usize = 100;

#[cfg(test)]
mod tests;
