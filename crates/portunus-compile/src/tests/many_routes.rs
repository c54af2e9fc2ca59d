//! Ten thousand routes: how often filters are built, counted by a filter that counts.

use std::cell::Cell;
use std::fmt::Write as _;
use std::sync::Arc;

use portunus_exchange::{Phase, PhaseSet};
use portunus_filter::{BuildCx, Buildable, Factory, Filter, Interest};
use portunus_spec::spec;

use super::Process;
use crate::{Compiled, difference};

spec! {
    /// Counts how often it is built.
    struct CountedSpec {
        short = text;
        /// Anything.
        text: String = String::new(),
    }
}

struct Counted;

impl Buildable for CountedSpec {
    const NAME: &'static str = "counted";
    const DOC: &'static str = "Counts how often it is built.";

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        BUILDS.set(BUILDS.get() + 1);
        cx.slot();
        Some(Arc::new(Counted))
    }
}

impl Filter for Counted {
    fn interest(&self) -> Interest {
        Interest { phases: PhaseSet::NONE.with(Phase::Request), ..Interest::default() }
    }
}

thread_local! {
    static BUILDS: Cell<usize> = const { Cell::new(0) };
}

const FILTERS: &[Factory] = &[Factory::of::<CountedSpec>()];
const ROUTES: usize = 10_000;

/// 100 hosts with 100 routes each; every route has one filter of its own, one of its host and two of a chain, one of
/// which uses the path.
fn configuration(edit: impl Fn(usize) -> &'static str) -> String {
    let mut text = "filters: {chain: [counted, {counted: 'by {id}'}]}\nhosts:\n".to_owned();
    for host in 0..ROUTES / 100 {
        let _ = write!(text, "  h{host}.test:\n    use: [counted, chain]\n    routes:\n");
        for route in 0..100 {
            let (name, own) = (host * 100 + route, edit(host * 100 + route));
            let _ = writeln!(
                text,
                "      /api/r{route}/{{id}}: {{use: [{{counted: '{own}{name}'}}], to: http://10.0.0.{host}:80}}"
            );
        }
    }
    text
}

/// How many filters were built meanwhile.
fn builds<R>(act: impl FnOnce() -> R) -> (R, usize) {
    let before = BUILDS.get();
    let result = act();
    (result, BUILDS.get() - before)
}

#[test]
fn filters_are_built_once_and_on_a_reload_only_where_they_changed() {
    let process = Process { filters: FILTERS, ..Process::new() };
    let text = configuration(|_| "");
    let (first, count) = builds(|| process.load(&text, None));
    let (routes, hosts, chain) = (ROUTES, ROUTES / 100, 2);
    assert_eq!(count, routes + hosts + chain);
    assert_eq!(first.snapshot.routes.len(), ROUTES);
    assert_eq!(first.upstreams.len(), hosts);

    let (second, count) = builds(|| process.load(&text, Some(&first)));
    assert_eq!(count, 0);
    let mut pairs = first.snapshot.routes.iter().zip(&second.snapshot.routes);
    assert!(pairs.all(|(old, new)| Arc::ptr_eq(old, new)));

    let edited = configuration(|route| if route == 4711 { "new " } else { "" });
    let (third, count) = builds(|| process.load(&edited, Some(&second)));
    assert_eq!(count, 1);
    let changed = difference(Some(&second), &third).routes;
    assert_eq!(changed.changed, ["h47.test/api/r11/{id}"]);
    assert_eq!(changed.kept, ROUTES - 1);
    let slots = routes + hosts + chain;
    let live = |compiled: &Compiled| {
        (0..slots + 9).filter(|slot| compiled.snapshot.slots.has(*slot)).collect::<Vec<_>>()
    };
    assert_eq!(live(&second), (0..slots).collect::<Vec<_>>());
    let now = live(&third);
    assert_eq!((now.len(), now.last()), (slots, Some(&slots)), "one is gone, and one came");
    let kept = second.snapshot.routes.iter().zip(&third.snapshot.routes);
    assert_eq!(kept.filter(|(old, new)| Arc::ptr_eq(old, new)).count(), ROUTES - 1);
}
