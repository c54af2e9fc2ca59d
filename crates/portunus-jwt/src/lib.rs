//! JSON Web Tokens: reading and checking them, the keys of issuers, signing, and the filters that use them.
//!
//! The lower half is pure: [`Token`], [`Key`], [`KeySet`], [`Rules`], [`verify`] and [`SigningKey`] know no clock and
//! no network. All cryptography is that of `aws-lc-rs`.

mod algorithm;
mod base64url;
mod challenge;
mod claims;
mod client_credentials;
mod fault;
mod gate;
mod introspection;
mod json;
mod jwk;
mod jwt;
mod key;
mod key_set;
mod key_source;
mod mint;
mod oauth;
mod pem;
mod rules;
mod token;
mod token_cache;
mod token_place;
mod trust;
mod turns;
mod verify;

pub use algorithm::{Algorithm, AlgorithmSet};
pub use claims::{ForwardedClaims, IdentityRule, ReadyHeaders, set_headers};
pub use client_credentials::{ClientAuth, ClientCredentialsSpec};
pub use fault::{Fault, FaultKind, Part};
pub use introspection::IntrospectionSpec;
pub use json::{JsonFault, parse_object};
pub use jwt::{JwksSpec, JwtSpec, KeySpec};
pub use key::{Key, KeyFault, KeyKind};
pub use key_set::{KeySet, KeySetFault, SET_BYTES_MAX, SET_KEYS_MAX, Skipped};
pub use key_source::{
    COOLDOWN, FetchedKeys, KeyPlace, KeySource, MetadataFault, is_confidential, jwks_uri,
    metadata_url,
};
pub use mint::SigningKey;
pub use oauth::basic;
pub use rules::{LEEWAY, Rules, scopes};
pub use token::{Header, TOKEN_BYTES_MAX, Token};
pub use verify::{Verified, check_unsigned, verify};

#[cfg(test)]
mod cost;
#[cfg(test)]
mod tests;
