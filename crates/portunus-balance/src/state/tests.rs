use super::*;

const SECOND: u64 = 1_000_000;

#[test]
fn a_request_touches_one_cache_line() {
    assert_eq!(std::mem::align_of::<EndpointState>(), 128);
    assert!(std::mem::offset_of!(EndpointState, failures_total) + 8 <= 64);
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
fn an_ejection_ends_by_time_and_by_an_answer() {
    let state = EndpointState::new(0);
    assert_eq!(state.fail(Mono(0), Duration::from_secs(1)), 1);
    assert_eq!(state.fail(Mono(0), Duration::from_secs(2)), 2);
    assert!(!state.usable(Mono(2 * SECOND - 1)) && state.last_resort());
    assert!(state.usable(Mono(2 * SECOND)));
    state.fail(Mono(3 * SECOND), Duration::from_secs(10));
    state.recover();
    assert!(state.usable(Mono(3 * SECOND)));
    assert_eq!((state.failures(), state.failures_total()), (0, 3));
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
