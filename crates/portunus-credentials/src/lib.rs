//! The filters that ask for credentials: API keys, passwords, certificates, signatures; and those that combine them.
//!
//! All of them work alike ([`gate`]): a request without a credential is refused with `auth.missing`, a wrong one with
//! `auth.invalid`, one past its life with `auth.expired`. Nothing of a request is changed before it has passed, and
//! no secret is kept, logged or shown. Consumers are found in the directory, or in what the filter itself was given.

mod anonymous;
mod any_of;
mod api_key;
mod basic;
#[cfg(test)]
mod fixture;
mod gate;
mod hmac;
mod marks;
mod mtls;
mod nonces;
pub mod signature;

pub use anonymous::AnonymousSpec;
pub use any_of::AnyOfSpec;
pub use api_key::ApiKeySpec;
pub use basic::BasicSpec;
pub use hmac::HmacSpec;
pub use mtls::MtlsSpec;
