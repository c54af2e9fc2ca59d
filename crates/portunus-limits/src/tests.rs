//! What the tests of these filters need beside [`portunus_filter::testing`].

use std::sync::Arc;

use portunus_base::Rate;
use portunus_exchange::Exchange;
use portunus_filter::testing::Bench;
use portunus_filter::{Factory, Filter, Verdict};
use portunus_identity::{Consumer, Identity, Plan};
use portunus_spec::{NoLookup, Node, Reader, Value};

pub(crate) use portunus_filter::testing::{Rig, exchange, header, lines, list, shown, texts};

static FILTERS: &[Factory] = &[
    Factory::of::<crate::BandwidthSpec>(),
    Factory::of::<crate::ConcurrencySpec>(),
    Factory::of::<crate::QuotaSpec>(),
    Factory::of::<crate::RateLimitSpec>(),
];

pub(crate) fn bench() -> Bench {
    Bench::new(FILTERS)
}

/// Builds a filter of a short form, or of `key: value` pairs.
pub(crate) fn built(name: &str, node: impl Into<Written>) -> Arc<dyn Filter> {
    bench().build(name, node.into().0).unwrap()
}

pub(crate) fn mistakes(name: &str, node: impl Into<Written>) -> String {
    bench().mistakes(name, node.into().0)
}

/// What a filter is written with.
pub(crate) struct Written(pub(crate) Node);

impl From<&str> for Written {
    fn from(text: &str) -> Self {
        Self(Value::plain(text).into())
    }
}

impl From<&[(&str, &str)]> for Written {
    fn from(entries: &[(&str, &str)]) -> Self {
        Self(texts(entries))
    }
}

impl<const N: usize> From<[(&str, Node); N]> for Written {
    fn from(entries: [(&str, Node); N]) -> Self {
        Self(Node::map(entries))
    }
}

/// The normal form.
pub(crate) fn normal(name: &str, node: impl Into<Written>) -> Node {
    let factory = FILTERS.iter().find(|factory| factory.name == name).unwrap();
    let mut reader = Reader::new(&NoLookup);
    (factory.normal)(&node.into().0, &mut reader).unwrap()
}

/// Somebody with a plan.
pub(crate) fn identity(name: &str, rates: &[Rate], quotas: &[Rate]) -> Arc<Identity> {
    let plan = Plan { name: "gold".into(), rates: rates.into(), quotas: quotas.into() };
    let consumer = Consumer {
        id: format!("id-{name}").into(),
        name: name.into(),
        plan: Some(Arc::new(plan)),
        ..Consumer::default()
    };
    Arc::new(Identity { consumer: Some(Arc::new(consumer)), ..Identity::default() })
}

/// The reply of a verdict.
pub(crate) fn reply(verdict: Verdict) -> portunus_exchange::Reply {
    match verdict {
        Verdict::Reply(reply) => *reply,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn passes(rig: &mut Rig, filter: &dyn Filter, exchange: &mut Exchange) -> bool {
    match rig.request(filter, exchange) {
        Verdict::Continue => true,
        Verdict::Reply(_) => false,
        other => panic!("{other:?}"),
    }
}

/// Heap allocations of 100 requests in steady state, with a recycled exchange.
pub(crate) fn allocations(filter: &dyn Filter, prepare: impl Fn(&mut Exchange)) -> u64 {
    let (mut rig, mut exchange) = (Rig::new(), exchange("GET /"));
    rig.notes.reserve(1000);
    let mut run = || {
        exchange.clear();
        prepare(&mut exchange);
        let verdict = {
            let mut cx = rig.cx();
            cx.notes = None;
            filter.on_request(&mut exchange, &mut cx)
        };
        assert!(matches!(verdict, Verdict::Continue));
    };
    // Buffers need a few rounds to grow.
    (0..4).for_each(|_| run());
    allocation_counter::measure(|| (0..100).for_each(|_| run())).count_total
}
