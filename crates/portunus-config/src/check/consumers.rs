//! Rules of consumers, their credentials, plans and stores.

use std::collections::HashMap;

use portunus_base::Rate;
use portunus_resilience::{Budget, Period};
use portunus_spec::{Problem, Reader, Span, Spanned, check as rule};

use super::Names;
use crate::spec::{ConsumerSpec, KeySpec, KeyStoreSpec, PasswordSpec, SignatureSpec, StoresSpec};

/// What tells consumers and their credentials apart is there once.
#[derive(Default)]
struct Taken<'s> {
    names: HashMap<&'s str, Span>,
    ids: HashMap<&'s str, Span>,
    credentials: HashMap<&'s str, Span>,
    users: HashMap<&'s str, Span>,
    signatures: HashMap<&'s str, Span>,
}

pub(super) fn consumers(names: Names<'_>, reader: &mut Reader<'_>) {
    let mut taken = Taken::default();
    for (index, consumer) in names.config.consumers.iter().enumerate() {
        reader.index(index, |reader| self::consumer(consumer, &mut taken, names, reader));
    }
}

pub(super) fn plans(names: Names<'_>, reader: &mut Reader<'_>) {
    for (name, plan) in &names.config.plans {
        reader.key(name, |reader| {
            for rate in &plan.rate {
                rule(rate, reader, self::rate);
            }
            for quota in &plan.quota {
                rule(quota, reader, self::quota);
            }
            windows_differ(&plan.rate, reader);
            windows_differ(&plan.quota, reader);
        });
    }
}

fn something(rate: &Rate) -> Result<(), Problem> {
    match rate.count {
        0 => Err(Problem::new("a plan that lets nothing pass").help("write a count of 1 or more")),
        _ => Ok(()),
    }
}

/// Whether `rate_limit: plan` can keep it: without a budget a consumer would have no limit.
fn rate(rate: &Rate) -> Result<(), Problem> {
    something(rate)?;
    Budget::new(*rate, rate.count).map(drop).map_err(|error| Problem::new(error.to_string()))
}

/// Whether `quota: plan` can count it.
fn quota(rate: &Rate) -> Result<(), Problem> {
    something(rate)?;
    match Period::of(*rate) {
        Some(_) => Ok(()),
        None => Err(Problem::new(format!("`{rate}` is no quota"))
            .help("write 10000/d or 1000000/month; shorter times belong to `rate`")),
    }
}

fn windows_differ(rates: &[Spanned<Rate>], reader: &mut Reader<'_>) {
    for (at, rate) in rates.iter().enumerate() {
        let mut before = rates.iter().take(at);
        if let Some(first) = before.find(|other| other.value.window == rate.value.window) {
            let error = reader.error(rate.span, "two rates have the same window");
            error.related(first.span, "the other one").help("keep the smaller one");
        }
    }
}

fn consumer<'s>(
    consumer: &'s ConsumerSpec,
    taken: &mut Taken<'s>,
    names: Names<'_>,
    reader: &mut Reader<'_>,
) {
    rule(&consumer.name, reader, |name| word(name));
    once(&mut taken.names, &consumer.name, "the consumer", reader);
    if let Some(id) = &consumer.id {
        rule(id, reader, |id| word(id));
    }
    // An id that is the name was reported with the name.
    let twice = taken.names.get(consumer.name.as_str()) != Some(&consumer.name.span);
    if consumer.id.is_some() || !twice {
        once(&mut taken.ids, consumer.full_id(), "the id", reader);
    }
    for group in &consumer.groups {
        rule(group, reader, |group| word(group));
    }
    for key in &consumer.keys {
        self::key(key, taken, reader);
    }
    passwords(consumer, taken, reader);
    for signature in &consumer.signatures {
        once(&mut taken.signatures, &signature.id, "the signature key", reader);
        self::signature(signature, reader);
    }
    if let Some(issuer) = consumer.claim_issuer.as_ref().filter(|_| consumer.claims.is_empty()) {
        let error = reader.error(issuer.span, "`claim_issuer` without `claims`");
        error.help("write which claims of its tokens are this consumer: `claims: {azp: web}`");
    }
    if let Some(plan) = &consumer.plan {
        names.known(plan.span, plan, ("plan", &names.config.plans), reader);
    }
}

/// Whether a text can stand in a header by itself and in a list.
fn word(text: &str) -> Result<(), Problem> {
    let fine = |c: char| !c.is_control() && c != ',';
    match !text.is_empty() && text.trim() == text && text.chars().all(fine) {
        true => Ok(()),
        false => Err(Problem::new(format!("`{}` cannot stand in a header", text.escape_debug()))
            .help("write a name without commas, line ends and spaces around it")),
    }
}

