//! Starting a worker: its thread, its core, its runtime.

use std::future::Future;
use std::io;
use std::thread::JoinHandle;

use portunus_base::WorkerId;

use crate::{Mailbox, Outbox, Worker};

/// A running worker as control sees it.
#[derive(Debug)]
pub struct WorkerThread {
    /// Which worker.
    pub id: WorkerId,
    /// Where its commands go.
    pub outbox: Outbox,
    /// Its thread.
    pub thread: JoinHandle<()>,
}

/// Starts a worker's thread and runtime, runs `main` in it, and ends when `main` does.
///
/// # Errors
/// No thread to be had.
pub fn spawn_worker<F, M>(id: WorkerId, core: Option<usize>, main: M) -> io::Result<WorkerThread>
where
    F: Future<Output = ()> + 'static,
    M: FnOnce(Worker) -> F + Send + 'static,
{
    let (outbox, mailbox) = Mailbox::new();
    let body = move || {
        if let Some(core) = core {
            // Failing to pin costs speed, not correctness: containers forbid it.
            let _ = pin_to_core(core);
        }
        run(id, mailbox, main);
    };
    let thread = std::thread::Builder::new().name(format!("worker-{id}")).spawn(body)?;
    Ok(WorkerThread { id, outbox, thread })
}

fn run<F, M>(id: WorkerId, mailbox: Mailbox, main: M)
where
    F: Future<Output = ()> + 'static,
    M: FnOnce(Worker) -> F,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .event_interval(EVENT_INTERVAL)
        .build_local(tokio::runtime::LocalOptions::default());
    match runtime {
        Ok(runtime) => runtime.block_on(async move {
            let worker = Worker::new(id);
            worker.spawn(worker.clone().run_timers());
            worker.spawn(mailbox.run());
            main(worker).await;
        }),
        Err(error) => tracing_less_exit(id, &error),
    }
}

/// No runtime means no file descriptors or memory at start: there is nothing to serve with.
#[expect(clippy::print_stderr, reason = "there is no logger on a worker's thread")]
fn tracing_less_exit(id: WorkerId, error: &io::Error) {
    eprintln!("portunus: worker {id} cannot start: {error}");
}

/// Binds the calling thread to one core.
///
/// # Errors
/// The core does not exist, or the process may not run there.
pub fn pin_to_core(core: usize) -> io::Result<()> {
    let mut set = rustix::thread::CpuSet::new();
    set.set(core);
    rustix::thread::sched_setaffinity(None, &set)?;
    Ok(())
}

/// How many tasks run between two looks at the sockets.
const EVENT_INTERVAL: u32 = 61;
