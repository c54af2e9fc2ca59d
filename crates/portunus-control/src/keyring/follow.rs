//! Follows what a store of keys says, on a thread that is not control's.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use portunus_store::CredentialStore;
use tokio::sync::{Notify, watch};

use super::Keyring;
use crate::task::Task;

/// The following of one store. Dropping it ends it.
pub(super) struct Follow {
    asked: watch::Receiver<bool>,
    _tasks: [Task; 2],
}

impl Follow {
    pub(super) fn start(keyring: &Arc<Keyring>, store: Arc<dyn CredentialStore>) -> Self {
        let changed = Arc::new(Notify::new());
        let (tell, asked) = watch::channel(false);
        let watching = Arc::clone(&store).watch(Arc::clone(&changed));
        let following = follow(Arc::clone(keyring), store, changed, tell);
        let home = &keyring.home;
        Self { asked, _tasks: [Task::spawn_on(home, watching), Task::spawn_on(home, following)] }
    }

    /// Waits until the store was asked once, but not for long: a store that is down stops nothing.
    pub(super) async fn first(&mut self) {
        let asked = self.asked.wait_for(|asked| *asked);
        let _ = tokio::time::timeout(FIRST_ANSWER_MAX, asked).await;
    }
}

async fn follow(
    keyring: Arc<Keyring>,
    store: Arc<dyn CredentialStore>,
    changed: Arc<Notify>,
    tell: watch::Sender<bool>,
) {
    let mut pause = RETRY_AFTER;
    loop {
        let refreshed = keyring.refresh(&store).await;
        tell.send_replace(true);
        let wait = match refreshed {
            Ok(()) => {
                pause = RETRY_AFTER;
                store.look_every()
            }
            Err(_) => {
                let wait = pause;
                pause = (pause * 2).min(RETRY_AFTER_MAX);
                Some(wait)
            }
        };
        tokio::select! {
            () = changed.notified() => {}
            // Who makes a key finds out before the next look.
            () = keyring.lost.notified() => tokio::time::sleep(RETRY_AFTER).await,
            () = sleep(wait) => {}
        }
    }
}

/// Sleeps for some time; for ever without one.
async fn sleep(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => pending().await,
    }
}

const FIRST_ANSWER_MAX: Duration = Duration::from_secs(3);
const RETRY_AFTER: Duration = Duration::from_secs(1);
const RETRY_AFTER_MAX: Duration = Duration::from_secs(5);
