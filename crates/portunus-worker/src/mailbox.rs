//! Commands from control to a worker: bounded, run on the worker's thread between tasks.

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
            command();
        }
    }
}

impl Outbox {
    /// Gives the worker a command; false when its mailbox is full or it is gone.
    #[must_use]
    pub fn send(&self, command: Command) -> bool {
        self.sender.try_send(command).is_ok()
    }

    /// Gives the worker a command, waiting for room; false when it is gone. Not for workers.
    pub async fn deliver(&self, command: Command) -> bool {
        self.sender.send(command).await.is_ok()
    }
}

const MAILBOX_MAX: usize = 1024;
