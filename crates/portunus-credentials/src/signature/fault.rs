//! What can be wrong with a signature, in words for whoever sent it.

use std::fmt;

/// What is wrong with the signature of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SignatureFault {
    /// `Signature` or `Signature-Input` is no dictionary of structured fields, or not of the right types.
    Malformed,
    /// More labels or components than anybody needs.
    TooMany,
    /// One label stands twice.
    DuplicateLabel,
    /// A label stands in one of the two headers alone.
    Unpaired,
    /// No signature has the label that is looked for.
    NoSuchLabel,
    /// One component is covered twice.
    DuplicateComponent,
    /// A component or parameter that does not exist, or not for requests.
    UnknownComponent,
    /// A component that the request does not have, or has in a form that cannot be read.
    AbsentComponent,
    /// A covered value has bytes beyond ASCII.
    NotAscii,
    /// Something that must be signed is not.
    NotCovered,
    /// Nobody has that key.
    UnknownKey,
    /// The algorithm is unknown, or not one of the key's.
    WrongAlgorithm,
    /// It does not say when it was made.
    NoCreated,
    /// It was made in the future.
    InFuture,
    /// It was made too long ago, or says itself that it has expired.
    Expired,
    /// It has no nonce.
    NoNonce,
    /// Its nonce was seen before.
    Replayed,
    /// It is not the key's signature of this request.
    Mismatch,
    /// There is a body, and `Content-Digest` is not signed.
    BodyNotCovered,
    /// `Content-Digest` is malformed, or has no algorithm that we know.
    UnknownDigest,
    /// `Content-Digest` is not that of the body.
    DigestMismatch,
}

impl SignatureFault {
    /// What is wrong, in one sentence.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Malformed => "`Signature` or `Signature-Input` is malformed.",
            Self::TooMany => "There are too many signatures or covered components.",
            Self::DuplicateLabel => "One label of a signature stands twice.",
            Self::Unpaired => "A label is not in both of `Signature` and `Signature-Input`.",
            Self::NoSuchLabel => "No signature has the expected label.",
            Self::DuplicateComponent => "The signature covers one component twice.",
            Self::UnknownComponent => "The signature covers a component that is not known here.",
            Self::AbsentComponent => "The signature covers a component that the request lacks.",
            Self::NotAscii => "The signature covers a value that is not ASCII.",
            Self::NotCovered => "The signature does not cover all that must be signed.",
            Self::UnknownKey => "The key of the signature is not known.",
            Self::WrongAlgorithm => "The algorithm of the signature is not one of its key.",
            Self::NoCreated => "The signature does not say when it was created.",
            Self::InFuture => "The signature was created in the future.",
            Self::Expired => "The signature has expired.",
            Self::NoNonce => "The signature has no nonce.",
            Self::Replayed => "The nonce of the signature was used before.",
            Self::Mismatch => "The signature does not fit the request.",
            Self::BodyNotCovered => "The signature does not cover the body's `Content-Digest`.",
            Self::UnknownDigest => "`Content-Digest` has neither sha-256 nor sha-512.",
            Self::DigestMismatch => "`Content-Digest` does not fit the body.",
        }
    }
}

impl fmt::Display for SignatureFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

impl std::error::Error for SignatureFault {}