fn once<'s>(
    seen: &mut HashMap<&'s str, Span>,
    name: &'s Spanned<String>,
    what: &str,
    reader: &mut Reader<'_>,
) {
    match seen.get(name.as_str()) {
        Some(first) => {
            let error = reader.error(name.span, format!("{what} `{}` is there twice", name.value));
            error.related(*first, "first here").help("give one of them another name");
        }
        None => {
            seen.insert(name, name.span);
        }
    }
}

fn key<'s>(KeySpec(key): &'s KeySpec, taken: &mut Taken<'s>, reader: &mut Reader<'_>) {
    if let Some(id) = &key.id {
        rule(id, reader, |id| word(id));
        once(&mut taken.credentials, id, "the key", reader);
    }
    let (text, span) = (key.value.expose(), key.value.span);
    if let Some(digits) = text.strip_prefix(HASH_PREFIX) {
        if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let error = reader.error(span, "not the hash of a key");
            error.help("write sha256: and 64 hexadecimal digits; `portunus key hash` makes it");
        }
    } else if text.is_empty() {
        let error = reader.error(span, "an empty key");
        error.help("`portunus key create` makes a good one");
    } else if text.chars().count() < KEY_CHARS_MIN {
        let message = format!("a key of less than {KEY_CHARS_MIN} characters can be guessed");
        reader.warning(span, message).help("`portunus key create` makes a good one");
    }
}

/// A user may have two passwords while one takes the place of the other, but belongs to one consumer.
fn passwords<'s>(consumer: &'s ConsumerSpec, taken: &mut Taken<'s>, reader: &mut Reader<'_>) {
    let mut own: Vec<&str> = Vec::new();
    for password in &consumer.passwords {
        if !own.contains(&password.user.as_str()) {
            own.push(&password.user);
            once(&mut taken.users, &password.user, "the user", reader);
        }
        self::password(password, reader);
    }
}

fn password(PasswordSpec { user, hash }: &PasswordSpec, reader: &mut Reader<'_>) {
    rule(user, reader, |user| match user.is_empty() || user.contains(':') {
        true => Err(Problem::new("the name of a user has no colon, and is not empty")),
        false => word(user),
    });
    let known = ["$argon2id$", "$argon2i$", "$argon2d$", "$2a$", "$2b$", "$2y$"];
    if !known.iter().any(|prefix| hash.expose().starts_with(prefix)) {
        let error = reader.error(hash.span, "not the hash of a password by argon2 or bcrypt");
        error.help("`portunus key password` makes it; a password itself is never written down");
    }
}

fn signature(signature: &SignatureSpec, reader: &mut Reader<'_>) {
    let SignatureSpec { id, secret, public_key } = signature;
    match (secret, public_key) {
        (Some(secret), Some(key)) => {
            let error = reader.error(key.span, "either a secret or a public key, not both");
            error.related(secret.span, "the secret").help("remove one of them");
        }
        (None, None) => {
            let error = reader.error(id.span, "a signature key without `secret` or `public_key`");
            error.help("add `secret: {file: ...}` or `public_key: pub.pem`");
        }
        (Some(secret), None) if secret.expose().is_empty() => {
            reader.error(secret.span, "an empty secret");
        }
        _ => {}
    }
}

pub(super) fn stores(stores: &StoresSpec, names: Names<'_>, reader: &mut Reader<'_>) {
    let url = |url: &Spanned<portunus_spec::Secret>, schemes: &[&str], reader: &mut Reader<'_>| {
        if !schemes.iter().any(|scheme| url.expose().starts_with(scheme)) {
            let error = reader.error(url.span, "not the URL of such a store");
            error.help(format!("it starts with {}", schemes.join(", ")));
        }
    };
    if let Some(redis) = &stores.redis {
        let schemes =
            ["redis://", "rediss://", "redis+unix://", "unix://", "valkey://", "valkeys://"];
        reader.key("redis.url", |reader| url(&redis.url, &schemes, reader));
    }
    if let Some(postgres) = &stores.postgres {
        let schemes = ["postgres://", "postgresql://"];
        reader.key("postgres.url", |reader| url(&postgres.url, &schemes, reader));
    }
    let (key, is_there) = match stores.keys.value {
        KeyStoreSpec::Embedded | KeyStoreSpec::Off => return,
        KeyStoreSpec::Redis => ("redis", stores.redis.is_some()),
        KeyStoreSpec::Postgres => ("postgres", stores.postgres.is_some()),
    };
    if !is_there && !names.gaps.hide("stores", &[key]) {
        let error = reader.error(stores.keys.span, format!("nothing says where {key} is"));
        error.help(format!("add `{key}: {{url: ...}}` to `stores`"));
    }
}

/// What a hash of a key starts with.
const HASH_PREFIX: &str = "sha256:";
/// Fewer characters in a key are worth a warning.
const KEY_CHARS_MIN: usize = 16;
