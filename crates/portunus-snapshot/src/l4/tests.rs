use portunus_base::UpstreamId;

use super::*;

fn to(upstream: u32) -> Arc<TcpPlan> {
    Arc::new(TcpPlan::new(Destination::Upstream(UpstreamId(upstream))))
}

fn check(plan: &SniPlan, name: Option<&str>, expected: Option<u32>) {
    let found = plan.find(name).map(|plan| plan.destination.clone());
    assert_eq!(found, expected.map(|id| Destination::Upstream(UpstreamId(id))), "{name:?}");
}

#[test]
fn the_most_specific_name_wins() {
    let entries = [("a.test", to(1)), ("*.A.test", to(2)), ("*.b.a.test", to(3)), ("*", to(4))];
    let plan = SniPlan::new(entries);
    check(&plan, Some("a.test"), Some(1));
    check(&plan, Some("A.Test"), Some(1));
    check(&plan, Some("x.a.test"), Some(2));
    check(&plan, Some("y.x.a.test"), Some(2));
    check(&plan, Some("X.b.a.test"), Some(3));
    check(&plan, Some("b.a.test"), Some(2));
    check(&plan, Some("aa.test"), Some(4));
    check(&plan, None, Some(4));
    assert_eq!(plan.plans().count(), 4);
}

#[test]
fn without_a_pattern_for_all_others_there_may_be_none() {
    let plan = SniPlan::new([("*.a.test", to(1))]);
    check(&plan, Some("a.test"), None);
    check(&plan, Some("test"), None);
    check(&plan, Some(""), None);
    check(&plan, None, None);
}
