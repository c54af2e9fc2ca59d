//! Commands from control to a worker: bounded, run on the worker's thread between tasks.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::mpsc;

/// What a worker is asked to do, on its own thread.
pub type Command = Box<dyn FnOnce() + Send>;

/// The sending end; any thread may hold one.
#[derive(Clone, Debug)]
pub struct Outbox {
    sender: mpsc::Sender<Command>,
}

/// The worker's end.
#[derive(Debug)]
pub struct Mailbox {
    receiver: mpsc::Receiver<Command>,
}

impl Mailbox {
    /// A mailbox that holds up to `MAILBOX_MAX` commands.
    #[must_use]
    pub fn new() -> (Outbox, Self) {
        let (sender, receiver) = mpsc::channel(MAILBOX_MAX);
        (Outbox { sender }, Self { receiver })
    }

    /// Runs commands as they come, until all senders are gone.
    pub async fn run(mut self) {
        while let Some(command) = self.receiver.recv().await {
            // A command that panics has been reported by the panic hook; the worker still hears the next one.
            let _ = catch_unwind(AssertUnwindSafe(command));
        }
    }
}

impl Outbox {
    /// Room for one command; None when the mailbox is full or the worker is gone. What a command owns is then not
    /// lost.
    #[must_use]
    pub fn reserve(&self) -> Option<Slot<'_>> {
        self.sender.try_reserve().ok().map(|permit| Slot { permit })
    }

    /// Gives the worker a command, waiting for room; false when it is gone. Not for workers.
    pub async fn deliver(&self, command: Command) -> bool {
        self.sender.send(command).await.is_ok()
    }
}

/// Room for one command in a mailbox.
#[derive(Debug)]
pub struct Slot<'a> {
    permit: mpsc::Permit<'a, Command>,
}

impl Slot<'_> {
    /// Gives the worker a command.
    pub fn send(self, command: Command) {
        self.permit.send(command);
    }
}

const MAILBOX_MAX: usize = 1024;
