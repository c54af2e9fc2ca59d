//! Why there is no certificate, in words that say what to do.

use std::fmt;

use instant_acme::{Error, Problem, Subproblem};
use portunus_base::Wall;

use crate::client::ClientError;
use crate::plan::ChallengeKind;

/// Why a certificate was not issued.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// The kind, for metrics.
    pub kind: FaultKind,
    /// What failed, in a sentence.
    pub what: String,
    /// What to do, in a sentence.
    pub help: String,
    /// The authority asks not to come back before.
    pub not_before: Option<Wall>,
}

impl Fault {
    pub(crate) fn new(kind: FaultKind, what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { kind, what: what.into(), help: help.into(), not_before: None }
    }

    /// An error of the client or the authority while `doing` something.
    pub(crate) fn of(error: &Error, challenge: ChallengeKind) -> Self {
        match error {
            Error::Api(problem) => Self::of_problem(problem, challenge),
            Error::Other(other) if other.is::<ClientError>() => Self::new(
                FaultKind::Unreachable,
                other.to_string(),
                "check the URL of the directory, and that this machine may reach it",
            ),
            Error::Timeout(_) => Self::new(
                FaultKind::Authority,
                "the authority did not come to an end in time",
                "nothing, unless it stays so: it is asked again",
            ),
            other => Self::new(
                FaultKind::Authority,
                format!("the authority gave an answer that makes no sense: {other}"),
                "check that the URL is that of an ACME directory",
            ),
        }
    }

    /// What the authority says is wrong: RFC 8555, section 6.7.
    pub(crate) fn of_problem(problem: &Problem, challenge: ChallengeKind) -> Self {
        let types = [problem.r#type.as_deref()].into_iter();
        let parts = problem.subproblems.iter().map(|part: &Subproblem| part.r#type.as_deref());
        let kind = types.chain(parts).flatten().find_map(FaultKind::of_type);
        let kind = kind.unwrap_or(FaultKind::Authority);
        Self::new(kind, told(problem), kind.help(challenge))
    }

    /// Whether another authority would find the same.
    pub(crate) fn is_ours(&self) -> bool {
        use FaultKind::{Connection, Dns, Records, Refused, Storage, WrongAnswer};
        matches!(self.kind, Connection | Dns | Refused | Records | Storage | WrongAnswer)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.help)
    }
}

impl std::error::Error for Fault {}

/// The kinds of faults; their words are stable.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FaultKind {
    /// The directory cannot be reached.
    Unreachable,
    /// It was asked too often.
    RateLimited,
    /// The account is not accepted, or not known any more.
    Account,
    /// The authority cannot reach us.
    Connection,
    /// The authority reached something that gave another answer than ours.
    WrongAnswer,
    /// The authority does not find the name in DNS, or finds a wrong record.
    Dns,
    /// A CAA record forbids it.
    Caa,
    /// The authority gives no certificates for such a name.
    Names,
    /// A record could not be written into DNS.
    Records,
    /// Storage cannot be read or written.
    Storage,
    /// Whom we ask about names on demand said no, or nothing.
    Refused,
    /// Too many names are asked for on demand.
    Busy,
    /// The authority lost count of its nonces: RFC 8555, section 6.5.
    Nonce,
    /// Anything else that the authority says.
    Authority,
}

impl FaultKind {
    /// The word of metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::RateLimited => "rate_limited",
            Self::Account => "account",
            Self::Connection => "connection",
            Self::WrongAnswer => "wrong_answer",
            Self::Dns => "dns",
            Self::Caa => "caa",
            Self::Names => "names",
            Self::Records => "records",
            Self::Storage => "storage",
            Self::Refused => "refused",
            Self::Busy => "busy",
            Self::Nonce => "nonce",
            Self::Authority => "authority",
        }
    }

    /// The kind of a type of problem; `None` for types that only say that there are others.
    fn of_type(name: &str) -> Option<Self> {
        Some(match name.rsplit(':').next()? {
            "badNonce" => Self::Nonce,
            "rateLimited" => Self::RateLimited,
            "accountDoesNotExist"
            | "externalAccountRequired"
            | "userActionRequired"
            | "invalidContact"
            | "unsupportedContact" => Self::Account,
            "connection" | "tls" => Self::Connection,
            "unauthorized" | "incorrectResponse" => Self::WrongAnswer,
            "dns" => Self::Dns,
            "caa" => Self::Caa,
            "rejectedIdentifier" | "unsupportedIdentifier" => Self::Names,
            _ => return None,
        })
    }

    fn help(self, challenge: ChallengeKind) -> &'static str {
        match (self, challenge) {
            (Self::RateLimited, _) => "wait; names of other certificates count too",
            (Self::Account, _) => "check `email`, and `eab` if the authority asks for one",
            (Self::Connection, ChallengeKind::Http01) => {
                "let port 80 of the name reach this server from the internet"
            }
            (Self::Connection, ChallengeKind::TlsAlpn01) => {
                "let port 443 of the name reach this server from the internet, with no TLS in between"
            }
            (Self::Connection | Self::WrongAnswer, ChallengeKind::Dns01) => {
                "check that the zone's servers show the records that are written"
            }
            (Self::WrongAnswer, _) => {
                "check that the name's addresses in DNS, IPv6 too, are those of this server"
            }
            (Self::Dns, _) => {
                "check the name's A and AAAA records, and that its zone's servers answer"
            }
            (Self::Caa, _) => "add the authority to the name's CAA records",
            (Self::Names, _) => "take the name off, or ask another authority",
            _ => "read what the authority says",
        }
    }
}

/// What the authority says, with the parts about single names.
fn told(problem: &Problem) -> String {
    let detail = problem.detail.as_deref().unwrap_or("it does not say why");
    let parts = problem.subproblems.iter().filter_map(|part| part.detail.as_deref());
    let all: Vec<_> = std::iter::once(detail).chain(parts).collect();
    // What a server sends does not begin a new line in a log.
    let text: String = all.join(": ").chars().filter(|c| !c.is_control()).take(TOLD_MAX).collect();
    format!("the authority says: {text}")
}

const TOLD_MAX: usize = 500;

#[cfg(test)]
mod tests;
