//! Why requests are refused, and how they are told.

use portunus_exchange::Reply;

use crate::problem;
use crate::request::BodyFault;
use crate::violation::{Part, Violation};

/// Why a message is refused.
pub(super) struct Refusal {
    status: u16,
    pub(super) reason: &'static str,
    pub(super) detail: String,
    violations: Vec<Violation>,
    allow: String,
}

impl Refusal {
    fn new(status: u16, reason: &'static str, detail: impl Into<String>) -> Self {
        let (detail, allow) = (detail.into(), String::new());
        Self { status, reason, detail, violations: Vec::new(), allow }
    }

    pub(super) fn of_violations(
        status: u16,
        reason: &'static str,
        violations: Vec<Violation>,
    ) -> Self {
        let detail = violations.first().map_or_else(String::new, |first| format!("The {first}."));
        Self { violations, ..Self::new(status, reason, detail) }
    }

    pub(super) fn of_body(fault: BodyFault) -> Self {
        match fault {
            BodyFault::MediaType(types) => {
                Self::new(415, MEDIA_TYPE, format!("The operation takes: {types}."))
            }
            BodyFault::Unreadable(why) => {
                let violation = Violation::new(Part::Body, "", format!("cannot be read: {why}"));
                Self::of_violations(400, BODY, vec![violation])
            }
            BodyFault::Unfit(violations) => Self::of_violations(400, REQUEST, violations),
        }
    }

    pub(super) fn reply(self) -> Reply {
        let reply = problem::reply(self.status, self.reason, &self.detail, &self.violations);
        match self.allow.is_empty() {
            true => reply,
            false => reply.with_header("Allow", self.allow),
        }
    }

    /// A body that nobody can look into.
    pub(super) fn encoded() -> Self {
        Self::new(415, MEDIA_TYPE, "Bodies are taken without a Content-Encoding.")
    }

    /// A request of no operation; `allow` are the methods that its path has.
    pub(super) fn unknown(allow: String) -> Self {
        if allow.is_empty() {
            return Self::new(404, OPERATION, "There is no operation of this path.");
        }
        Self { allow, ..Self::new(405, METHOD, "The path has no operation of this method.") }
    }
}

pub(super) const BODY: &str = "validate.body";
pub(super) const MEDIA_TYPE: &str = "validate.media_type";
pub(super) const METHOD: &str = "validate.method";
pub(super) const OPERATION: &str = "validate.operation";
pub(super) const REQUEST: &str = "validate.request";
pub(super) const RESPONSE: &str = "validate.response";
