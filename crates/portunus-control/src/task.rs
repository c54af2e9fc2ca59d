//! Tasks of the control runtime that end with their owner.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// A running task; dropping it ends the task.
#[derive(Debug)]
pub(crate) struct Task(JoinHandle<()>);

impl Task {
    /// Starts a task on the control runtime.
    #[expect(clippy::disallowed_methods, reason = "this is control's own spawn")]
    pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(future))
    }

    /// Starts a task on another runtime.
    pub(crate) fn spawn_on(
        home: &Handle,
        future: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        Self(home.spawn(future))
    }

    /// Lets it end by itself for some time.
    pub(crate) async fn ended(mut self, within: Duration) {
        // How it ended is nothing that anybody waits for.
        let _ = tokio::time::timeout(within, &mut self.0).await;
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A thread for futures that must stay on one: those over sockets of [`portunus_net`]. It ends with its last handle.
#[derive(Clone, Debug)]
pub(crate) struct LocalThread {
    jobs: mpsc::UnboundedSender<Job>,
}

/// A running task of a [`LocalThread`]; dropping it ends the task.
#[derive(Debug)]
pub(crate) struct LocalTask {
    _owner: oneshot::Sender<()>,
}

/// Makes a future where it will run.
type Job = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()>>> + Send>;

impl LocalThread {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system has no thread, or no runtime for it.
    pub(crate) fn start(name: &str) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (jobs, mut waiting) = mpsc::unbounded_channel::<Job>();
        let work = async move {
            while let Some(job) = waiting.recv().await {
                tokio::task::spawn_local(job());
            }
        };
        let run = move || tokio::task::LocalSet::new().block_on(&runtime, work);
        std::thread::Builder::new().name(name.to_owned()).spawn(run)?;
        Ok(Self { jobs })
    }

    /// Runs a future there.
    pub(crate) fn spawn<F>(&self, make: impl FnOnce() -> F + Send + 'static) -> LocalTask
    where
        F: Future<Output = ()> + 'static,
    {
        let (owner, gone) = oneshot::channel::<()>();
        let job: Job = Box::new(move || {
            let task = make();
            Box::pin(async move {
                tokio::select! {
                    () = task => {}
                    _ = gone => {}
                }
            })
        });
        // The thread only ends when no handle is left.
        let _ = self.jobs.send(job);
        LocalTask { _owner: owner }
    }
}
