use super::Tally;

/// The state after each result: `+` and `-` are results, upper case marks a change.
fn states_from(mut tally: Tally, mut down: bool, results: &str, rise: u32, fall: u32) -> String {
    let mut state = |result: char| {
        let changed = tally.record(result == '+', down, rise, fall);
        down = changed.map_or(down, |healthy| !healthy);
        match (changed, down) {
            (None, false) => 'u',
            (None, true) => 'd',
            (Some(_), false) => 'U',
            (Some(_), true) => 'D',
        }
    };
    results.chars().map(&mut state).collect()
}

fn states(results: &str, rise: u32, fall: u32) -> String {
    states_from(Tally::default(), false, results, rise, fall)
}

#[test]
fn only_results_in_a_row_count() {
    assert_eq!(states("--+---", 2, 3), "uuuuuD");
    assert_eq!(states("---+-++", 2, 3), "uuDdddU");
    assert_eq!(states("-+-", 1, 1), "DUD");
    assert_eq!(states("+++", 1, 1), "uuu");
}

#[test]
fn what_other_checks_said_is_taken_back_by_the_first_good_one() {
    let inherited = |down, results| states_from(Tally::inherited(down, 3), down, results, 3, 2);
    assert_eq!(inherited(true, "+--"), "UuD");
    assert_eq!(inherited(true, "-++"), "ddd");
    assert_eq!(inherited(false, "--+"), "uDd");
}
