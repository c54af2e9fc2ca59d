use std::path::Path;

use portunus_balance::{Address, Outcome};
use portunus_compile::Registries;
use portunus_config::{Env, load_text};
use portunus_telemetry::Exposition;
use portunus_upstream::Upstream;

use super::*;
use crate::World;

const SECOND: u64 = 1_000_000;

/// An upstream with endpoints, and what is known of them.
struct Scene {
    world: World,
    upstream: Arc<Upstream>,
    ledger: Ledger,
}

impl Scene {
    fn new(settings: &str, count: u8) -> Self {
        let world = World::new("test", Env::default(), Registries { filters: &[] });
        let ledger = Ledger::new(world.metrics.shard(SHARD));
        let upstream = Self::upstream(&world, settings);
        let scene = Self { world, upstream, ledger };
        scene.serve(count);
        scene
    }

    fn upstream(world: &World, settings: &str) -> Arc<Upstream> {
        let text = format!(
            "upstreams: {{up: {{endpoints: http://10.0.0.1, {settings}}}}}\nhosts: {{'*': {{routes: {{/: up}}}}}}"
        );
        let loaded = load_text("portunus.yaml", &text, &Env::default());
        let spec = loaded.spec.as_ref().expect("it is right");
        let (compiled, found) = world.compile(spec, Path::new("."), None);
        let compiled =
            compiled.unwrap_or_else(|| panic!("{}", found.render(&loaded.sources, false)));
        Arc::clone(&compiled.upstreams[0].upstream)
    }

    /// Goes on with other settings and the same endpoints.
    fn change(&mut self, settings: &str) {
        let count = self.set().set.endpoints().len();
        self.upstream = Self::upstream(&self.world, settings);
        self.serve(count as u8);
    }

    fn serve(&self, count: u8) {
        let endpoint = |last: u8| {
            let address = Address::Ip(([10, 0, 0, last], 80).into());
            let (name, authority) = (format!("e{last}"), address.to_string());
            let state = self.world.store.endpoint(self.upstream.plan.id, &address, &name);
            Endpoint { address, name, authority, weight: 1, zone: None, backup: false, state }
        };
        self.upstream.serve((1..=count).map(endpoint).collect(), &self.world.metrics);
    }

    fn set(&self) -> Arc<ServingSet> {
        self.upstream.serving.load()
    }

    fn state(&self, index: usize) -> Arc<EndpointState> {
        Arc::clone(&self.set().set.endpoints()[index].state)
    }

    fn round(&mut self, second: u64) {
        self.ledger.round(&self.upstream.plan, &self.set(), Mono(second * SECOND));
    }

    /// Tells results of an endpoint, and ejects it when they say so.
    fn tell(&self, index: usize, outcome: Outcome, count: usize, second: u64) {
        let (serving, now) = (self.set(), Mono(second * SECOND));
        let plan = self.upstream.plan.outlier.as_ref();
        for _ in 0..count {
            let state = &serving.set.endpoints()[index].state;
            if let Some(why) = state.observe(outcome, Duration::ZERO, plan, now) {
                serving.set.eject(index, why, plan.unwrap(), now);
            }
        }
    }

    /// Whether there is this sample among the metrics.
    #[track_caller]
    fn assert_sample(&self, sample: &str) {
        let text = self.world.metrics.render(Exposition::Prometheus);
        assert!(text.lines().any(|line| line == sample), "{sample}\n{text}");
    }

    #[track_caller]
    fn assert_ejections(&self, endpoint: &str, reason: &str, count: u32) {
        self.assert_sample(&format!(
            "portunus_endpoint_ejections_total{{upstream=\"up\",endpoint=\"{endpoint}\",reason=\"{reason}\"}} {count}"
        ));
    }

    #[track_caller]
    fn assert_ejected(&self, endpoint: &str, ejected: u8) {
        self.assert_sample(&format!(
            "portunus_endpoint_ejected{{upstream=\"up\",endpoint=\"{endpoint}\"}} {ejected}"
        ));
    }
}

#[test]
fn a_slow_start_goes_on_by_rounds_and_ends() {
    let mut scene = Scene::new("health: {path: /, slow_start: 90s}", 2);
    scene.state(0).begin_slow_start(Mono(SECOND));
    let mut percent = |second| {
        scene.round(second);
        [0, 1].map(|index| scene.state(index).weight_percent())
    };
    assert_eq!(percent(1), [10, 100]);
    assert_eq!(percent(46), [55, 100]);
    assert_eq!(percent(91), [100, 100]);
    assert_eq!(percent(95), [100, 100]);
}

#[test]
fn ejections_are_counted_by_what_they_are_for_and_shown_while_they_last() {
    let mut scene = Scene::new("outlier: {consecutive_5xx: 3, consecutive_failures: 2}", 4);
    scene.tell(0, Outcome::ServerError, 3, 1);
    scene.tell(1, Outcome::Failed, 2, 1);
    scene.round(1);
    scene.assert_ejections("e1", "consecutive_5xx", 1);
    scene.assert_ejections("e2", "consecutive_failures", 1);
    scene.assert_ejections("e3", "consecutive_5xx", 0);
    for (endpoint, is_out) in [("e1", 1), ("e2", 1), ("e3", 0)] {
        scene.assert_ejected(endpoint, is_out);
    }
    scene.round(31);
    scene.assert_ejected("e1", 0);
    scene.assert_ejections("e1", "consecutive_5xx", 1);
}

