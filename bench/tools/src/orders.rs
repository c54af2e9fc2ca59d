//! Orders from the program that started us: lines on the standard input.

use std::io::{BufRead as _, stdin};
use std::thread;

use tokio::sync::mpsc::{Receiver, channel};

/// The lines of the standard input as they come; it ends when the input closes.
#[must_use]
pub fn receive() -> Receiver<String> {
    let (to, from) = channel(1);
    // A thread of its own: the runtime cannot wait for a pipe of unknown kind.
    thread::spawn(move || {
        for line in stdin().lock().lines() {
            let Ok(line) = line else { return };
            if to.blocking_send(line).is_err() {
                return;
            }
        }
    });
    from
}
