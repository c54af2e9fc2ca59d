//! Hashes of passwords: which are taken, and checking a password against one.

use argon2::{Argon2, Params, PasswordHash as Phc, PasswordVerifier as _};

use super::mistake::Mistake;

/// The hash of a password: argon2 in the PHC form, or bcrypt. Debug shows nothing of it.
#[derive(Clone, Eq, PartialEq)]
pub(super) struct PasswordHash(Box<str>);

impl PasswordHash {
    /// A hash that stands in a configuration or a file.
    ///
    /// # Errors
    /// What is no hash that we take, with what to run instead; a cost that would stop the service.
    pub(super) fn parse(text: &str) -> Result<Self, Mistake> {
        if text.starts_with("$argon2") {
            check_argon2(text)?;
        } else if is_bcrypt(text) {
            check_bcrypt(text)?;
        } else {
            return Err(refused(text));
        }
        Ok(Self(text.into()))
    }

    /// A hash that somebody else has checked; one that is none fits no password.
    pub(super) fn checked(text: &str) -> Self {
        Self(text.into())
    }

    /// A hash that costs what those of new passwords cost, and fits no password that anybody knows.
    pub(super) fn of_nobody() -> Self {
        Self(NOBODY.into())
    }

    /// Its text.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// Whether the password is the one. Slow on purpose: tens of milliseconds of one core.
    pub(super) fn fits(&self, password: &[u8]) -> bool {
        if is_bcrypt(&self.0) {
            // Bcrypt sees the first 72 bytes alone; longer passwords are refused, not cut.
            return bcrypt::non_truncating_verify(password, &self.0).unwrap_or(false);
        }
        let Ok(hash) = Phc::new(&self.0) else { return false };
        Argon2::default().verify_password(password, &hash).is_ok()
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

fn is_bcrypt(text: &str) -> bool {
    ["$2a$", "$2b$", "$2x$", "$2y$"].iter().any(|prefix| text.starts_with(prefix))
}

fn check_bcrypt(text: &str) -> Result<(), Mistake> {
    let malformed = |_| Mistake::new("the bcrypt hash is malformed", MAKE_ONE);
    let parts: bcrypt::HashParts = text.parse().map_err(malformed)?;
    match parts.get_cost() {
        BCRYPT_COST_MIN..=BCRYPT_COST_MAX => Ok(()),
        _ => Err(Mistake::new("the cost of the bcrypt hash is not from 4 to 16", MAKE_ONE)),
    }
}

fn check_argon2(text: &str) -> Result<(), Mistake> {
    let malformed = || Mistake::new("the argon2 hash is malformed", MAKE_ONE);
    let hash = Phc::new(text).map_err(|_| malformed())?;
    let params = Params::try_from(&hash).map_err(|_| malformed())?;
    if hash.salt.is_none() || hash.hash.is_none() {
        return Err(malformed());
    }
    if params.m_cost() > ARGON2_KIB_MAX || params.t_cost() > ARGON2_ROUNDS_MAX {
        let message = "the argon2 hash takes more than 256 MiB or 16 rounds";
        return Err(Mistake::new(message, "make one with less: m=19456,t=2,p=1 is enough"));
    }
    Ok(())
}

/// Why another text is no hash that we take.
fn refused(text: &str) -> Mistake {
    let what = match text {
        _ if text.starts_with("$apr1$") => "MD5 hashes (`$apr1$`) are too weak",
        _ if text.starts_with("$1$") => "MD5 hashes (`$1$`) are too weak",
        _ if text.starts_with("{SHA}") => "SHA-1 hashes (`{SHA}`) are too weak",
        _ if text.starts_with("$5$") || text.starts_with("$6$") => {
            "hashes by crypt (`$5$`, `$6$`) are not supported"
        }
        _ => "this is no hash of a password",
    };
    Mistake::new(what, MAKE_ONE)
}

const MAKE_ONE: &str = "make another one: `portunus key password`, or `htpasswd -nB NAME`";
const BCRYPT_COST_MIN: u32 = 4;
const BCRYPT_COST_MAX: u32 = 16;
const ARGON2_KIB_MAX: u32 = 256 * 1024;
const ARGON2_ROUNDS_MAX: u32 = 16;
/// Argon2id with the parameters of new hashes; salt and hash are made up.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IG5vYm9keSBubw$\
    bm9ib2R5IGF0IGFsbCBoYXMgdGhpcyBwYXNzd29yZCE";

#[cfg(test)]
mod tests;
