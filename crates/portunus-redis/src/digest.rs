//! What stands for the key of a limit: the first half of its SHA-256.

use std::fmt;

/// 128 bits that nobody can make collide by choosing keys.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub(crate) struct Digest([u8; 16]);

impl Digest {
    pub(crate) fn of(key: &[u8]) -> Self {
        let whole = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key);
        let mut half = [0; 16];
        half.iter_mut().zip(whole.as_ref()).for_each(|(to, from)| *to = *from);
        Self(half)
    }

    /// The key in Redis: `portunus:rl:{<hex>}`. The braces keep all that belongs to one key on one node of a cluster.
    pub(crate) fn redis_key(self) -> String {
        format!("portunus:rl:{{{self:?}}}")
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
