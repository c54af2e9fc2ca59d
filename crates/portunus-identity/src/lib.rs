//! Who asks, and what is known of callers: identities, consumers with their plans, credentials, and the directory
//! where they are found.
//!
//! Pure: the clock is passed in, and nothing here reads a file or a store. A secret is never shown by `Debug`.

mod consumer;
mod credential;
mod directory;
mod identity;

pub use consumer::{Consumer, Plan};
pub use credential::{
    CertificateMatch, Credential, CredentialKind, KeyHash, NoKeyHash, SignatureKey,
};
pub use directory::{Builder, Consumers, Directory};
pub use identity::{Identity, claim};
