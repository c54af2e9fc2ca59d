//! How long a check takes. Run by hand: `cargo test -p portunus-jwt --release cost -- --ignored --nocapture`.

use std::hint::black_box;
use std::time::Instant;

use portunus_exchange::Exchange;
use portunus_filter::Factory;
use portunus_filter::testing::{Bench, Rig, texts};
use portunus_spec::Node;
use serde_json::json;

use crate::tests::*;
use crate::{Algorithm, JwtSpec, KeySet, Rules, TOKEN_BYTES_MAX, Token, verify};

static FILTERS: &[Factory] = &[Factory::of::<JwtSpec>()];

/// Nanoseconds of one call, the least of several rounds.
#[expect(clippy::disallowed_methods, reason = "it measures")]
fn time_ns(mut call: impl FnMut()) -> f64 {
    let round = |call: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..ROUND).for_each(|_| call());
        start.elapsed().as_nanos() as f64 / ROUND as f64
    };
    (0..20).map(|_| round(&mut call)).fold(f64::INFINITY, f64::min)
}

#[test]
#[ignore = "it prints numbers and asserts nothing"]
fn cost_of_a_check() {
    let key = key_for(Algorithm::Rs256).named("k1");
    let mut claims = good_claims();
    claims.extend(map(json!({
        "azp": "web", "jti": "6b0ff6e8-1d0c-4a3a-9a14-1bd5d7e6f7a1", "email": "alice@example.com",
        "realm_access": {"roles": ["customer", "staff", "offline_access"]}, "typ": "Bearer",
    })));
    let text = key.mint(Algorithm::Rs256, &claims).unwrap();
    let keys: KeySet = set_of(&key);
    let token = Token::parse(text.as_bytes(), TOKEN_BYTES_MAX).unwrap();
    let signature = time_ns(|| {
        let is_good = keys.verify(token.header(), token.signed(), token.signature()).is_ok();
        assert!(black_box(is_good));
    });
    let whole = time_ns(|| {
        let now = now();
        assert!(verify(text.as_bytes(), TOKEN_BYTES_MAX, &keys, &Rules::default(), now).is_ok());
    });
    let jwk = json!({"keys": [private_jwk("RFC 7515 A.2")]}).to_string();
    let request = |cache: &str| {
        let keys = Node::seq([texts(&[("jwks", &jwk)])]);
        let node = Node::map([("keys", keys), ("cache", Node::text(cache))]);
        let filter = Bench::new(FILTERS).build("jwt", node).unwrap();
        let (mut rig, mut exchange) = (Rig::new(), Exchange::default());
        let value = format!("Bearer {text}");
        time_ns(|| {
            exchange.clear();
            exchange.request.headers.append(b"Authorization", value.as_bytes());
            let mut cx = rig.cx();
            cx.notes = None;
            black_box(filter.on_request(&mut exchange, &mut cx));
            assert!(exchange.identity.is_some());
        })
    };
    let (fresh, repeated) = (request("0"), request("16"));
    println!("a token of {} bytes, in ns:", text.len());
    println!("  the signature (RS256)     {signature:>8.0}");
    println!("  the whole check           {whole:>8.0}  + {:.0}", whole - signature);
    println!("  the filter, a new token   {fresh:>8.0}  + {:.0}", fresh - signature);
    println!("  the filter, a known token {repeated:>8.0}");
}

const ROUND: u32 = 500;
