//! `basic`: users with passwords (RFC 7617).
//!
//! Checking a password is slow on purpose, so it never happens on a worker: a bounded number of threads does it for
//! the whole process, and what they found out is remembered for some minutes.

mod check;
mod hash;
mod header;
mod htpasswd;
mod mistake;
mod verified;

use std::sync::Arc;

use portunus_base::Wall;
use portunus_exchange::{Exchange, Phase, PhaseSet};
use portunus_filter::{
    Again, BuildCx, Buildable, Filter, FilterCx, FilterReason, Interest, Patch, Resume, SlotId,
    Verdict,
};
use portunus_http::HeaderId;
use portunus_identity::{Consumers, Credential, CredentialKind, Identity};
use portunus_spec::{Named, Problem, Reader, Secret, Spanned, check as rule, spec};

use crate::gate::{Gate, REASONS_WITH_BUSY, Refusal};
use check::{Checks, Outcome};
use hash::PasswordHash;
use header::{Login, Told};
use htpasswd::Users;
use verified::{Tag, Verified};

spec! {
    /// Asks for a user and a password.
    ///
    /// Users are those of consumers, and those written here or in a file as `htpasswd -B` makes it.
    pub struct BasicSpec {
        short = file;
        /// Users with the hashes of their passwords: argon2 or bcrypt.
        users: Named<Spanned<Secret>> = Named::default(),
        /// A file with more of them, `NAME:HASH` on each line.
        file: Option<Spanned<String>>,
        /// What a browser shows beside its question.
        realm: Spanned<String> = Spanned::none("portunus".to_owned()),
        /// Whether the password is taken out of what goes to the upstream.
        strip: bool = true,
        /// Whether a request without a user goes on, without an identity.
        optional: bool = false,
    }
}

impl Buildable for BasicSpec {
    const NAME: &'static str = "basic";
    const DOC: &'static str = "Asks for a user and a password.";
    const REASONS: &'static [FilterReason] = REASONS_WITH_BUSY;

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        let fine = rule(&self.realm, cx.reader, |realm| check_realm(realm));
        let users = self.read_users(cx.reader);
        let users = users.filter(|_| fine)?;
        let challenge = format!("Basic realm=\"{}\", charset=\"UTF-8\"", self.realm.value);
        let gate = Gate::build(challenge, "The request has no user.", self.optional, cx);
        let decoy = users.any().cloned().unwrap_or_else(PasswordHash::of_nobody);
        Some(Arc::new(Basic { users, decoy, strip: self.strip, slot: cx.slot(), gate }))
    }
}

impl BasicSpec {
    fn read_users(&self, reader: &mut Reader<'_>) -> Option<Users> {
        let mut users = Users::default();
        let mut fine = true;
        for (name, hash) in &self.users {
            fine &= rule(hash, reader, |hash| Ok(users.add(name, hash.expose())?));
        }
        let Some(file) = &self.file else { return fine.then_some(users) };
        let text = match reader.lookup().file(file) {
            Ok(text) => text,
            Err(message) => {
                reader.error(file.span, message);
                return None;
            }
        };
        for mistake in users.add_file(&text) {
            fine &= rule(file, reader, |_| Err(mistake.into()));
        }
        fine.then_some(users)
    }
}

fn check_realm(realm: &str) -> Result<(), Problem> {
    if realm.chars().all(|c| (' '..='~').contains(&c) && c != '"' && c != '\\') {
        return Ok(());
    }
    Err(Problem::new("a realm is ASCII without quotes").help("write `realm: Shop`"))
}

struct Basic {
    users: Users,
    /// What is checked for users that are not there, so that they cost as much as others.
    decoy: PasswordHash,
    strip: bool,
    slot: SlotId,
    gate: Gate,
}

/// What a worker knows: passwords that were right not long ago, and those that are being checked.
#[derive(Default)]
struct BasicLocal {
    verified: Verified,
    checks: Checks,
}

/// A hash that the password may fit, and whose it is.
struct Candidate<'c> {
    hash: PasswordHash,
    credential: Option<&'c Credential>,
    expired: bool,
}

/// A check that is over.
struct Checked {
    login: Login,
    outcome: Outcome,
}

impl Filter for Basic {
    fn interest(&self) -> Interest {
        Interest { phases: PhaseSet::NONE.with(Phase::Request), ..Interest::default() }
    }

    fn refuses(&self) -> bool {
        !self.gate.is_optional()
    }

    fn on_request(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        match login(exchange) {
            Ok(login) => self.check(login, exchange, cx),
            Err(refusal) => self.gate.refuse(refusal, cx),
        }
    }

