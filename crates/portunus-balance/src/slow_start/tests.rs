use portunus_base::{Clock as _, ManualClock};

use super::*;
use crate::EndpointState;

const WHOLE: Duration = Duration::from_secs(30);

#[test]
fn it_goes_from_ten_to_a_hundred_in_even_steps() {
    let at = [0, 10, 15, 20, 29, 30, 31].map(|secs| ramp(Duration::from_secs(secs), WHOLE));
    assert_eq!(at, [10, 40, 55, 70, 97, 100, 100]);
    assert_eq!(ramp(Duration::ZERO, Duration::ZERO), 100);
    assert_eq!(ramp(Duration::MAX, Duration::from_micros(1)), 100);
}

#[test]
fn a_state_follows_the_ramp_until_it_is_warm_and_then_rests() {
    let (clock, state) = (ManualClock::default(), EndpointState::new(0));
    clock.advance(Duration::from_secs(5));
    state.begin_slow_start(clock.mono());
    assert_eq!(state.weight_percent(), 10);
    let mut last = 0;
    for _ in 0..30 {
        state.warm_up(clock.mono(), WHOLE);
        assert!(state.weight_percent() > last);
        last = state.weight_percent();
        clock.advance(Duration::from_secs(1));
    }
    state.warm_up(clock.mono(), WHOLE);
    assert_eq!(state.weight_percent(), 100);
    state.warm_up(clock.mono(), Duration::from_secs(3600));
    assert_eq!(state.weight_percent(), 100);
}

#[test]
fn without_a_slow_start_it_is_over_at_once() {
    let state = EndpointState::new(0);
    state.begin_slow_start(portunus_base::Mono(0));
    state.warm_up(portunus_base::Mono(0), Duration::ZERO);
    assert_eq!(state.weight_percent(), 100);
}
