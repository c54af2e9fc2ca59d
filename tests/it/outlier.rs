//! Endpoints that fail in a row are left out for a while.

use portunus_testkit::{Origin, Program, Response};

const CONFIG: &str = r#"
workers: 1
upstreams:
  shop:
    endpoints: ["{good}", "{bad}", "{other}"]
    outlier: {consecutive_5xx: 3, eject_for: 1m}
hosts:
  "*": {routes: {/**: shop}}
"#;

fn statuses(program: &Program, count: usize) -> Vec<u16> {
    let mut client = program.client();
    (0..count).map(|_| client.request("GET", "/").send().status).collect()
}

#[test]
fn one_that_answers_errors_in_a_row_gets_no_more_requests() {
    let fine = || Origin::new(|_| Response::text("fine"));
    let (good, bad, other) = (fine(), Origin::new(|_| Response::status(500)), fine());
    let program =
        Program::config(CONFIG).fill("good", &good).fill("bad", &bad).fill("other", &other).start();
    let first = statuses(&program, 9);
    assert_eq!(first.iter().filter(|status| **status == 500).count(), 3, "{first:?}");
    assert_eq!(statuses(&program, 12), [200; 12]);
    assert_eq!(bad.requests().len(), 3);
}

#[test]
fn no_more_than_a_share_of_them_is_left_out() {
    let failing = || Origin::new(|_| Response::status(500));
    let (good, bad, other) = (failing(), failing(), failing());
    let program =
        Program::config(CONFIG).fill("good", &good).fill("bad", &bad).fill("other", &other).start();
    let all = statuses(&program, 30);
    assert_eq!(all, [500; 30]);
    // One of three is ejected at most: the others go on getting theirs.
    let mut counts = [&good, &bad, &other].map(|origin| origin.requests().len());
    counts.sort_unstable();
    assert!(counts[0] >= 3 && counts[1] >= 9, "{counts:?}");
}
