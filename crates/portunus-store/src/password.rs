//! Hashes of passwords, as the configuration takes them.

use argon2::{Argon2, PasswordHash, PasswordHasher as _};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

use crate::StoreError;

/// The hash of a password by argon2id, with a salt of its own.
///
/// # Errors
/// The system has no randomness or no memory, or the password is longer than 4 GiB.
pub fn password_hash(password: &str) -> Result<String, StoreError> {
    let mut salt = [0; SALT_BYTES];
    let filled = SystemRandom::new().fill(&mut salt);
    filled.map_err(|_| StoreError::new("the system gives no random numbers"))?;
    let hash: Result<PasswordHash, _> =
        Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
    hash.map(|hash| hash.to_string()).map_err(StoreError::of)
}

const SALT_BYTES: usize = 16;

#[cfg(test)]
mod tests;
