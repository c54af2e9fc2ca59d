use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::*;

const RULE: GradientRule = GradientRule {
    min: 4,
    max: 1_000,
    tolerance: 0.5,
    window: Duration::from_millis(100),
    measure_every: Duration::from_secs(20),
};

/// A service with so many hands, behind a limit that finds itself. Requests come at random (Poisson), each takes a time
/// of an exponential distribution, and waits in the service for a free hand (M/M/c).
struct Service<'g> {
    gradient: &'g Gradient,
    rule: GradientRule,
    rng: Rng,
    hands: usize,
    work_us: f64,
    now_us: f64,
    /// Requests in work: when they end, and when they began.
    busy: BinaryHeap<Reverse<(u64, u64)>>,
    /// Requests that wait for a hand: when they began.
    line: VecDeque<u64>,
    served: u32,
    shed: u32,
}

impl<'g> Service<'g> {
    fn new(gradient: &'g Gradient, hands: usize, work_ms: f64) -> Self {
        let (busy, line) = (BinaryHeap::new(), VecDeque::new());
        let (rng, work_us) = (Rng::seeded(7), work_ms * 1_000.0);
        Self {
            gradient,
            rule: RULE,
            rng,
            hands,
            work_us,
            now_us: 1.0,
            busy,
            line,
            served: 0,
            shed: 0,
        }
    }

    fn draw(&mut self, mean: f64) -> f64 {
        let even = (self.rng.u64() >> 11) as f64 / (1u64 << 53) as f64;
        -(1.0 - even).ln() * mean
    }

    /// Lets requests come at this rate for so many seconds. The share of what the service could do at most that it did.
    fn run(&mut self, per_second: f64, seconds: f64) -> f64 {
        let until = self.now_us + seconds * 1e6;
        (self.served, self.shed) = (0, 0);
        let mut arrival = self.now_us + self.draw(1e6 / per_second);
        while self.now_us < until {
            match self.busy.peek() {
                Some(Reverse((end, _))) if (*end as f64) < arrival => self.finish(),
                _ => {
                    self.now_us = arrival;
                    self.arrive();
                    arrival += self.draw(1e6 / per_second);
                }
            }
        }
        let capacity = self.hands as f64 * seconds * 1e6 / self.work_us;
        f64::from(self.served) / capacity
    }

    fn arrive(&mut self) {
        if !self.gradient.begin(&self.rule) {
            self.shed += 1;
            return;
        }
        self.line.push_back(self.now_us as u64);
        self.work();
    }

    fn finish(&mut self) {
        let Some(Reverse((end, began))) = self.busy.pop() else { return };
        self.now_us = self.now_us.max(end as f64);
        self.served += 1;
        let rng = &mut self.rng;
        self.gradient.end(end - began, &self.rule, Mono(end), rng);
        self.work();
    }

    fn work(&mut self) {
        while self.busy.len() < self.hands {
            let Some(began) = self.line.pop_front() else { return };
            let takes = self.draw(self.work_us);
            self.busy.push(Reverse(((self.now_us + takes) as u64, began)));
        }
    }

    fn limit(&self) -> u32 {
        self.gradient.limit(&self.rule)
    }
}

#[test]
fn under_overload_it_finds_what_the_service_can_do() {
    for (hands, work_ms) in [(10, 20.0), (50, 10.0), (200, 40.0)] {
        let gradient = Gradient::default();
        let mut service = Service::new(&gradient, hands, work_ms);
        let capacity = hands as f64 * 1_000.0 / work_ms;
        service.run(capacity * 3.0, 10.0);
        let goodput = service.run(capacity * 3.0, 60.0);
        let limit = service.limit() as usize;
        assert!(goodput > 0.9, "{hands}: {goodput} at a limit of {limit}");
        assert!((hands / 2..hands * 3).contains(&limit), "{hands}: {limit}");
    }
}

#[test]
fn it_follows_a_service_that_loses_hands_and_gets_them_back() {
    let gradient = Gradient::default();
    let mut service = Service::new(&gradient, 100, 20.0);
    service.run(15_000.0, 10.0);
    service.hands = 25;
    service.run(15_000.0, 10.0);
    let goodput = service.run(15_000.0, 30.0);
    assert!(goodput > 0.9, "{goodput}");
    assert!((15..75).contains(&service.limit()), "{}", service.limit());
    service.hands = 100;
    service.run(15_000.0, 10.0);
    let goodput = service.run(15_000.0, 30.0);
    assert!(goodput > 0.9, "{goodput}");
    assert!(service.limit() > 60, "{}", service.limit());
}

#[test]
fn it_follows_a_service_whose_work_takes_longer_than_before() {
    let gradient = Gradient::default();
    let mut service = Service::new(&gradient, 50, 10.0);
    service.run(15_000.0, 10.0);
    service.work_us *= 4.0;
    service.run(15_000.0, 15.0);
    let goodput = service.run(15_000.0, 30.0);
    assert!(goodput > 0.85, "{goodput} at {}", service.limit());
    service.work_us /= 4.0;
    service.run(15_000.0, 15.0);
    let goodput = service.run(15_000.0, 30.0);
    assert!(goodput > 0.85, "{goodput} at {}", service.limit());
}

#[test]
fn under_a_constant_low_load_it_sheds_nothing_and_does_not_fall() {
    let gradient = Gradient::default();
    let mut service = Service::new(&gradient, 50, 10.0);
    service.run(1_000.0, 20.0);
    let limit = service.limit();
    assert!(limit >= 16, "{limit}");
    service.run(1_000.0, 300.0);
    let (shed, served) = (f64::from(service.shed), f64::from(service.served));
    assert!(shed / served < 0.001, "{shed} of {served}");
    assert!(service.limit() >= 16, "{}", service.limit());
}

