use std::path::Path;

use portunus_balance::Address;
use portunus_compile::Registries;
use portunus_config::{Env, load_text};
use portunus_upstream::Upstream;

use super::*;
use crate::World;

/// A plan, and an upstream with two endpoints.
fn scene(health: &str) -> (HealthPlan, Arc<Target>) {
    let world = World::new("test", Env::default(), Registries { filters: &[] });
    let text = format!(
        "upstreams: {{up: {{endpoints: http://10.0.0.1, health: {health}}}}}\nhosts: {{'*': {{routes: {{/: up}}}}}}"
    );
    let loaded = load_text("portunus.yaml", &text, &Env::default());
    let spec = loaded.spec.as_ref().expect("it is right");
    let (compiled, found) = world.compile(spec, Path::new("."), None);
    let compiled = compiled.unwrap_or_else(|| panic!("{}", found.render(&loaded.sources, false)));
    let source = &compiled.upstreams[0];
    let target = Target::new(Arc::new(world), Arc::clone(&source.upstream));
    serve(&target, 1..=2);
    (source.health.clone().unwrap(), Arc::new(target))
}

fn serve(target: &Target, last: impl Iterator<Item = u8>) {
    let upstream: Arc<Upstream> = target.upstream();
    let endpoint = |last: u8| {
        let address = Address::Ip(([10, 0, 0, last], 80).into());
        let (name, authority) = (format!("e{last}"), address.to_string());
        let state = target.world().store.endpoint(upstream.plan.id, &address, &name);
        Endpoint { address, name, authority, weight: 1, zone: None, backup: false, state }
    };
    upstream.serve(last.map(endpoint).collect(), &target.world().metrics);
}

/// The rounds of checks that have just begun, with one endpoint down.
fn rounds(plan: &HealthPlan, target: &Arc<Target>) -> Rounds {
    let mut rounds = begun(plan, target);
    fail(&mut rounds, 0);
    assert_eq!(down(target), [true, false]);
    rounds
}

fn begun(plan: &HealthPlan, target: &Arc<Target>) -> Rounds {
    let mut rounds = Rounds {
        target: Arc::clone(target),
        stage: Arc::default(),
        serving: None,
        schedule: Schedule::new(plan.every, plan.healthy_after, Rng::seeded(1)),
        searches: Arc::new(Searches::new(1)),
        plan: plan.clone(),
    };
    rounds.follow(Instant::now());
    rounds
}

fn fail(rounds: &mut Rounds, index: usize) {
    let endpoint = rounds.serving.as_ref().unwrap().set.endpoints()[index].clone();
    rounds.note(&endpoint, Some(Err("it is off".to_owned())));
}

fn down(target: &Target) -> Vec<bool> {
    let serving = target.upstream().serving.load();
    serving.set.endpoints().iter().map(|endpoint| endpoint.state.active_down()).collect()
}

const ONCE: &str = "{path: /, unhealthy_after: 1}";

#[test]
fn checks_that_have_ended_say_nothing_more_and_take_back_what_they_said() {
    let (plan, target) = scene(ONCE);
    let mut rounds = rounds(&plan, &target);
    rounds.stage.0.store(ENDED, SeqCst);
    fail(&mut rounds, 1);
    assert_eq!(down(&target), [true, false]);
    drop(rounds);
    assert_eq!(down(&target), [false, false]);
}

#[test]
fn others_go_on_from_what_was_said() {
    let (plan, target) = scene(ONCE);
    let mut before = rounds(&plan, &target);
    let thread = LocalThread::start("test").unwrap();
    let task = thread.spawn(std::future::pending::<()>);
    let checks = Checks { plan: plan.clone(), stage: Arc::clone(&before.stage), _task: task };
    checks.replaced();
    let mut after = begun(&plan, &target);
    fail(&mut before, 1);
    drop(before);
    assert_eq!(down(&target), [true, false]);
    let endpoint = after.serving.as_ref().unwrap().set.endpoints()[0].clone();
    after.note(&endpoint, Some(Ok(())));
    assert_eq!(down(&target), [false, false]);
}

#[test]
fn an_endpoint_that_leaves_takes_no_verdict_with_it() {
    let (plan, target) = scene(ONCE);
    let mut rounds = rounds(&plan, &target);
    let held = rounds.serving.as_ref().unwrap().set.endpoints()[0].clone();
    serve(&target, 2..=3);
    rounds.follow(Instant::now());
    rounds.note(&held, Some(Err("it is off".to_owned())));
    assert!(!held.state.active_down());
}

#[test]
fn a_check_that_could_not_be_made_says_nothing() {
    let (plan, target) = scene(ONCE);
    let mut rounds = rounds(&plan, &target);
    let endpoint = rounds.serving.as_ref().unwrap().set.endpoints()[1].clone();
    rounds.note(&endpoint, None);
    assert_eq!(down(&target), [true, false]);
}
