//! A member's wait, carried through the seam: whatever it comes to, `any_of` is called once more with it.

use portunus_exchange::Reply;
use portunus_filter::{Again, LocalFuture, Patch, Resume, Verdict};

use super::refused::Refused;

/// A member's wait that is over.
pub(super) struct Turn {
    /// Which member waited.
    pub(super) at: usize,
    /// Who refused before it; None when others are not asked any more.
    pub(super) refused: Option<Refused>,
    /// What it came to.
    pub(super) came: Came,
}

/// What a wait came to.
pub(super) enum Came {
    /// The request goes on; the member's edits are made.
    Passed,
    /// The member answers, and wants these edits made then.
    Replied(Patch, Box<Reply>),
    /// The member wants to be called once more; the edits that it wants for that are made.
    Again(Again),
}

/// Waits for a member.
pub(super) fn wait(at: usize, refused: Option<Refused>, wait: LocalFuture<Resume>) -> Verdict {
    Verdict::Suspend(Box::pin(async move {
        let (patch, came) = match wait.await {
            Resume::Fail(error) => return Resume::Fail(error),
            Resume::Continue(patch) => (patch, Came::Passed),
            Resume::Reply(patch, reply) => (Patch::default(), Came::Replied(patch, reply)),
            Resume::Again(patch, again) => (patch, Came::Again(again)),
        };
        let turn = Turn { at, refused, came };
        Resume::Again(patch, Again { step: at, state: Some(Box::new(turn)) })
    }))
}
