//! Files as Apache's `htpasswd` writes them: a user and the hash of its password on each line.

use std::collections::HashMap;

use super::hash::PasswordHash;
use super::mistake::Mistake;

/// Users with their hashes. Debug shows how many there are.
#[derive(Clone, Default)]
pub(super) struct Users(HashMap<Box<str>, PasswordHash>);

impl Users {
    /// The hash of a user's password.
    pub(super) fn hash(&self, user: &str) -> Option<&PasswordHash> {
        self.0.get(user)
    }

    /// Any hash of them, to see what one costs.
    pub(super) fn any(&self) -> Option<&PasswordHash> {
        self.0.values().next()
    }

    /// Adds a user.
    ///
    /// # Errors
    /// A name that cannot be sent, one that is there already, or a hash that is not taken.
    pub(super) fn add(&mut self, user: &str, hash: &str) -> Result<(), Mistake> {
        if user.is_empty() || user.chars().any(|c| c.is_control() || c == ':') {
            let message = format!("`{user}` cannot be the name of a user");
            return Err(Mistake::new(message, "write a name without `:`"));
        }
        let hash = PasswordHash::parse(hash)?;
        if self.0.insert(user.into(), hash).is_some() {
            let message = format!("the user `{user}` stands twice");
            return Err(Mistake::new(message, "remove one of the two"));
        }
        Ok(())
    }

    /// Adds the users of a file; what is wrong with some of them.
    pub(super) fn add_file(&mut self, text: &str) -> Vec<Mistake> {
        let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
        let users = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let added = users.map(|(number, line)| {
            let added = match line.split_once(':') {
                Some((user, hash)) => self.add(user, hash),
                None => Err(Mistake::new("there is no `:`", "write NAME:HASH on each line")),
            };
            added.map_err(|mistake| mistake.on_line(number))
        });
        added.filter_map(Result::err).collect()
    }
}

impl std::fmt::Debug for Users {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Users({})", self.0.len())
    }
}

#[cfg(test)]
mod tests;
