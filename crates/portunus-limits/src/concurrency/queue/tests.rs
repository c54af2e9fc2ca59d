use std::thread;

use super::*;

/// Keys are hashes.
const ONE: u64 = 0x9e37_79b9_7f4a_7c15;
const TWO: u64 = 0xd1b5_4a32_d192_ed03;

fn passed(entered: Entered) -> Ticket {
    match entered {
        Entered::Passed(ticket) => ticket,
        Entered::Full => panic!(),
    }
}

fn five(timeout: Duration) -> Bounds {
    Bounds { waiting_max: 5, of_key_max: 5, timeout }
}

fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(future)
}

#[test]
fn whoever_waits_on_another_thread_is_told() {
    let permits = Arc::new(Permits::new(10));
    let first = passed(permits.enter(ONE, 1));
    let wait = permits.wait(ONE, 1, five(Duration::from_secs(60))).unwrap();
    let waiting = thread::spawn(move || drop(passed(run(wait))));
    drop(first);
    waiting.join().unwrap();
    assert_eq!((permits.held(ONE), permits.queue.waiting()), (0, 0));
}

#[test]
fn who_waits_comes_before_who_only_asks() {
    let permits = Arc::new(Permits::new(10));
    let first = passed(permits.enter(ONE, 1));
    let wait = permits.wait(ONE, 1, five(Duration::from_secs(60))).unwrap();
    drop(first);
    assert!(matches!(permits.enter(ONE, 1), Entered::Full));
    let other = passed(permits.enter(TWO, 1));
    let second = passed(run(wait));
    drop((second, other));
    drop(passed(permits.enter(ONE, 1)));
}

#[test]
fn a_permit_wakes_nobody_who_waits_for_another_key() {
    let permits = Arc::new(Permits::new(10));
    let (one, two) = (passed(permits.enter(ONE, 1)), passed(permits.enter(TWO, 1)));
    let short = Duration::from_millis(20);
    let wait = permits.wait(ONE, 1, five(short)).unwrap();
    drop(two);
    assert!(matches!(run(wait), Entered::Full));
    drop(one);
    assert_eq!(permits.queue.waiting(), 0);
}
