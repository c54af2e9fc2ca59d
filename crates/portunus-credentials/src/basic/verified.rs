//! Passwords that were right not long ago, without the passwords.

use std::collections::{HashMap, VecDeque};
use std::sync::OnceLock;
use std::time::Duration;

use aws_lc_rs::{hmac, rand};
use portunus_base::Mono;

use super::hash::PasswordHash;
use super::header::Login;

/// Logins that were right not long ago, as tags. When there is no room the oldest goes.
#[derive(Debug, Default)]
pub(super) struct Verified {
    ends: HashMap<Tag, Mono>,
    /// The same in the order in which they end.
    order: VecDeque<(Tag, Mono)>,
}

/// A user, a password and the hash that it fits, under a key that only this process has. When the hash is changed the
/// tag is another one, so what was remembered of it is not found any more.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Tag([u8; 32]);

impl Verified {
    /// Remembers a login.
    pub(super) fn add(&mut self, tag: Tag, now: Mono) {
        let end = now.after(KEPT);
        self.ends.insert(tag, end);
        self.order.push_back((tag, end));
        while let Some((oldest, end)) = self.order.front().copied() {
            if end > now && self.order.len() <= COUNT_MAX {
                break;
            }
            self.order.pop_front();
            // It may have been remembered anew in the meantime.
            if self.ends.get(&oldest) == Some(&end) {
                self.ends.remove(&oldest);
            }
        }
    }

    /// Whether it was right not long ago.
    pub(super) fn has(&self, tag: &Tag, now: Mono) -> bool {
        self.ends.get(tag).is_some_and(|end| *end > now)
    }
}

impl Tag {
    /// The tag of a login with that hash.
    pub(super) fn of(login: &Login, hash: &PasswordHash) -> Self {
        let mut context = hmac::Context::with_key(key());
        for part in [login.user.as_bytes(), &login.password, hash.text().as_bytes()] {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part);
        }
        let mut tag = [0; 32];
        tag.iter_mut().zip(context.sign().as_ref()).for_each(|(to, from)| *to = *from);
        Self(tag)
    }
}

/// The key of this process. Without random numbers it is one that others can guess; a system without them serves no
/// TLS either.
fn key() -> &'static hmac::Key {
    static KEY: OnceLock<hmac::Key> = OnceLock::new();
    KEY.get_or_init(|| {
        let mut bytes = [0; 32];
        let _ = rand::fill(&mut bytes);
        hmac::Key::new(hmac::HMAC_SHA256, &bytes)
    })
}

/// How long a login is remembered.
const KEPT: Duration = Duration::from_secs(300);
/// Logins that one worker remembers for one filter.
const COUNT_MAX: usize = 4096;

#[cfg(test)]
mod tests;