#[test]
fn it_stays_within_its_bounds() {
    let rule = GradientRule { min: 2, max: 8, ..RULE };
    let (gradient, mut rng) = (Gradient::default(), Rng::seeded(1));
    assert_eq!(gradient.limit(&rule), 2);
    let mut now = Mono(1);
    let mut rounds = |latency_us: u64| {
        for _ in 0..100 {
            let begun = (0..20).filter(|_| gradient.begin(&rule)).count();
            assert_eq!((begun as u32, gradient.room(&rule)), (gradient.limit(&rule), 0));
            now = now.after(Duration::from_millis(30));
            (0..begun).for_each(|_| gradient.end(latency_us, &rule, now, &mut rng));
        }
        gradient.limit(&rule)
    };
    assert_eq!(rounds(1_000), 8);
    assert_eq!(gradient.in_flight(), 0);
}

/// Lets the service run for so many seconds: the mean of the limit, and the share of what there was to do that was done.
fn settled(service: &mut Service<'_>, load: f64, seconds: u32) -> (f64, f64) {
    let rate = load * service.hands as f64 * 1e6 / service.work_us;
    let (mut limits, mut goodput) = (0.0, 0.0);
    for _ in 0..seconds {
        goodput += service.run(rate, 1.0) / load.min(1.0);
        limits += f64::from(service.limit());
    }
    (limits / f64::from(seconds), goodput / f64::from(seconds))
}

/// The limit that answers of the allowed latency fill, and what it is more by.
fn wanted(service: &Service<'_>) -> f64 {
    let filled = (1.0 + service.rule.tolerance) * service.hands as f64;
    (filled + filled.sqrt() + 1.0).max(f64::from(service.rule.min))
}

#[test]
fn it_stays_near_what_the_tolerance_allows_and_keeps_all_hands_busy() {
    for (hands, tolerance) in
        [1, 3, 10, 50].into_iter().flat_map(|k| [0.0, 0.5, 0.8, 1.0].map(|t| (k, t)))
    {
        for (load, times, goodput_min) in [(0.5, 5.0, 0.9), (1.0, 5.0, 0.65), (3.0, 2.5, 0.9)] {
            let gradient = Gradient::default();
            let mut service = Service::new(&gradient, hands, 20.0);
            service.rule.tolerance = tolerance;
            settled(&mut service, load, 120);
            let (limit, goodput) = settled(&mut service, load, 30);
            let most = wanted(&service) * times;
            let case = format!("{hands} hands, {tolerance}, load {load}");
            assert!(limit <= most, "{case}: {limit} of {most}");
            assert!(goodput > goodput_min, "{case}: {goodput} at {limit}");
        }
    }
}

#[test]
fn it_comes_back_when_hands_become_slow_and_fast_again() {
    for (hands, tolerance) in [(3, 0.5), (10, 0.5), (10, 1.0), (50, 0.5), (50, 1.0)] {
        let gradient = Gradient::default();
        let mut service = Service::new(&gradient, hands, 10.0);
        service.rule.tolerance = tolerance;
        settled(&mut service, 3.0, 30);
        for factor in [4.0, 0.25] {
            service.work_us *= factor;
            settled(&mut service, 3.0, 60);
            let (limit, goodput) = settled(&mut service, 3.0, 30);
            let most = wanted(&service) * 3.0;
            assert!(limit <= most, "{hands}, {tolerance}, {factor}: {limit} of {most}");
            assert!(goodput > 0.8, "{hands}, {tolerance}, {factor}: {goodput} at {limit}");
        }
    }
}

#[test]
fn a_few_milliseconds_more_are_no_crowd() {
    let course = Course { unhurried_us: 300.0, ..Course::default() };
    let ratio = |latency_us| course.ratio(Window { latency_us, peak: 1 }, &RULE);
    assert_eq!((ratio(900.0), ratio(2_300.0)), (1.0, 1.0));
    assert!(ratio(3_000.0) < 1.0);
}

#[test]
fn one_measurement_believes_no_more_than_twice_the_latency() {
    let mut course = Course { unhurried_us: 10_000.0, ..Course::default() };
    let slow = Window { latency_us: 90_000.0, peak: 4 };
    course.limit = 8.0;
    course.begin_measurement(slow, &RULE, Mono(1));
    course.measure(slow.latency_us, &RULE, Mono(2), &mut Rng::seeded(1));
    assert_eq!((course.stage, course.unhurried_us), (Stage::Follow, 20_000.0));
}

#[test]
fn what_failed_counts_only_where_it_took_longer_than_answers_may() {
    let (gradient, mut rng) = (Gradient::default(), Rng::seeded(1));
    (0..3).for_each(|_| assert!(gradient.begin(&RULE)));
    gradient.end_failed(60_000, &RULE, Mono(1), &mut rng);
    assert_eq!(gradient.answers.load(Relaxed), 0, "nothing is known yet");
    gradient.allowed_us.store(20_000, Relaxed);
    gradient.end_failed(1_000, &RULE, Mono(2), &mut rng);
    assert_eq!((gradient.answers.load(Relaxed), gradient.in_flight()), (0, 1));
    gradient.end_failed(60_000, &RULE, Mono(3), &mut rng);
    assert_eq!((gradient.answers.load(Relaxed), gradient.in_flight()), (1, 0));
}
