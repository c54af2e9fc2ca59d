//! What is done for filters off the data path: a thread of its own, and the work that filters in force ask for.

use std::io;
use std::sync::Arc;

use portunus_filter::Background;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

/// The thread that fetches and sweeps, beside control, which may be busy with a configuration.
#[derive(Debug)]
pub(crate) struct ServicesThread(Option<Runtime>);

impl ServicesThread {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system has no thread, or no runtime for it.
    pub(crate) fn start() -> io::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        let builder = builder.worker_threads(1).thread_name("services").enable_all();
        Ok(Self(Some(builder.build()?)))
    }

    pub(crate) fn handle(&self) -> Handle {
        match &self.0 {
            Some(runtime) => runtime.handle().clone(),
            None => unreachable!("it is taken only at the end"),
        }
    }
}

impl Drop for ServicesThread {
    fn drop(&mut self) {
        // Whoever hangs in a call of the system does not hold up the end.
        self.0.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

/// The work that is being done for filters.
#[derive(Default)]
pub(crate) struct Tasks {
    running: Vec<Running>,
}

struct Running {
    what: Arc<dyn Background>,
    task: JoinHandle<()>,
}

impl Tasks {
    /// Has this done and nothing else: what goes on is left alone.
    pub(crate) fn run<'t>(
        &mut self,
        wanted: impl Iterator<Item = &'t Arc<dyn Background>>,
        home: &Handle,
    ) {
        let before = std::mem::take(&mut self.running);
        let mut before: Vec<Option<Running>> = before.into_iter().map(Some).collect();
        for what in wanted {
            if self.running.iter().any(|running| is_same(&running.what, what)) {
                continue;
            }
            let same = |place: &&mut Option<Running>| {
                place.as_ref().is_some_and(|running| is_same(&running.what, what))
            };
            let kept = before.iter_mut().find(same).and_then(Option::take);
            self.running.push(kept.unwrap_or_else(|| Running {
                what: Arc::clone(what),
                task: home.spawn(Arc::clone(what).run()),
            }));
        }
    }
}

fn is_same(one: &Arc<dyn Background>, other: &Arc<dyn Background>) -> bool {
    std::ptr::addr_eq(Arc::as_ptr(one), Arc::as_ptr(other))
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests;
