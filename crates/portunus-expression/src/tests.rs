//! What the tests of all modules need: an exchange with something of everything in it.

mod oracle;
mod speed;

use std::rc::Rc;
use std::sync::Arc;

use portunus_base::{ClientCertificate, ListenerId, RouteId, TlsFacts, Wall};
use portunus_exchange::Exchange;
use portunus_identity::{Consumer, Identity, Plan};
use portunus_route::{
    ConnectionFacts, HostPattern, NoRecorder, PathPattern, RouteRule, RouterBuilder,
};

use crate::Expression;

/// Wednesday, 2026-11-25 21:30:05.25 UTC.
pub(crate) const NOW: Wall = Wall(1_795_642_205_250_000);

pub(crate) const PARAMS: &[&str] = &["id", "rest"];

/// `PUT /orders/a%2Fb/x` of a consumer, over TLS with a certificate.
pub(crate) fn sample() -> Exchange {
    let mut exchange = Exchange::default();
    let request = &mut exchange.request;
    request.set_method(b"PUT");
    request.set_path(b"/orders/a%2Fb/x");
    request.set_query(Some(b"page=2&q=a+b%21&q=c&empty"));
    request.set_authority(b"Shop.Example.com:8443");
    for (name, value) in [
        ("Host", "Shop.Example.com:8443"),
        ("Content-Length", "1234"),
        ("X-Tier", "gold"),
        ("X-List", "a"),
        ("x-list", "b"),
        ("Cookie", "theme=dark; lang=en"),
        ("Cookie", "theme=light"),
    ] {
        request.headers.append(name.as_bytes(), value.as_bytes());
    }
    request.headers.append(b"X-Latin", b"caf\xe9");
    exchange.client.ip = "::ffff:10.1.2.3".parse().unwrap();
    exchange.client.port = 4711;
    exchange.route_name = Some("shop/orders".into());
    exchange.tls = Some(Rc::new(facts()));
    exchange.identity = Some(Arc::new(identity()));
    route(&mut exchange);
    exchange
}

fn facts() -> TlsFacts {
    let client = ClientCertificate {
        subject: "CN=robot,O=Example".into(),
        dns_names: ["robot.example.com".into()].into(),
        uris: ["spiffe://example/robot".into()].into(),
        ..ClientCertificate::default()
    };
    TlsFacts { version: "TLSv1.3", client: Some(client), ..TlsFacts::default() }
}

fn identity() -> Identity {
    let plan = Plan { name: "gold".into(), ..Plan::default() };
    let consumer = Consumer {
        id: "c1".into(),
        name: "acme".into(),
        attributes: [("region".into(), "eu".into())].into(),
        plan: Some(Arc::new(plan)),
        ..Consumer::default()
    };
    let claims = r#"{"tier": "gold", "level": 3, "ratio": 0.5, "admin": true, "none": null,
        "realm_access": {"roles": ["editor", "viewer"]}, "https://x/org": "acme"}"#;
    Identity {
        method: "jwt",
        subject: "ann".into(),
        consumer: Some(Arc::new(consumer)),
        groups: ["admins".into(), "staff".into()].into(),
        scopes: ["orders:read".into()].into(),
        claims: serde_json::from_str(claims).unwrap(),
        ..Identity::default()
    }
}

fn route(exchange: &mut Exchange) {
    let mut routes = RouterBuilder::new();
    let host = HostPattern::parse("*").unwrap();
    let path = PathPattern::parse("/orders/{id}/**").unwrap();
    routes.add(RouteRule { id: RouteId(0), host, path, conditions: Vec::new() });
    let facts = ConnectionFacts { listener: ListenerId(0), client_ip: exchange.client.ip };
    let routes = routes.build().unwrap();
    let _ = routes.find(&exchange.request, &facts, &mut exchange.params, &mut NoRecorder);
}

/// What an expression gives for the sample: the value as text, or why there is none.
pub(crate) fn shown(text: &str) -> String {
    shown_for(text, &sample())
}

pub(crate) fn shown_for(text: &str, exchange: &Exchange) -> String {
    let expression = match Expression::compile(text, PARAMS) {
        Ok(expression) => expression,
        Err(error) => return format!("no expression: {error}"),
    };
    let shown = expression.eval_text(exchange, NOW).map(std::borrow::Cow::into_owned);
    shown.unwrap_or_else(|error| expression.tell(&error))
}

/// Each expression gives what stands beside it.
pub(crate) fn all(cases: &[(&str, &str)]) {
    for (text, wanted) in cases {
        assert_eq!(shown(text), *wanted, "{text}");
    }
}

/// Why a text is no expression.
pub(crate) fn mistake(text: &str) -> String {
    let error = Expression::compile(text, PARAMS).expect_err(text);
    assert!(error.at <= text.len(), "{error:?}");
    format!("{}: {error}", error.at)
}
