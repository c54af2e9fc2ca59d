use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

fn fresh(name: &str) -> Refreshed {
    let tokens = Tokens { access: Some(name.to_owned()), ..Tokens::default() };
    Ok(Arc::new(Fresh { tokens, claims: None }))
}

/// Runs `what` beside the refresher, with time that passes when nothing else is to be done.
fn with<F: Future<Output = ()>>(what: impl FnOnce(Arc<Refresher>) -> F) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let refresher = Arc::new(Refresher::default());
        tokio::select! {
            () = Arc::clone(&refresher).run() => panic!("it does not end"),
            () = what(refresher) => {}
        }
    });
}

#[test]
fn many_that_ask_at_once_get_the_tokens_of_one_request() {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let work = || -> Work {
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            MADE.fetch_add(1, Ordering::Relaxed);
            fresh("new")
        })
    };
    with(|refresher| async move {
        let timeout = Duration::from_secs(10);
        let one = refresher.refresh("p", "old", work(), timeout);
        let two = refresher.refresh("p", "old", work(), timeout);
        let other = refresher.refresh("p", "another", work(), timeout);
        let (one, two, _) = tokio::join!(one, two, other);
        assert_eq!((one, two), (fresh("new"), fresh("new")));
        assert_eq!(MADE.load(Ordering::Relaxed), 2);
        assert_eq!(refresher.refresh("p", "old", work(), timeout).await, fresh("new"));
        assert_eq!(MADE.load(Ordering::Relaxed), 2, "what was given is kept");
        tokio::time::sleep(KEPT).await;
        let _ = refresher.refresh("p", "old", work(), timeout).await;
        assert_eq!(MADE.load(Ordering::Relaxed), 3, "but not for ever");
    });
}

#[test]
fn a_refusal_is_kept_and_an_outage_of_a_provider_for_a_moment() {
    with(|refresher| async move {
        let timeout = Duration::from_secs(10);
        let give = |refreshed: Refreshed| -> Work { Box::pin(async { refreshed }) };
        let refused = Err(Refusal::Code("invalid_grant"));
        assert_eq!(refresher.refresh("p", "a", give(refused.clone()), timeout).await, refused);
        assert_eq!(refresher.refresh("p", "a", give(fresh("x")), timeout).await, refused);
        let down = Err(Refusal::Unavailable);
        assert_eq!(refresher.refresh("p", "b", give(down.clone()), timeout).await, down);
        let other = refresher.refresh("q", "c", give(fresh("x")), timeout).await;
        assert_eq!(other, fresh("x"), "another provider is asked");
        assert_eq!(refresher.refresh("p", "b", give(fresh("x")), timeout).await, down);
        tokio::time::sleep(DOWN).await;
        assert_eq!(refresher.refresh("p", "b", give(fresh("x")), timeout).await, fresh("x"));
    });
}

#[test]
fn nobody_waits_for_ever() {
    with(|refresher| async move {
        let never: Work = Box::pin(std::future::pending());
        let waited = refresher.refresh("p", "a", never, Duration::from_secs(5)).await;
        assert_eq!(waited, Err(Refusal::Unavailable));
    });
}

#[test]
fn nobody_waits_for_work_that_is_older_than_his_patience() {
    with(|refresher| async move {
        let slow = || -> Work {
            Box::pin(async {
                tokio::time::sleep(Duration::from_secs(3)).await;
                fresh("new")
            })
        };
        let down = Err(Refusal::Unavailable);
        let second = Duration::from_secs(1);
        assert_eq!(refresher.refresh("p", "a", slow(), second).await, down);
        let before = Instant::now();
        assert_eq!(refresher.refresh("p", "a", slow(), second).await, down);
        assert_eq!(before.elapsed(), Duration::ZERO, "another one has waited for it");
        let patient = refresher.refresh("p", "a", slow(), 10 * second).await;
        assert_eq!(patient, fresh("new"));
        assert_eq!(refresher.refresh("p", "a", slow(), second).await, fresh("new"));
    });
}

#[test]
fn what_was_asked_while_it_did_not_run_is_done_later() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let refresher = Arc::new(Refresher::default());
        let work: Work = Box::pin(async { fresh("new") });
        let asked = refresher.refresh("p", "a", work, Duration::from_secs(10));
        tokio::pin!(asked);
        // Dropped by a reload, and run anew.
        drop(Arc::clone(&refresher).run());
        tokio::select! {
            biased;
            refreshed = &mut asked => assert_eq!(refreshed, fresh("new")),
            () = Arc::clone(&refresher).run() => {}
        }
    });
}

#[test]
fn the_desk_is_bounded() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let mut desk = Desk::default();
        for index in 0..PLACES_MAX {
            let place = Place::Done(fresh("x"), Instant::now());
            desk.places.insert(index.to_string(), place);
        }
        let (answer, answered) = oneshot::channel();
        let work: Work = Box::pin(async { fresh("x") });
        let (provider, token) = ("p".to_owned(), "one more".to_owned());
        desk.take(Ask { provider, token, work, patience: Duration::from_secs(1), answer });
        assert_eq!(answered.await.unwrap(), Err(Refusal::Unavailable));
        assert_eq!(desk.places.len(), PLACES_MAX);
    });
}
