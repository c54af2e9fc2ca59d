//! The life of the process: start, signals, reloads, graceful stop.

use portunus_base::{Clock as _, SystemClock, format_duration};

use crate::control::{ControlTask, earlier};
use crate::inherited::Inherited;
use crate::signals::{Signals, Wish};
use crate::watch::Watcher;
use crate::{Control, Options, StartError};

/// How a life ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// All was finished, or the grace was over.
    Graceful,
    /// Somebody asked a second time.
    Forced,
}

/// Runs Portunus on the calling thread until a signal ends it. With `watch`, changed files of the
/// configuration reload it.
///
/// # Errors
/// It could not start.
pub fn run(options: Options, watch: bool) -> Result<End, StartError> {
    // Before there are threads: it changes the environment.
    let inherited = Inherited::from_manager();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| StartError::system("cannot start the control runtime", error))?;
    runtime.block_on(async {
        let signals =
            Signals::catch().map_err(|error| StartError::system("cannot catch signals", error))?;
        let began = earlier(SystemClock.wall());
        let control = Control::start_with(options, inherited).await?;
        let mut watcher = watch.then(Watcher::new);
        if let Some(watcher) = &mut watcher {
            let (files, folders) = control.files();
            watcher.follow_since(files, folders, began);
        }
        control.notifier().ready(control.status());
        let _watched = control.notifier().watch(control.pulse());
        Ok(Life { control, signals, watcher }.live().await)
    })
}

struct Life {
    control: Control,
    signals: Signals,
    watcher: Option<Watcher>,
}

impl Life {
    async fn live(mut self) -> End {
        loop {
            let watched = changed(&mut self.watcher);
            let event = tokio::select! {
                wish = self.signals.next() => Event::Wish(wish),
                Some(task) = self.control.task() => Event::Task(task),
                () = watched => Event::Wish(Wish::Reload),
            };
            match event {
                Event::Wish(Wish::Reload) => {
                    self.mark();
                    // A refusal has been told; the old configuration stays.
                    let _ = self.control.reload().await;
                    self.follow();
                }
                Event::Task(task) => {
                    self.mark();
                    self.control.execute(task).await;
                    self.follow();
                }
                Event::Wish(Wish::Reopen) => self.control.reopen_logs(),
                Event::Wish(Wish::Stop | Wish::Quit) => return self.stop().await,
            }
        }
    }

    fn mark(&mut self) {
        if let Some(watcher) = &mut self.watcher {
            watcher.mark();
        }
    }

    fn follow(&mut self) {
        if let Some(watcher) = &mut self.watcher {
            let (files, folders) = self.control.files();
            watcher.follow(files, folders);
        }
    }

    async fn stop(mut self) -> End {
        let grace = self.control.grace();
        let console = self.control.console();
        let open = self.control.connections();
        console.line(format_args!("stopping, for at most {}", format_duration(grace)));
        self.control.notifier().stopping(format_args!("stopping, {open} connections are open"));
        let drained = async {
            if tokio::time::timeout(grace, self.control.drain()).await.is_err() {
                let open = self.control.connections();
                console.line(format_args!("the grace is over, closing {open} connections"));
                self.control.farewell().await;
            }
        };
        let end = tokio::select! {
            () = drained => End::Graceful,
            () = asked_again(&mut self.signals) => End::Forced,
        };
        self.control.stop_orders().await;
        self.control.stop();
        console.line(match end {
            End::Graceful => "stopped",
            End::Forced => "stopped by force",
        });
        end
    }
}

enum Event {
    Wish(Wish),
    Task(ControlTask),
}

/// Waits for a changed file; for ever when nobody watches.
async fn changed(watcher: &mut Option<Watcher>) {
    match watcher {
        Some(watcher) => watcher.changed().await,
        None => std::future::pending().await,
    }
}

async fn asked_again(signals: &mut Signals) {
    while signals.next().await != Wish::Stop {}
}
