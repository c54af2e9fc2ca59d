//! What the tests of these filters share: a bench with their registry, and consumers with one credential of each kind.

use std::sync::Arc;

use portunus_base::Wall;
use portunus_exchange::{Exchange, Reply};
use portunus_filter::testing::{Bench, Rig, shown};
use portunus_filter::{Factory, Filter, Verdict};
use portunus_identity::{
    CertificateMatch, Consumer, Consumers, Credential, CredentialKind, KeyHash, SignatureKey,
};
use portunus_spec::Node;

pub(crate) const FILTERS: &[Factory] = &[
    Factory::of::<crate::AnonymousSpec>(),
    Factory::of::<crate::AnyOfSpec>(),
    Factory::of::<crate::ApiKeySpec>(),
    Factory::of::<crate::BasicSpec>(),
    Factory::of::<crate::HmacSpec>(),
    Factory::of::<crate::MtlsSpec>(),
    crate::any_of::tests::PROBE,
];

pub(crate) fn bench() -> Bench {
    Bench::new(FILTERS)
}

pub(crate) fn build(name: &str, node: Node) -> Arc<dyn Filter> {
    bench().build(name, node).unwrap()
}

/// The wall time of a [`Rig`], in seconds.
pub(crate) const NOW_S: u64 = 1_800_000_000;

/// A worker that knows these consumers: `acme` of the groups `partners` and `eu`, and `guest`.
pub(crate) fn rig(credentials: Vec<(CredentialKind, Option<u64>)>) -> Rig {
    let rig = Rig::new();
    let acme = Arc::new(Consumer {
        id: "c-1".into(),
        name: "acme".into(),
        groups: ["partners".into(), "eu".into()].into(),
        ..Consumer::default()
    });
    let guest = Consumer { id: "c-2".into(), name: "guest".into(), ..Consumer::default() };
    let mut table = Consumers::builder();
    table.consumer(Arc::clone(&acme));
    table.consumer(Arc::new(guest));
    for (at, (kind, end_s)) in credentials.into_iter().enumerate() {
        let not_after = end_s.map(|end| Wall(end * 1_000_000));
        let (id, consumer) = (format!("acme-{at}").into(), Arc::clone(&acme));
        table.credential(Credential { id, consumer, kind, not_after });
    }
    rig.directory.publish(Arc::new(table.build()));
    rig
}

pub(crate) fn key(text: &str) -> CredentialKind {
    CredentialKind::Key(KeyHash::of(text.as_bytes()))
}

pub(crate) fn password(user: &str, password: &str) -> CredentialKind {
    CredentialKind::Password { user: user.into(), hash: bcrypt_of(password).into() }
}

pub(crate) fn secret(key_id: &str, secret: &[u8]) -> CredentialKind {
    CredentialKind::Signature { key_id: key_id.into(), key: SignatureKey::Secret(secret.into()) }
}

pub(crate) fn certificate(wanted: CertificateMatch) -> CredentialKind {
    CredentialKind::Certificate(wanted)
}

/// A bcrypt hash of the lowest cost.
pub(crate) fn bcrypt_of(password: &str) -> String {
    bcrypt::hash(password, 4).unwrap()
}

pub(crate) fn request(line: &str, headers: &[(&str, &str)]) -> Exchange {
    let mut exchange = portunus_filter::testing::exchange(line);
    for (name, value) in headers {
        exchange.request.headers.append(name.as_bytes(), value.as_bytes());
    }
    exchange.target = exchange.request.target_stored();
    exchange
}

/// The headers of a request but `Host`, as lines.
pub(crate) fn headers_of(exchange: &Exchange) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let lines = exchange.request.headers.iter();
    let lines = lines.map(|it| format!("{}: {}", text(it.name), text(it.value)));
    lines.filter(|line| !line.starts_with("Host:")).collect()
}

/// What came of a request: who it is, or the reason of the refusal.
pub(crate) fn told(verdict: &Verdict, exchange: &Exchange) -> String {
    match (verdict, &exchange.identity) {
        (Verdict::Continue, Some(identity)) => format!("{}/{}", identity.method, identity.name()),
        (Verdict::Continue, None) => "nobody".to_owned(),
        (other, _) => shown(other).trim_end_matches(" problem").to_owned(),
    }
}

pub(crate) fn reply(verdict: Verdict) -> Reply {
    let Verdict::Reply(reply) = verdict else { panic!("{verdict:?}") };
    *reply
}

/// The challenges of a reply.
pub(crate) fn challenges(reply: &Reply) -> Vec<&str> {
    let named = reply.headers.iter().filter(|(name, _)| name == "WWW-Authenticate");
    named.map(|(_, value)| std::str::from_utf8(value).unwrap()).collect()
}
