//! What a filter remembers of an exchange from one hook to the next, on one worker.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use portunus_exchange::Exchange;
use portunus_filter::{SlotId, Way};

/// What the filter of a slot remembers of the exchanges that are under way on a worker.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    seen: Rc<RefCell<HashMap<u64, Seen>>>,
    next: u64,
}

/// What is remembered of one exchange.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Which operation it is of, as an index.
    pub(crate) operation: usize,
    /// The body of the request is passed on unseen.
    pub(crate) is_opaque: bool,
    /// What came of a body that is only listened to. `None` once it was too long.
    pub(crate) heard: Option<Vec<u8>>,
}

impl Memory {
    /// Remembers an exchange until it is over, however it ends.
    pub(crate) fn remember(&mut self, exchange: &mut Exchange, slot: SlotId, seen: Seen) {
        self.next = self.next.wrapping_add(1);
        let token = self.next;
        self.seen.borrow_mut().insert(token, seen);
        exchange.held.keep(Forget { seen: Rc::clone(&self.seen), token });
        // Several filters of a chain remember, each under its own slot.
        let before = exchange.attributes.value(TOKENS).unwrap_or_default();
        let mut tokens = before.to_vec();
        tokens.extend_from_slice(format!("{}:{token};", slot.index()).as_bytes());
        exchange.attributes.set(TOKENS, &tokens);
    }

    /// Does something with what is remembered of an exchange. `None` where that is nothing.
    pub(crate) fn recall<R>(
        &self,
        exchange: &Exchange,
        slot: SlotId,
        with: impl FnOnce(&mut Seen) -> R,
    ) -> Option<R> {
        let tokens = std::str::from_utf8(exchange.attributes.value(TOKENS)?).ok()?;
        let own = |token: &str| {
            let (known, token) = token.split_once(':')?;
            (known.parse() == Ok(slot.index())).then_some(token.parse::<u64>().ok()?)
        };
        let token = tokens.split(';').filter_map(own).next_back()?;
        self.seen.borrow_mut().get_mut(&token).map(with)
    }
}

/// Notes of which operation the body is that goes a way and is looked into by the filter of a slot; `None` where it is not.
pub(crate) fn note_body(exchange: &mut Exchange, way: Way, slot: SlotId, operation: Option<usize>) {
    let before = exchange.attributes.value(attribute(way)).unwrap_or_default();
    let mut notes = String::from_utf8_lossy(before).into_owned();
    let noted = operation.map_or_else(String::new, |operation| operation.to_string());
    // The last note of a slot holds.
    notes.push_str(&format!("{}:{noted};", slot.index()));
    exchange.attributes.set(attribute(way), notes.as_bytes());
}

/// The operation of a body that is looked into.
pub(crate) fn noted_body(exchange: &Exchange, way: Way, slot: SlotId) -> Option<usize> {
    let notes = std::str::from_utf8(exchange.attributes.value(attribute(way))?).ok()?;
    let own = |note: &'_ str| {
        let (known, operation) = note.split_once(':')?;
        (known.parse() == Ok(slot.index())).then_some(operation.parse().ok())
    };
    notes.split(';').filter_map(own).next_back()?
}

fn attribute(way: Way) -> &'static str {
    match way {
        Way::Request => REQUEST_BODY,
        Way::Response => RESPONSE_BODY,
    }
}

/// Forgets an exchange when it is over.
struct Forget {
    seen: Rc<RefCell<HashMap<u64, Seen>>>,
    token: u64,
}

impl Drop for Forget {
    fn drop(&mut self) {
        self.seen.borrow_mut().remove(&self.token);
    }
}

/// The attribute that leads from an exchange to what is remembered of it.
const TOKENS: &str = "openapi.seen";

const REQUEST_BODY: &str = "openapi.request_body";
const RESPONSE_BODY: &str = "openapi.response_body";

#[cfg(test)]
mod tests;
