use super::*;
use crate::tests::Process;

#[test]
fn names_are_listed_up_to_a_bound() {
    let names = |count: usize| (0..count).map(|at| format!("n{at}")).collect();
    let some = Changed { added: names(1), changed: names(5), kept: 7, ..Changed::default() };
    assert_eq!(some.to_string(), "1 added (n0), 5 changed (n0, n1, n2, n3, n4), 7 kept");
    let many = Changed { removed: names(6), ..Changed::default() };
    assert_eq!(many.to_string(), "6 removed (n0, n1, n2, n3, n4, …), 0 kept");
    assert_eq!(Changed::default().to_string(), "0 kept");
}

#[test]
fn without_a_previous_result_everything_is_added() {
    let text = "hosts: {a.test: {routes: {/a: http://10.0.0.1}}}";
    let compiled = Process::new().load(text, None);
    let change = difference(None, &compiled);
    assert_eq!(
        change.to_string(),
        "listeners: 1 added (web), 0 kept\nroutes: 1 added (a.test/a), 0 kept\n\
         upstreams: 1 added (http://10.0.0.1:80), 0 kept"
    );
    assert!(!change.is_empty());
}

#[test]
fn other_conditions_are_a_change_though_the_route_is_the_same() {
    let process = Process::new();
    let text = |methods| {
        format!(
            "hosts: {{a.test: {{routes: {{/a: {{methods: {methods}, to: http://10.0.0.1}}}}}}}}"
        )
    };
    let old = process.load(&text("GET"), None);
    let new = process.load(&text("PUT"), Some(&old));
    assert!(Arc::ptr_eq(&old.snapshot.routes[0], &new.snapshot.routes[0]));
    assert_eq!(difference(Some(&old), &new).routes.changed, ["a.test/a"]);
}
