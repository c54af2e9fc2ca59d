use super::*;
use crate::fixture::{Picker, endpoints};

#[test]
fn a_slow_endpoint_loses_its_traffic_until_its_peak_fades() {
    let tier = endpoints(&[1, 1]);
    let balancer = Ewma::build(&tier);
    let mut picker = Picker::new();
    for (endpoint, latency_us) in tier.iter().zip([50_000, 1_000]) {
        endpoint.state.begin();
        endpoint.state.end(Some(latency_us), Mono(0));
    }
    assert_eq!(picker.letters(&balancer, &tier, 20), "b".repeat(20));
    picker.now = Mono(60_000_000);
    tier[1].state.begin();
    tier[1].state.end(Some(1_000), picker.now);
    assert_eq!(picker.letters(&balancer, &tier, 20), "a".repeat(20));
}

#[test]
fn a_new_endpoint_gets_one_request_and_then_waits_for_its_answer() {
    let tier = endpoints(&[1, 1]);
    let balancer = Ewma::build(&tier);
    let mut picker = Picker::new();
    tier[0].state.begin();
    tier[0].state.end(Some(2_000), picker.now);
    assert_eq!(picker.pick(&balancer, &tier), Some(1));
    tier[1].state.begin();
    assert_eq!(picker.letters(&balancer, &tier, 20), "a".repeat(20));
}

#[test]
fn requests_in_flight_count_like_latency() {
    let tier = endpoints(&[1, 1]);
    let balancer = Ewma::build(&tier);
    let mut picker = Picker::new();
    for (endpoint, latency_us) in tier.iter().zip([3_000, 2_000]) {
        endpoint.state.begin();
        endpoint.state.end(Some(latency_us), picker.now);
    }
    tier[1].state.begin();
    assert_eq!(picker.letters(&balancer, &tier, 20), "a".repeat(20));
}
