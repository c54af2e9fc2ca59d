use super::*;

const COOLDOWN: Duration = Duration::from_secs(10);

#[tokio::test(start_paused = true)]
async fn whoever_asks_waits_for_the_end_of_a_turn_and_no_longer_than_told() {
    let turns = Turns::new(COOLDOWN);
    let wait = turns.ask(Mono(1)).unwrap();
    let end = async {
        tokio::task::yield_now().await;
        turns.end_one();
    };
    let began = tokio::time::Instant::now();
    tokio::join!(wait, end);
    assert_eq!(began.elapsed(), Duration::ZERO);
    turns.ask(Mono(1)).unwrap().await;
    assert_eq!(began.elapsed(), WAIT_MAX);
    assert_eq!(turns.waiting.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_is_asked_for_comes_before_it_is_due() {
    let turns = Turns::new(Duration::ZERO);
    turns.begin().end(Duration::from_secs(3600));
    let began = tokio::time::Instant::now();
    let wait = turns.ask(SystemClock.mono()).unwrap();
    turns.wait().await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    drop(wait);
    turns.wait().await;
    assert!(began.elapsed() > Duration::from_secs(3500));
}

#[tokio::test(start_paused = true)]
async fn who_asks_during_a_turn_waits_for_its_end_and_for_no_other() {
    let turns = Turns::new(Duration::ZERO);
    let turn = turns.begin();
    let wait = turns.ask(SystemClock.mono()).unwrap();
    turn.end(Duration::from_secs(3600));
    let began = tokio::time::Instant::now();
    wait.await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    turns.wait().await;
    assert!(began.elapsed() > Duration::from_secs(3500));
}

#[test]
fn a_cooldown_lies_between_turns() {
    let turns = Turns::new(COOLDOWN);
    turns.began_us.store(1_000_000, Ordering::Relaxed);
    let later = |by: Duration| Mono(1_000_000).after(by);
    assert!(turns.ask(later(Duration::from_secs(9))).is_none());
    assert!(turns.ask(later(COOLDOWN)).is_some());
    // One that is under way is waited for.
    turns.is_under_way.store(true, Ordering::Relaxed);
    assert!(turns.ask(later(Duration::from_secs(1))).is_some());
}

#[test]
fn not_more_than_a_bound_wait() {
    let turns = Turns::new(COOLDOWN);
    let waits: Vec<_> = std::iter::from_fn(|| turns.ask(Mono(1))).collect();
    assert_eq!(waits.len(), WAITING_MAX);
    drop(waits);
    assert!(turns.ask(Mono(1)).is_some());
}

#[test]
fn a_turn_whose_task_is_dropped_has_ended() {
    let turns = Turns::new(COOLDOWN);
    drop(turns.begin());
    assert!(!turns.is_under_way.load(Ordering::Relaxed));
    assert_eq!(*turns.ended.borrow(), 1);
}