    fn on_again(&self, exchange: &mut Exchange, again: Again, cx: &mut FilterCx<'_>) -> Verdict {
        let checked = again.state.and_then(|state| state.downcast::<Checked>().ok());
        let Some(checked) = checked else { return self.gate.refuse(Refusal::Busy, cx) };
        let Checked { login, outcome } = *checked;
        let (now, local) = (cx.now, cx.local::<BasicLocal>(self.slot));
        match outcome {
            Outcome::Fits(tag) => local.verified.add(tag, now),
            Outcome::Wrong => return self.gate.refuse(Refusal::Invalid(WRONG), cx),
            Outcome::Lost => return self.gate.refuse(Refusal::Busy, cx),
        }
        self.settle(&login, exchange, cx).unwrap_or_else(|| {
            // The password was another one when the check began.
            self.gate.refuse(Refusal::Invalid(WRONG), cx)
        })
    }
}

impl Basic {
    fn check(&self, login: Login, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        if let Some(verdict) = self.settle(&login, exchange, cx) {
            return verdict;
        }
        let hashes = self.hashes(&login, &cx.directory.load(), cx.wall);
        if cx.offline {
            let outcome = check::now(&login, &hashes);
            let again = Again { step: 0, state: Some(Box::new(Checked { login, outcome })) };
            return self.on_again(exchange, again, cx);
        }
        let local = cx.local::<BasicLocal>(self.slot);
        let Some(wait) = local.checks.start(&login, hashes) else {
            return self.gate.refuse(Refusal::Busy, cx);
        };
        Verdict::Suspend(Box::pin(async move {
            let outcome = wait.await;
            let state = Some(Box::new(Checked { login, outcome }) as Box<dyn std::any::Any>);
            Resume::Again(Patch::default(), Again { step: 0, state })
        }))
    }

    /// The verdict on a login that was checked not long ago; None for others.
    fn settle(
        &self,
        login: &Login,
        exchange: &mut Exchange,
        cx: &mut FilterCx<'_>,
    ) -> Option<Verdict> {
        let consumers = cx.directory.load();
        let now = cx.now;
        let candidates = self.candidates(&login.user, &consumers, cx.wall);
        let verified = &cx.local::<BasicLocal>(self.slot).verified;
        let known = candidates.iter().find(|it| verified.has(&Tag::of(login, &it.hash), now))?;
        if known.expired {
            return Some(self.gate.refuse(Refusal::Expired("The password has expired."), cx));
        }
        if self.strip {
            exchange.request.headers.remove_id(HeaderId::Authorization);
        }
        Some(self.gate.pass(exchange, known.identity(&login.user), cx))
    }

    /// What a login is checked against; for a user that is not there something that nobody's password fits.
    fn hashes(
        &self,
        login: &Login,
        consumers: &Consumers,
        now: Wall,
    ) -> Vec<(PasswordHash, Option<Tag>)> {
        let candidates = self.candidates(&login.user, consumers, now).into_iter();
        let tagged = candidates.map(|Candidate { hash, .. }| {
            let tag = Tag::of(login, &hash);
            (hash, Some(tag))
        });
        let hashes: Vec<_> = tagged.collect();
        if hashes.is_empty() { vec![(self.decoy.clone(), None)] } else { hashes }
    }

    /// The hashes of a user, those that still hold first: one of them decides where a password fits several.
    fn candidates<'c>(
        &self,
        user: &str,
        consumers: &'c Consumers,
        now: Wall,
    ) -> Vec<Candidate<'c>> {
        let own = self.users.hash(user).cloned();
        let own = own.map(|hash| Candidate { hash, credential: None, expired: false });
        let others = consumers.user(user).iter().filter_map(|credential| {
            let CredentialKind::Password { hash, .. } = &credential.kind else { return None };
            let (hash, expired) = (PasswordHash::checked(hash), credential.is_expired(now));
            Some(Candidate { hash, credential: Some(credential), expired })
        });
        let mut all: Vec<_> = own.into_iter().chain(others).collect();
        all.sort_by_key(|candidate| candidate.expired);
        all
    }
}

impl Candidate<'_> {
    fn identity(&self, user: &str) -> Identity {
        match self.credential {
            Some(credential) => Identity::of_credential(BasicSpec::NAME, credential, user),
            None => Identity {
                method: BasicSpec::NAME,
                subject: user.into(),
                credential: user.into(),
                ..Identity::default()
            },
        }
    }
}

/// The one login of a request.
fn login(exchange: &Exchange) -> Result<Login, Refusal> {
    let mut values = exchange.request.headers.values_of(HeaderId::Authorization);
    let value = values.next().ok_or(Refusal::Missing)?;
    if values.next().is_some() {
        return Err(Refusal::Invalid("`Authorization` stands twice."));
    }
    match header::read(value) {
        Told::Other => Err(Refusal::Missing),
        Told::Malformed => Err(Refusal::Invalid("The user and password are malformed.")),
        Told::Login(login) => Ok(login),
    }
}

const WRONG: &str = "The user or the password is wrong.";

#[cfg(test)]
mod tests;
