//! Consumers and keys over the API. A key is shown once: in the answer to whoever makes it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Weak;
use std::time::Duration;

use axum::extract::Path;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router, middleware};
use portunus_base::{Clock as _, SystemClock, Wall, parse_duration};
use portunus_compile::KnownConsumer;
use portunus_identity::{Consumer, Credential, CredentialKind};
use portunus_store::{StoredConsumer, StoredKey};
use serde::{Deserialize, Serialize};

use super::Seen;
use super::answers::timestamp;
use super::guard;
use crate::keyring::{self, KeyWish, KeyringError, MadeKey, StoreHealth};
use crate::shared::Shared;

/// The paths of consumers and keys.
pub(super) fn routes(gate: guard::Gate) -> Router<Weak<Shared>> {
    Router::new()
        .route("/api/consumers", get(consumers).post(add_consumer))
        .route("/api/consumers/{name}", delete(remove_consumer))
        .route("/api/consumers/{name}/keys", get(keys_of).post(make_key))
        .route("/api/keys", get(async |Seen(seen): Seen| Json(keys(&seen.keyring.seen()))))
        .route("/api/keys/{id}", delete(revoke))
        .route("/api/keys/{id}/rotate", post(rotate))
        .route_layer(middleware::from_fn_with_state(gate, guard::changes_guard))
}

/// One of `/api/consumers`.
#[derive(Debug, Serialize)]
struct ConsumerAnswer {
    name: String,
    id: String,
    groups: Vec<String>,
    attributes: BTreeMap<String, String>,
    plan: Option<String>,
    source: &'static str,
    /// How many credentials of each kind it has.
    credentials: BTreeMap<&'static str, usize>,
}

/// One of `/api/keys`.
#[derive(Debug, Serialize)]
struct KeyAnswer {
    id: String,
    consumer: String,
    source: &'static str,
    /// Null where the configuration holds it.
    created: Option<String>,
    /// Null where it does not end.
    expires: Option<String>,
    state: &'static str,
}

/// The answer to whoever makes a key.
#[derive(Debug, Serialize)]
struct MadeKeyAnswer {
    #[serde(flatten)]
    known: KeyAnswer,
    /// The key itself, here and nowhere else.
    key: String,
    /// The key that it takes the place of.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<KeyAnswer>,
}

/// The body of a wish for a consumer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewConsumer {
    name: String,
    id: Option<String>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    plan: Option<String>,
}

/// The body of a wish for a key.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct NewKey {
    id: Option<String>,
    /// A duration, such as `90d`.
    expires: Option<String>,
}

/// The body of a wish for another key in place of one.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Rotation {
    id: Option<String>,
    expires: Option<String>,
    /// How long both are good.
    overlap: Option<String>,
}

/// How the store of keys is, as `/api/status` shows it.
#[derive(Debug, Serialize)]
pub(super) struct KeyStoreAnswer {
    store: &'static str,
    state: &'static str,
    keys: usize,
    consumers: usize,
    error: Option<String>,
    since: Option<String>,
}

pub(super) fn store(shared: &Shared) -> KeyStoreAnswer {
    let seen = shared.keyring.seen();
    let (state, error, since) = match &seen.health {
        StoreHealth::Off => ("off", None, None),
        StoreHealth::New => ("starting", None, None),
        StoreHealth::Up => ("up", None, None),
        StoreHealth::Down { error, since } => {
            ("down", Some(error.to_string()), Some(timestamp(*since)))
        }
    };
    let (keys, consumers) = (seen.records.keys.len(), seen.records.consumers.len());
    KeyStoreAnswer { store: seen.store, state, keys, consumers, error, since }
}

async fn consumers(Seen(seen): Seen) -> Json<Vec<ConsumerAnswer>> {
    let seen = seen.keyring.seen();
    let in_file = seen.source.consumers.iter().map(|known| &known.consumer);
    let names: HashSet<&str> = in_file.map(|consumer| &*consumer.name).collect();
    let stored = seen.records.consumers.values();
    let stored = stored.filter(|consumer| !names.contains(consumer.name.as_str()));
    let mut keys: HashMap<&str, usize> = HashMap::new();
    for key in seen.records.keys.values() {
        *keys.entry(&key.consumer).or_default() += 1;
    }
    let all = seen.source.consumers.iter().map(described).chain(stored.map(made));
    let mut all: Vec<ConsumerAnswer> = all.collect();
    for consumer in &mut all {
        if let Some(keys) = keys.get(consumer.name.as_str()) {
            *consumer.credentials.entry(KEY).or_default() += keys;
        }
    }
    Json(all)
}

