use super::Tally;

/// The state after each result: `+` and `-` are results, upper case marks a change.
fn states(results: &str, rise: u32, fall: u32) -> String {
    let mut tally = Tally::new(false);
    let word = |changed: Option<bool>, down: bool| match (changed, down) {
        (None, false) => 'u',
        (None, true) => 'd',
        (Some(true), _) => 'U',
        (Some(false), _) => 'D',
    };
    let mut state = |result: char| {
        let changed = tally.record(result == '+', rise, fall);
        word(changed, tally.down)
    };
    results.chars().map(&mut state).collect()
}

#[test]
fn only_results_in_a_row_count() {
    assert_eq!(states("--+---", 2, 3), "uuuuuD");
    assert_eq!(states("---+-++", 2, 3), "uuDdddU");
    assert_eq!(states("-+-", 1, 1), "DUD");
    assert_eq!(states("+++", 1, 1), "uuu");
}
