use std::thread;

use super::*;

#[test]
fn whoever_waits_on_another_thread_is_told() {
    let queue = Arc::new(Queue::new(10));
    let Entered::Passed(first) = queue.enter(1, 1) else { panic!() };
    let wait = queue.wait(1, 1, 5, Duration::from_secs(60)).unwrap();
    let waiting = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        matches!(runtime.block_on(wait), Entered::Passed(_))
    });
    drop(first);
    assert!(waiting.join().unwrap());
    assert_eq!(queue.held(1), 0);
    assert_eq!(queue.waiting.load(Ordering::SeqCst), 0);
}