/// A consumer of the configuration.
fn described(KnownConsumer { consumer, credentials }: &KnownConsumer) -> ConsumerAnswer {
    let Consumer { id, name, groups, attributes, plan } = &**consumer;
    let text = |text: &str| text.to_owned();
    let mut counts = BTreeMap::new();
    for credential in credentials {
        *counts.entry(kind(credential)).or_default() += 1;
    }
    ConsumerAnswer {
        name: text(name),
        id: text(id),
        groups: groups.iter().map(|group| text(group)).collect(),
        attributes: attributes.iter().map(|(name, value)| (text(name), text(value))).collect(),
        plan: plan.as_ref().map(|plan| text(&plan.name)),
        source: CONFIGURATION,
        credentials: counts,
    }
}

/// A consumer of the store.
fn made(consumer: &StoredConsumer) -> ConsumerAnswer {
    let StoredConsumer { name, id, groups, attributes, plan } = consumer.clone();
    let credentials = BTreeMap::new();
    ConsumerAnswer { name, id, groups, attributes, plan, source: STORE, credentials }
}

fn kind(credential: &Credential) -> &'static str {
    match credential.kind {
        CredentialKind::Key(_) => KEY,
        CredentialKind::Password { .. } => "password",
        CredentialKind::Signature { .. } => "signature",
        CredentialKind::Certificate(_) => "certificate",
        CredentialKind::Claim { .. } => "claim",
    }
}

/// All keys, those of the configuration first.
fn keys(seen: &keyring::Seen) -> Vec<KeyAnswer> {
    let now = SystemClock.wall();
    let in_file = seen.source.consumers.iter().flat_map(|known| &known.credentials);
    let in_file = in_file.filter(|credential| kind(credential) == KEY);
    let described = in_file.map(|credential| KeyAnswer {
        id: credential.id.to_string(),
        consumer: credential.consumer.name.to_string(),
        source: CONFIGURATION,
        created: None,
        expires: credential.not_after.map(timestamp),
        state: if credential.is_expired(now) { EXPIRED } else { VALID },
    });
    let is_known = |name: &str| {
        seen.records.consumers.contains_key(name)
            || seen.source.consumers.iter().any(|known| *known.consumer.name == *name)
    };
    let made = seen.records.keys.values().map(|key| match is_known(&key.consumer) {
        true => key_answer(key, now),
        false => KeyAnswer { state: "no consumer", ..key_answer(key, now) },
    });
    described.chain(made).collect()
}

fn key_answer(key: &StoredKey, now: Wall) -> KeyAnswer {
    KeyAnswer {
        id: key.id.clone(),
        consumer: key.consumer.clone(),
        source: STORE,
        created: Some(timestamp(key.created)),
        expires: key.expires.map(timestamp),
        state: if key.expires.is_some_and(|end| end <= now) { EXPIRED } else { VALID },
    }
}

async fn keys_of(Seen(seen): Seen, Path(name): Path<String>) -> Json<Vec<KeyAnswer>> {
    let mut keys = keys(&seen.keyring.seen());
    keys.retain(|key| key.consumer == name);
    Json(keys)
}

async fn add_consumer(Seen(seen): Seen, Json(wish): Json<NewConsumer>) -> Answer<ConsumerAnswer> {
    let NewConsumer { name, id, groups, attributes, plan } = wish;
    let id = id.unwrap_or_else(|| name.clone());
    let consumer = StoredConsumer { name, id, groups, attributes, plan };
    let answer = made(&consumer);
    let keyring = seen.keyring.clone();
    drop(seen);
    keyring.at_home(async move |keyring| keyring.add_consumer(consumer).await).await?;
    Ok((StatusCode::CREATED, Json(answer)))
}

