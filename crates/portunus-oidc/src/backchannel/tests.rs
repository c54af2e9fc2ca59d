use portunus_testkit::Response;
use serde_json::{Value, json};

use super::*;
use crate::form;
use crate::testing::{FakeProvider, claims, now, plan, sign, sign_as_another, with_background};

/// A logout token that says this beside issuer, audience and times.
fn token(issuer: &str, more: Value) -> String {
    let event = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
    let mut claims = claims(issuer, json!({"events": event}));
    claims.extend(more.as_object().unwrap().clone());
    claims.retain(|_, value| !value.is_null());
    sign(&claims)
}

/// A provider, and what becomes of logout tokens of it.
struct Stage {
    plan: Plan,
    issuer: String,
    _fake: FakeProvider,
}

impl Stage {
    fn new() -> Self {
        let fake = FakeProvider::new(|_| Response::status(500));
        Self { plan: plan(&fake.provider(false)), issuer: fake.issuer(), _fake: fake }
    }

    fn send(&self, token: &str) -> (u16, Option<&'static str>) {
        let body = form::encode([("logout_token", token)]);
        let answer = answer(&self.plan, None, body.as_bytes(), now());
        let reply = with_background(&self.plan.providers[0], answer);
        (reply.status, reply.reason.map(|reason| reason.0))
    }

    fn has_ended(&self, ended: Ended<'_>) -> bool {
        self.plan.revoked.has(ended, now().seconds() - 1)
    }
}

const REFUSED: (u16, Option<&str>) = (400, Some("auth.oidc_logout_token"));

#[test]
fn a_logout_token_ends_the_session_that_it_names() {
    let stage = Stage::new();
    let mark = stage.plan.providers[0].mark.as_str();
    let of_session = Ended::ProviderSession { provider: mark, sid: "s1" };
    let of_user = Ended::Subject { provider: mark, subject: "anna" };
    assert_eq!(stage.send(&token(&stage.issuer, json!({"sid": "s1"}))), (200, None));
    assert!(stage.has_ended(of_session) && !stage.has_ended(of_user));
    assert_eq!(stage.send(&token(&stage.issuer, json!({"exp": null}))), (200, None));
    assert!(stage.has_ended(of_user));
}

#[test]
fn a_provider_whose_clock_is_behind_ends_its_sessions_too() {
    let stage = Stage::new();
    let mark = stage.plan.providers[0].mark.as_str();
    let behind = json!({"sid": "s1", "iat": now().seconds() - 120});
    assert_eq!(stage.send(&token(&stage.issuer, behind)), (200, None));
    assert!(stage.has_ended(Ended::ProviderSession { provider: mark, sid: "s1" }));
}

#[test]
fn what_proves_nothing_ends_nothing() {
    let stage = Stage::new();
    for more in [
        json!({"iss": "https://evil.test"}),
        json!({"aud": "other"}),
        json!({"exp": 1000}),
        json!({"iat": 1000}),
        json!({"iat": null}),
        json!({"events": null}),
        json!({"nonce": "n"}),
        json!({"sub": null}),
    ] {
        assert_eq!(stage.send(&token(&stage.issuer, more.clone())), REFUSED, "{more}");
    }
    let event = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
    let forged = sign_as_another(&claims(&stage.issuer, json!({"events": event})));
    assert_eq!(stage.send(&forged), REFUSED);
    assert_eq!(stage.send(""), REFUSED);
    assert_eq!(format!("{:?}", stage.plan.revoked), "Revoked(0)");
}

#[test]
fn a_place_of_no_provider_is_no_page() {
    let stage = Stage::new();
    let answer = answer(&stage.plan, Some("other"), b"", now());
    let reply = with_background(&stage.plan.providers[0], answer);
    assert_eq!(reply.status, 404);
}
