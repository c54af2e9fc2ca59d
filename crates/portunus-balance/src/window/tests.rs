use proptest::prelude::*;

use super::*;

const SECOND: u64 = 1_000_000;
const OVER: Duration = Duration::from_secs(10);

const PLAN: WindowPlan = WindowPlan {
    over: OVER,
    min_requests: 20,
    error_rate: None,
    success_rate_stdev: None,
    slower_than: None,
};

const NONE: [usize; 0] = [];

/// `answers` of this latency, of which `bad` are errors.
fn seen(answers: u64, bad: u64, latency_us: u64) -> Totals {
    Totals { answers, server_errors: bad, failures: 0, latency_us: answers * latency_us }
}

fn indices(plan: &WindowPlan, seen: &[Totals]) -> Vec<usize> {
    plan.outliers(seen).into_iter().map(|(index, _)| index).collect()
}

#[test]
fn a_share_of_bad_results_ejects_the_worst_first() {
    let plan = WindowPlan { error_rate: Some(0.5), ..PLAN };
    let failing = Totals { failures: 30, ..seen(10, 0, 0) };
    let all = [seen(100, 50, 0), seen(100, 49, 0), failing, seen(19, 19, 0)];
    let found = [(2, Ejection::ErrorRate), (0, Ejection::ErrorRate)];
    assert_eq!(plan.outliers(&all), found);
}

#[test]
fn far_below_the_mean_of_all_ejects() {
    let plan = WindowPlan { success_rate_stdev: Some(1.9), ..PLAN };
    let mut all = vec![seen(100, 1, 0); 5];
    all.push(seen(100, 10, 0));
    assert_eq!(plan.outliers(&all), [(5, Ejection::SuccessRate)]);
    // All are as bad: nobody is an outlier.
    assert_eq!(indices(&plan, &[seen(100, 60, 0); 6]), NONE);
    // One of n is at most √(n - 1) deviations below the mean: 2 for five, 1.73 for four, 1.41 for three.
    assert_eq!(indices(&plan, &all[1..]), [4]);
    assert_eq!(indices(&plan, &all[2..]), NONE);
    let of_three = WindowPlan { success_rate_stdev: Some(1.4), ..PLAN };
    assert_eq!(indices(&of_three, &all[3..]), [2]);
}

#[test]
fn a_few_bad_results_are_chance() {
    let plan = WindowPlan { success_rate_stdev: Some(1.1), ..PLAN };
    let among = |bad| indices(&plan, &[seen(20, 0, 0), seen(20, 0, 0), seen(20, bad, 0)]);
    assert_eq!((among(4), among(5)), (vec![], vec![2]));
}

#[test]
fn slower_than_the_others_ejects_the_slowest_first() {
    let plan = WindowPlan { slower_than: Some(3.0), ..PLAN };
    let with = |latencies: &[u64]| {
        let all: Vec<Totals> = latencies.iter().map(|us| seen(20, 0, *us)).collect();
        indices(&plan, &all)
    };
    assert_eq!(with(&[10_000, 10_000, 31_000]), [2]);
    assert_eq!(with(&[10_000, 10_000, 30_000]), NONE);
    assert_eq!(with(&[10_000, 90_000, 12_000, 60_000, 11_000]), [1, 3]);
    assert_eq!(with(&[10_000, 31_000]), [1]);
    // Nobody to compare with; and faster than anybody notices.
    assert_eq!(with(&[90_000]), NONE);
    assert_eq!(with(&[100, 100, 9_000]), NONE);
    assert_eq!(plan.outliers(&[seen(20, 0, 100), seen(20, 0, 20_000)])[0].1, Ejection::Latency);
}

#[test]
fn an_endpoint_with_few_answers_is_neither_judged_nor_compared_with() {
    let plan = WindowPlan { slower_than: Some(2.0), error_rate: Some(0.1), ..PLAN };
    assert_eq!(indices(&plan, &[seen(20, 0, 50_000), seen(19, 19, 1_000)]), NONE);
    assert_eq!(indices(&plan, &[seen(20, 0, 1_000), seen(19, 19, 90_000)]), NONE);
}

#[test]
fn a_window_forgets_what_is_older() {
    let mut window = Window::default();
    let mut at = |second: u64, answers| {
        window.advance(seen(answers, 0, 0), OVER, Mono(second * SECOND)).answers
    };
    // What was before the first look belongs to no window.
    assert_eq!(at(100, 7), 0);
    assert_eq!(at(101, 17), 10);
    assert_eq!(at(110, 107), 100);
    assert_eq!(at(111, 117), 100);
    assert_eq!(at(200, 117), 0);
}

#[test]
fn frequent_looks_keep_few_marks() {
    let mut window = Window::default();
    for step in 0..10_000 {
        let _ = window.advance(seen(step, 0, 0), OVER, Mono(step * 10_000));
        assert!(window.marks.len() <= 12);
    }
}

proptest! {
    #[test]
    fn a_window_has_what_came_within_it(
        steps in prop::collection::vec((1_u64..3_000_000, 0_u64..50), 1..200),
    ) {
        let (mut window, mut now, mut total) = (Window::default(), Mono(0), 0);
        let mut looks = vec![];
        for (pause, answers) in steps {
            now = Mono(now.0 + pause);
            total += answers;
            looks.push((now, total));
            let found = window.advance(seen(total, 0, 0), OVER, now).answers;
            let within = |us: u64| looks.iter().find(|(at, _)| now.since_us(*at) <= us);
            let most = within(10 * SECOND).map(|(_, before)| total - before);
            prop_assert!(Some(found) <= most);
            // Marks are set at looks: the oldest one in use is younger by a tenth and one pause at most.
            let least = within(6 * SECOND).map(|(_, before)| total - before);
            prop_assert!(Some(found) >= least);
        }
    }

    #[test]
    fn equals_are_never_outliers(
        count in 1_usize..20,
        answers in 20_u64..1000,
        bad in 0_u64..20,
        latency_us in 0_u64..10_000_000,
        factor in 0.1_f64..4.0,
        times in 1.0_f64..10.0,
    ) {
        let plan =
            WindowPlan { success_rate_stdev: Some(factor), slower_than: Some(times), ..PLAN };
        prop_assert_eq!(plan.outliers(&vec![seen(answers, bad, latency_us); count]), []);
    }

    #[test]
    fn the_median_without_one_is_that_of_the_rest(
        values in prop::collection::vec(0_u32..1000, 2..12),
        pick in 0_usize..12,
    ) {
        let mut sorted: Vec<f64> = values.into_iter().map(f64::from).collect();
        sorted.sort_by(f64::total_cmp);
        let one = sorted[pick % sorted.len()];
        let found = median_without(&sorted, one);
        let mut rest = sorted.clone();
        rest.remove(pick % sorted.len());
        let (low, high) = (rest[(rest.len() - 1) / 2], rest[rest.len() / 2]);
        prop_assert_eq!(found, Some((low + high) / 2.0));
    }
}
