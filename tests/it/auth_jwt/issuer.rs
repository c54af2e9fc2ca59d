//! An issuer of tokens: its metadata, its keys, and tokens that it signs. Shares no code with the program.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "it runs on threads that are no workers"
)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portunus_testkit::{Origin, Response};
use serde_json::{Value, json};

/// An issuer that runs.
pub(crate) struct Issuer {
    origin: Origin,
    world: Arc<World>,
}

#[derive(Default)]
struct World {
    /// Its name, where it is not its address.
    name: Mutex<Option<String>>,
    keys: Mutex<Vec<Value>>,
    is_down: AtomicBool,
}

/// A key pair of the issuer.
pub(crate) struct IssuerKey {
    id: String,
    pair: EcdsaKeyPair,
}

impl Issuer {
    /// An issuer without keys.
    pub(crate) fn new() -> Self {
        let world = Arc::new(World::default());
        let served = Arc::clone(&world);
        let origin = Origin::new(move |request| {
            let address = request.host().unwrap_or_default();
            served.answer(&request.target, &format!("http://{address}"))
        });
        Self { origin, world }
    }

    /// Its name: what tokens say in `iss`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.origin.address())
    }

    /// Makes its metadata say that they are somebody else's.
    pub(crate) fn pretend(&self, name: &str) {
        *self.world.name.lock().unwrap() = Some(name.to_owned());
    }

    /// Makes it publish these keys alone.
    pub(crate) fn publish(&self, keys: &[&IssuerKey]) {
        *self.world.keys.lock().unwrap() = keys.iter().map(|key| key.public()).collect();
    }

    /// Makes it publish these keys in JSON.
    pub(crate) fn publish_json(&self, keys: Vec<Value>) {
        *self.world.keys.lock().unwrap() = keys;
    }

    /// Takes it down, or brings it back.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.world.is_down.store(is_down, Ordering::SeqCst);
    }

    /// How often its keys were asked for.
    pub(crate) fn fetches(&self) -> usize {
        self.origin.requests().iter().filter(|request| request.target == "/keys").count()
    }

    /// Waits until its keys were asked for that often.
    pub(crate) fn wait_for_fetches(&self, count: usize) {
        portunus_testkit::eventually("the keys are fetched", || self.fetches() >= count);
    }
}

impl World {
    fn answer(&self, target: &str, url: &str) -> Response {
        if self.is_down.load(Ordering::SeqCst) {
            return Response::status(503);
        }
        let name = self.name.lock().unwrap().clone().unwrap_or_else(|| url.to_owned());
        let answer = match target {
            "/.well-known/openid-configuration" => {
                json!({"issuer": name, "jwks_uri": format!("{url}/keys")})
            }
            "/keys" => json!({"keys": *self.keys.lock().unwrap()}),
            _ => return Response::status(404),
        };
        Response::text(answer.to_string()).header("Content-Type", "application/json")
    }
}

impl IssuerKey {
    /// A new key.
    pub(crate) fn new(id: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { id: id.to_owned(), pair }
    }

    /// The public half in JSON.
    pub(crate) fn public(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let (x, y) = (encode(&point[1..33]), encode(&point[33..]));
        json!({"kty": "EC", "crv": "P-256", "kid": self.id, "use": "sig", "x": x, "y": y})
    }

    /// A token with these claims.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.token_with(&json!({"alg": "ES256", "kid": self.id}).to_string(), &claims.to_string())
    }

    /// A token with this header and these claims, signed as they are written.
    pub(crate) fn token_with(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", encode(header), encode(claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", encode(signature))
    }
}

/// base64url without padding.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
