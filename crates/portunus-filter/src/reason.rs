//! Why a filter answers by itself.

/// A reason for an answer of a filter, for the reference.
#[derive(Clone, Copy, Debug)]
pub struct FilterReason {
    /// The stable code: the name of the filter or of a family of them, a dot, and what happened.
    pub code: &'static str,
    /// The status that goes with it; 0 where somebody else chooses it.
    pub status: u16,
    /// What happened, in one sentence.
    pub doc: &'static str,
}

impl FilterReason {
    /// A reason of that code, status and sentence.
    #[must_use]
    pub const fn new(code: &'static str, status: u16, doc: &'static str) -> Self {
        Self { code, status, doc }
    }
}

/// Those of all filters that ask who it is.
impl FilterReason {
    /// There is no credential.
    pub const MISSING: Self = Self::new("auth.missing", 401, "The request has no credential.");
    /// The credential proves nothing.
    pub const INVALID: Self =
        Self::new("auth.invalid", 401, "The credential of the request is wrong.");
    /// The credential is over.
    pub const EXPIRED: Self =
        Self::new("auth.expired", 401, "The credential of the request is past its life.");
    /// The credential is not enough.
    pub const FORBIDDEN: Self = Self::new("auth.forbidden", 403, "Who asks may not do this.");
    /// More checks are asked for than are done.
    pub const BUSY: Self = Self::new("auth.busy", 503, "Too many credentials are being checked.");
}
