//! Where in a text the value of a pointer stands: for YAML and for JSON, which is YAML too.

use granit_parser::{Event, Parser, StrInput};

use super::yaml::events;
use crate::pointer;

/// Line and column, from 1, of what a pointer leads to, or of the last step that is there. `None` for text that
/// cannot be read.
pub(super) fn find(text: &str, pointer: &str) -> Option<(usize, usize)> {
    let steps: Vec<String> = pointer::steps(pointer).collect();
    let mut walk = Walk { events: events(text) };
    loop {
        if let Event::DocumentStart(..) = walk.next()?.0 {
            break;
        }
    }
    let (event, at) = walk.next()?;
    walk.value(&event, at, &steps)
}

struct Walk<'t> {
    events: Parser<'t, StrInput<'t>>,
}

type At = (usize, usize);

impl<'t> Walk<'t> {
    fn next(&mut self) -> Option<(Event<'t>, At)> {
        let (event, span) = self.events.next_event()?.ok()?;
        Some((event, (span.start.line(), span.start.col() + 1)))
    }

    /// The place of what `steps` lead to from a value that starts here.
    fn value(&mut self, event: &Event<'_>, at: At, steps: &[String]) -> Option<At> {
        let Some((step, rest)) = steps.split_first() else { return Some(at) };
        match event {
            Event::MappingStart(..) => self.map(at, step, rest),
            Event::SequenceStart(..) => self.list(at, step, rest),
            _ => Some(at),
        }
    }

    fn map(&mut self, at: At, step: &str, rest: &[String]) -> Option<At> {
        loop {
            let (key, key_at) = self.next()?;
            let found = match &key {
                Event::MappingEnd => return Some(at),
                Event::Scalar(key, ..) => key == step,
                _ => {
                    self.skip(&key)?;
                    false
                }
            };
            let (event, value_at) = self.next()?;
            if found {
                // The key tells more than the value, which may start on another line.
                return if rest.is_empty() {
                    Some(key_at)
                } else {
                    self.value(&event, value_at, rest)
                };
            }
            self.skip(&event)?;
        }
    }

    fn list(&mut self, at: At, step: &str, rest: &[String]) -> Option<At> {
        let mut left = step.parse::<usize>().ok();
        loop {
            let (event, item_at) = self.next()?;
            if event == Event::SequenceEnd {
                return Some(at);
            }
            if left == Some(0) {
                return self.value(&event, item_at, rest);
            }
            left = left.and_then(|left| left.checked_sub(1));
            self.skip(&event)?;
        }
    }

    /// Passes over a value whose first event was `event`.
    fn skip(&mut self, event: &Event<'_>) -> Option<()> {
        let mut depth = depth_of(event);
        while depth > 0 {
            depth += depth_of(&self.next()?.0);
        }
        Some(())
    }
}

fn depth_of(event: &Event<'_>) -> i32 {
    match event {
        Event::MappingStart(..) | Event::SequenceStart(..) => 1,
        Event::MappingEnd | Event::SequenceEnd => -1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
