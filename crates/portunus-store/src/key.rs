//! Keys as they are given out: random, and of a form that scanners for leaked secrets find.

use std::fmt;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

use crate::StoreError;

/// A key: `portunus_`, 32 random bytes in base 62, and 6 digits of a checksum, so that whoever finds such a text can tell
/// a key from chance without asking anybody. `Debug` shows nothing of it.
#[derive(Clone, Eq, PartialEq)]
pub struct KeyText(String);

impl KeyText {
    /// A new one.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn generate() -> Result<Self, StoreError> {
        let mut bytes = [0; RANDOM_BYTES];
        let filled = SystemRandom::new().fill(&mut bytes);
        filled.map_err(|_| StoreError::new("the system gives no random numbers"))?;
        Ok(Self::of(&bytes))
    }

    fn of(bytes: &[u8; RANDOM_BYTES]) -> Self {
        let body = base62(bytes, BODY_DIGITS);
        let sum = base62(&crc32(body.as_bytes()).to_be_bytes(), SUM_DIGITS);
        Self(format!("{PREFIX}{body}{sum}"))
    }

    /// The key itself: for whoever it is made for, and for nobody else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyText(..)")
    }
}

/// A big-endian number in base 62, with zeros before it up to so many digits.
fn base62(number: &[u8], digits: usize) -> String {
    let mut number = number.to_vec();
    let mut text = vec![b'0'; digits];
    for place in text.iter_mut().rev() {
        let mut rest = 0;
        for byte in &mut number {
            let part = rest * 256 + u32::from(*byte);
            *byte = u8::try_from(part / 62).unwrap_or(u8::MAX);
            rest = part % 62;
        }
        *place =
            usize::try_from(rest).ok().and_then(|rest| DIGITS.get(rest)).copied().unwrap_or(b'0');
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// CRC-32 as zip and Ethernet have it (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    let step = |sum: u32, _| if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 };
    !bytes.iter().fold(u32::MAX, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), step))
}

const PREFIX: &str = "portunus_";
const RANDOM_BYTES: usize = 32;
/// 62^43 is more than 2^256.
const BODY_DIGITS: usize = 43;
/// 62^6 is more than 2^32.
const SUM_DIGITS: usize = 6;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

#[cfg(test)]
mod tests;
