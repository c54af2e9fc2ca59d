//! What all tests of filters need beside [`portunus_filter::testing`]: building through the registry.

use std::sync::Arc;

use portunus_exchange::Exchange;
use portunus_filter::testing::Bench;
use portunus_filter::{Filter, Verdict};
use portunus_spec::{Diagnostic, Node};

pub(crate) use portunus_filter::testing::{
    Rig, exchange, header, lines, list, resumed, shown, shown_reply, texts,
};

fn bench() -> Bench {
    let mut bench = Bench::new(crate::FILTERS);
    bench.files.insert("404.html", "<style>p {}</style>".to_owned());
    bench
}

/// Builds a filter through the registry; the mistakes when there are any.
pub(crate) fn build(name: &str, node: Node) -> Result<Arc<dyn Filter>, Vec<Diagnostic>> {
    bench().build(name, node)
}

pub(crate) fn build_with_warnings(
    name: &str,
    node: Node,
) -> (Option<Arc<dyn Filter>>, Vec<Diagnostic>) {
    bench().build_with_warnings(name, node)
}

/// The mistakes of a filter that must not build, as text.
pub(crate) fn mistakes(name: &str, node: Node) -> String {
    bench().mistakes(name, node)
}

/// Heap allocations of 100 requests in steady state, with a recycled exchange.
pub(crate) fn allocations(
    filter: &dyn Filter,
    exchange: &mut Exchange,
    prepare: impl Fn(&mut Exchange),
) -> u64 {
    let mut rig = Rig::new();
    let mut run = || {
        exchange.clear();
        prepare(exchange);
        assert!(matches!(rig.request(filter, exchange), Verdict::Continue));
        assert!(matches!(rig.response(filter, exchange), Verdict::Continue));
    };
    // Buffers that trade places need a few rounds to grow.
    (0..4).for_each(|_| run());
    allocation_counter::measure(|| (0..100).for_each(|_| run())).count_total
}
