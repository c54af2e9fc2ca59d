//! Tasks of the control runtime that end with their owner.

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
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}