async fn remove_consumer(Seen(seen): Seen, Path(name): Path<String>) -> Answer<serde_json::Value> {
    let (keyring, removed) = (seen.keyring.clone(), name.clone());
    drop(seen);
    keyring.at_home(async move |keyring| keyring.remove_consumer(&name).await).await?;
    Ok((StatusCode::OK, Json(serde_json::json!({"removed": removed}))))
}

async fn make_key(
    Seen(seen): Seen,
    Path(name): Path<String>,
    Json(wish): Json<NewKey>,
) -> SecretAnswer {
    let wish = key_wish(wish.id, wish.expires.as_deref())?;
    let keyring = seen.keyring.clone();
    drop(seen);
    let made = keyring.at_home(async move |keyring| keyring.make_key(&name, wish).await).await?;
    Ok((StatusCode::CREATED, NO_STORE, Json(made_key(&made, None))))
}

async fn revoke(Seen(seen): Seen, Path(id): Path<String>) -> Answer<serde_json::Value> {
    let (keyring, revoked) = (seen.keyring.clone(), id.clone());
    drop(seen);
    keyring.at_home(async move |keyring| keyring.revoke(&id).await).await?;
    Ok((StatusCode::OK, Json(serde_json::json!({"revoked": revoked}))))
}

async fn rotate(
    Seen(seen): Seen,
    Path(id): Path<String>,
    Json(rotation): Json<Rotation>,
) -> SecretAnswer {
    let wish = key_wish(rotation.id, rotation.expires.as_deref())?;
    let overlap = rotation.overlap.as_deref().map(duration).transpose()?;
    let end = after(overlap.unwrap_or(OVERLAP));
    let keyring = seen.keyring.clone();
    drop(seen);
    let rotate =
        async move |keyring: std::sync::Arc<keyring::Keyring>| keyring.rotate(&id, end, wish).await;
    let (made, old) = keyring.at_home(rotate).await?;
    Ok((StatusCode::CREATED, NO_STORE, Json(made_key(&made, Some(&old)))))
}

fn key_wish(id: Option<String>, expires: Option<&str>) -> Result<KeyWish, KeyringError> {
    let life = expires.map(duration).transpose()?;
    Ok(KeyWish { id, expires: life.map(after) })
}

fn duration(text: &str) -> Result<Duration, KeyringError> {
    let wrong = |error| KeyringError::Wrong(format!("`{text}` is not a duration; {error}"));
    parse_duration(text).map_err(wrong)
}

fn after(life: Duration) -> Wall {
    let life_us = u64::try_from(life.as_micros()).unwrap_or(u64::MAX);
    Wall(SystemClock.wall().0.saturating_add(life_us))
}

fn made_key(MadeKey { key, text }: &MadeKey, replaces: Option<&StoredKey>) -> MadeKeyAnswer {
    let now = SystemClock.wall();
    MadeKeyAnswer {
        known: key_answer(key, now),
        key: text.expose().to_owned(),
        replaces: replaces.map(|old| key_answer(old, now)),
    }
}

type Answer<T> = Result<(StatusCode, Json<T>), KeyringError>;

/// An answer with a key, which nobody may keep.
type SecretAnswer = Result<(StatusCode, NoStore, Json<MadeKeyAnswer>), KeyringError>;

type NoStore = [(HeaderName, &'static str); 1];

impl IntoResponse for KeyringError {
    fn into_response(self) -> Response {
        let (status, code) = match self {
            Self::NoStore => (StatusCode::CONFLICT, "keys.no_store"),
            Self::Taken(_) => (StatusCode::CONFLICT, "keys.taken"),
            Self::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, "keys.store_failed"),
            Self::Missing(_) => (StatusCode::NOT_FOUND, "keys.unknown"),
            Self::Wrong(_) => (StatusCode::BAD_REQUEST, "keys.invalid"),
        };
        let body = serde_json::json!({"code": code, "error": self.to_string()});
        (status, Json(body)).into_response()
    }
}

const NO_STORE: NoStore = [(header::CACHE_CONTROL, "no-store")];
const CONFIGURATION: &str = "configuration";
const STORE: &str = "store";
const KEY: &str = "key";
const VALID: &str = "valid";
const EXPIRED: &str = "expired";
const OVERLAP: Duration = Duration::from_secs(24 * 3600);