#[test]
fn one_that_is_bad_over_a_while_is_ejected_once_for_it() {
    let outlier = "outlier: {error_rate: 30%, over: 60s, min_requests: 10, eject_for: 5s}";
    let mut scene = Scene::new(outlier, 3);
    scene.round(0);
    for _ in 0..10 {
        scene.tell(0, Outcome::ServerError, 1, 1);
        scene.tell(0, Outcome::Good, 1, 1);
        scene.tell(1, Outcome::Good, 2, 1);
    }
    scene.round(2);
    scene.assert_ejections("e1", "error_rate", 1);
    assert!(scene.state(0).is_ejected(Mono(2 * SECOND)) && !scene.state(1).is_ejected(Mono(0)));
    // It is back, and what it did before is forgotten, though the window is longer than the ejection.
    scene.round(8);
    scene.tell(0, Outcome::Good, 9, 8);
    scene.tell(0, Outcome::ServerError, 2, 8);
    scene.round(9);
    scene.assert_ejections("e1", "error_rate", 1);
    scene.assert_ejected("e1", 0);
}

#[test]
fn one_that_is_much_slower_is_ejected_but_no_more_than_may_be() {
    let outlier = "outlier: {slower_than: 3x, min_requests: 5, max_ejected: 40%}";
    let mut scene = Scene::new(outlier, 5);
    scene.round(0);
    let plan = scene.upstream.plan.outlier.unwrap();
    for (index, latency_ms) in [20, 900, 21, 800, 22].into_iter().enumerate() {
        scene.tell(index, Outcome::Good, 5, 1);
        (0..5).for_each(|_| scene.state(index).note_latency(latency_ms * 1000, &plan));
    }
    scene.round(1);
    let out = |index| scene.state(index).is_ejected(Mono(SECOND));
    assert_eq!([0, 1, 2, 3, 4].map(out), [false, true, false, true, false]);
    scene.assert_ejections("e2", "latency", 1);

    let mut scene = Scene::new(&outlier.replace("40%", "20%"), 5);
    scene.round(0);
    for (index, latency_ms) in [20, 800, 21, 900, 22].into_iter().enumerate() {
        scene.tell(index, Outcome::Good, 5, 1);
        (0..5).for_each(|_| scene.state(index).note_latency(latency_ms * 1000, &plan));
    }
    scene.round(1);
    let out = |index| scene.state(index).is_ejected(Mono(SECOND));
    assert_eq!([1, 3].map(out), [false, true]);
}

#[test]
fn without_outlier_in_a_new_plan_nobody_stays_ejected() {
    let mut scene = Scene::new("outlier: {consecutive_5xx: 3}", 2);
    scene.tell(0, Outcome::ServerError, 3, 1);
    scene.round(1);
    scene.assert_ejected("e1", 1);
    scene.change("health: {path: /, slow_start: 5s}");
    assert!(scene.state(0).is_ejected(Mono(2 * SECOND)));
    scene.round(2);
    assert!(scene.state(0).usable(Mono(2 * SECOND)));
    scene.assert_ejected("e1", 0);
}

#[test]
fn an_ejection_outlives_another_plan_and_ends_with_its_endpoint() {
    let mut scene = Scene::new("outlier: {consecutive_5xx: 3}", 2);
    scene.tell(1, Outcome::ServerError, 3, 1);
    scene.round(1);
    scene.change("outlier: {consecutive_5xx: 4}");
    scene.round(2);
    assert!(scene.state(1).is_ejected(Mono(2 * SECOND)));
    scene.assert_ejected("e2", 1);
    scene.assert_ejections("e2", "consecutive_5xx", 1);
    scene.serve(1);
    scene.round(3);
    scene.assert_ejected("e2", 0);
}

#[test]
fn a_set_heeds_a_panic_from_when_it_is_served() {
    let scene = Scene::new("outlier: {consecutive_5xx: 3, panic: 100%}", 2);
    let (now, plan) = (SystemClock.mono(), scene.upstream.plan.outlier.unwrap());
    assert!(scene.set().set.eject(1, portunus_balance::Ejection::Consecutive5xx, &plan, now));
    let keeps = || scene.set().set.keeps(1, now);
    assert!(keeps());
    scene.serve(2);
    assert!(keeps());
}

#[test]
fn the_pause_is_as_short_as_it_must_be() {
    let pause_of = |settings: &str| pause(&Scene::new(settings, 1).upstream.plan).as_millis();
    assert_eq!(pause_of("outlier: {consecutive_5xx: 3}"), 1000);
    assert_eq!(pause_of("outlier: {error_rate: 50%, over: 5s}"), 500);
    assert_eq!(pause_of("outlier: {error_rate: 50%, over: 10m}"), 1000);
    assert_eq!(pause_of("health: {path: /, slow_start: 9s}"), 100);
    assert_eq!(pause_of("health: {path: /, slow_start: 1s}, outlier: {error_rate: 1%}"), 50);
}

#[test]
fn a_round_logs_a_few_lines_however_many_endpoints_there_are() {
    let mut lines = Lines { upstream: "up", written: 0, more: 0 };
    (0..LINES_MAX + 5).for_each(|_| lines.ejected("e", "latency", 1));
    assert_eq!((lines.written, lines.more), (LINES_MAX, 5));
}
