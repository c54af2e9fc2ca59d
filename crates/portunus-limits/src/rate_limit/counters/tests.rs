use std::time::Duration;

use super::*;
use portunus_base::{Mono, Rate, Wall};
use proptest::prelude::{prop, prop_assert_eq, proptest};

fn budget(count: u64, window_s: u64) -> Budget {
    Budget::new(Rate { count, window: Duration::from_secs(window_s) }, count).unwrap()
}

fn counters(algorithm: Algorithm, budgets: &[Budget]) -> Counters {
    let window = |budget: &Budget| Window::new(budget.rate()).unwrap();
    match algorithm {
        Algorithm::Gcra => Counters::Gcra(Arc::new(Gcra::new(100))),
        Algorithm::SlidingWindow => {
            let tables = budgets.iter().map(|it| SlidingWindow::new(window(it), 100));
            Counters::Sliding(Arc::new(tables.collect()))
        }
    }
}

proptest! {
    /// As one who looks at all rates first, and takes from them only where all let it pass.
    #[test]
    fn all_rates_give_or_none(
        counts in (1u64..6, 1u64..20),
        asks in prop::collection::vec((0u64..400_000, 1u64..4, 0u64..3), 1..100),
        is_sliding: bool,
    ) {
        let algorithm = if is_sliding { Algorithm::SlidingWindow } else { Algorithm::Gcra };
        let budgets = [budget(counts.0, 1), budget(counts.1, 60)];
        let real = counters(algorithm, &budgets);
        let model = [0, 1].map(|at: usize| counters(algorithm, &budgets[at..=at]));
        let mut now = Mono(1);
        for (gap, cost, key) in asks {
            now = Mono(now.0 + gap);
            let ask = Ask { key: key << 40, parts: &[], cost, plan: None, now, wall: Wall(0) };
            let fits = |at: usize| model[at].peek(&budgets[at..=at], &ask).allowed;
            let expected = fits(0) && fits(1);
            if expected {
                let _ = [0, 1].map(|at: usize| model[at].admit(&budgets[at..=at], &ask).allowed);
            }
            let outcome = real.admit(&budgets, &ask);
            prop_assert_eq!(outcome.allowed, expected);
            for (at, (_, admission)) in outcome.each.iter().enumerate() {
                let left = model[at].peek(&budgets[at..=at], &ask).each[0].1.remaining;
                prop_assert_eq!(admission.remaining, left);
            }
        }
    }
}
