use super::*;

const SECOND: u64 = 1_000_000;

#[test]
fn a_request_touches_one_cache_line() {
    assert_eq!(std::mem::align_of::<EndpointState>(), 128);
    assert!(std::mem::offset_of!(EndpointState, requests_total) + 8 <= 64);
    assert_eq!(std::mem::size_of::<EndpointState>(), 128);
}

#[test]
fn counters_never_fall_below_zero() {
    let state = EndpointState::new(7);
    state.begin();
    state.end(None, Mono(0));
    state.end(None, Mono(0));
    state.connection_closed();
    assert_eq!((state.in_flight(), state.connections(), state.requests_total()), (0, 0, 1));
    assert_eq!(state.key(), 7);
}

#[test]
fn many_threads_lose_no_request() {
    let state = EndpointState::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for now in 0..1_000 {
                    state.begin();
                    state.end(Some(10), Mono(now));
                }
            });
        }
    });
    assert_eq!((state.in_flight(), state.requests_total()), (0, 4_000));
}

#[test]
fn an_endpoint_that_cannot_be_connected_to_rests_for_a_time_or_until_it_answers() {
    let state = EndpointState::new(0);
    let fail = |now, secs| {
        state.observe(Outcome::Unreachable, Duration::from_secs(secs), None, Mono(now));
    };
    fail(0, 1);
    fail(0, 2);
    assert!(!state.usable(Mono(2 * SECOND - 1)) && state.last_resort());
    assert!(state.usable(Mono(2 * SECOND)) && !state.is_ejected(Mono(0)));
    assert_eq!(state.failures(), 2);
    fail(3 * SECOND, 10);
    state.observe(Outcome::Good, Duration::ZERO, None, Mono(3 * SECOND));
    assert!(state.usable(Mono(3 * SECOND)));
    assert_eq!((state.failures(), state.failures_total()), (0, 3));
}

#[test]
fn a_bad_answer_ends_a_rest_too_and_a_broken_one_does_not() {
    let state = EndpointState::new(0);
    let second = Duration::from_secs(1);
    state.observe(Outcome::Unreachable, second, None, Mono(0));
    state.observe(Outcome::Failed, second, None, Mono(0));
    assert!(state.is_resting(Mono(0)));
    state.observe(Outcome::ServerError, second, None, Mono(0));
    assert!(!state.is_resting(Mono(0)));
}

#[test]
fn totals_are_counted_where_a_window_is_judged_alone() {
    let window = crate::WindowPlan {
        over: Duration::from_secs(10),
        min_requests: 1,
        error_rate: None,
        success_rate_stdev: None,
        slower_than: Some(2.0),
    };
    let plan = |window| OutlierPlan {
        consecutive_5xx: 0,
        consecutive_failures: 0,
        eject_for: Duration::from_secs(1),
        eject_for_max: Duration::from_secs(1),
        max_ejected: 1.0,
        panic: 0.0,
        window,
    };
    for (window, answers) in [(None, 0), (Some(window), 3)] {
        let (state, plan) = (EndpointState::new(0), plan(window));
        for outcome in [Outcome::Good, Outcome::ServerError, Outcome::Good, Outcome::Failed] {
            assert_eq!(state.observe(outcome, Duration::ZERO, Some(&plan), Mono(0)), None);
        }
        state.note_latency(70, &plan);
        let (server_errors, latency_us) = (u64::from(answers > 0), answers / 3 * 70);
        let totals = Totals { answers, server_errors, failures: 1, latency_us };
        assert_eq!(state.totals(), totals);
    }
}

#[test]
fn an_answer_that_breaks_off_is_one_failure_and_no_good_result() {
    let state = EndpointState::new(0);
    let window = crate::WindowPlan {
        over: Duration::from_secs(10),
        min_requests: 1,
        error_rate: None,
        success_rate_stdev: None,
        slower_than: Some(2.0),
    };
    let plan = OutlierPlan {
        consecutive_5xx: 0,
        consecutive_failures: 3,
        eject_for: Duration::from_secs(1),
        eject_for_max: Duration::from_secs(1),
        max_ejected: 1.0,
        panic: 0.0,
        window: Some(window),
    };
    let head = || {
        state.note_latency(70, &plan);
        state.observe_good(Some(&plan))
    };
    let broken = |ended| state.observe_break(ended, 70, Some(&plan), Mono(0));
    // Two at once: both rows count, whichever of them breaks off first.
    let (first, second) = (head(), head());
    assert_eq!((broken(second), broken(first)), (None, None));
    assert_eq!(state.totals(), Totals { failures: 2, ..Totals::default() });
    let (one, other) = (head(), head());
    assert_eq!((one, other, state.failures()), (2, 0, 0));
    assert_eq!(broken(one), Some(Ejection::ConsecutiveFailures));
    // The other one ends well: what broke off before its end was a row nevertheless.
    assert_eq!(state.failures(), 3);
    assert_eq!(head(), 3);
    let totals = Totals { answers: 2, failures: 3, latency_us: 140, ..Totals::default() };
    assert_eq!((state.totals(), state.failures()), (totals, 0));
}

#[test]
fn each_health_bit_alone_stops_traffic() {
    let state = EndpointState::new(0);
    state.set_active_down(true);
    state.set_draining(true);
    state.set_active_down(false);
    assert!(state.draining() && !state.active_down());
    assert!(!state.usable(Mono(0)) && !state.last_resort());
    state.set_draining(false);
    assert!(state.usable(Mono(0)));
}

#[test]
fn latency_jumps_up_and_fades_down() {
    let state = EndpointState::new(0);
    let end = |latency_us, at| state.end(Some(latency_us), Mono(at));
    end(1_000, 0);
    end(9_000, 1);
    assert_eq!(state.latency_us(Mono(1)), 9_000.0);
    end(1_000, 1 + 5 * SECOND);
    assert!((state.latency_us(Mono(1 + 5 * SECOND)) - 5_000.0).abs() < 1.0);
    assert!((state.latency_us(Mono(1 + 10 * SECOND)) - 2_500.0).abs() < 1.0);
}

#[test]
fn a_stream_of_fast_answers_forgets_a_peak() {
    let state = EndpointState::new(0);
    state.end(Some(100_000), Mono(0));
    for step in 1..=300_000 {
        state.end(Some(1_000), Mono(step * 100));
    }
    assert!(state.latency_us(Mono(30 * SECOND)) < 3_000.0);
}

#[test]
fn a_weight_that_the_operator_sets_is_held_until_it_is_taken_back() {
    let state = EndpointState::new(0);
    assert_eq!(state.weight_override(), None);
    for wish in [(0, 7), (1, u32::MAX), (WeightOverride::MAX, u32::MAX)] {
        let wish = WeightOverride { weight: wish.0, instead_of: wish.1 };
        state.set_weight_override(Some(wish));
        assert_eq!(state.weight_override(), Some(wish));
    }
    state.set_weight_override(None);
    assert_eq!(state.weight_override(), None);
}

#[test]
fn no_more_begin_than_may() {
    let state = EndpointState::new(0);
    assert_eq!([(); 4].map(|()| state.begin_below(3)), [true, true, true, false]);
    assert_eq!((state.in_flight(), state.requests_total()), (3, 3));
    state.end(None, Mono(0));
    assert!(state.begin_below(3) && !state.begin_below(3));
}
