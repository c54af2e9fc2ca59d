//! How the choice of a route is told.

use std::fmt;

use portunus_base::RouteId;

use crate::{Failure, HostPattern, Missed};

/// Hears of each step of a search.
pub trait Recorder {
    /// True to go on after the winner is known, so that every other rule that matches is told of.
    /// The winner is the same.
    const ON: bool;

    /// Something worth telling; `event` is called only by who keeps it.
    fn record(&mut self, event: impl FnOnce() -> Event);

    /// A unit of work: a probe for a host, a node of the path tree, a regex, a rule.
    fn step(&mut self) {}
}

/// Keeps nothing, and compiles to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRecorder;

impl Recorder for NoRecorder {
    const ON: bool = false;

    fn record(&mut self, _event: impl FnOnce() -> Event) {}
}

/// Remembers everything.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// What happened, in order.
    pub events: Vec<Event>,
    /// Units of work.
    pub steps: usize,
}

impl Recorder for Trace {
    const ON: bool = true;

    fn record(&mut self, event: impl FnOnce() -> Event) {
        self.events.push(event());
    }

    fn step(&mut self) {
        self.steps += 1;
    }
}

/// A step of a search. Its text names routes by their ids.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// This host is the one.
    Host {
        /// Its pattern.
        host: HostPattern,
    },
    /// This host fits, but no rule of it is for the request's listener.
    HostElsewhere {
        /// Its pattern.
        host: HostPattern,
    },
    /// The path of a rule matches, a condition does not.
    Failed {
        /// The route.
        route: RouteId,
        /// The first condition that does not hold.
        failure: Failure,
    },
    /// A rule matches and wins.
    Won {
        /// The route.
        route: RouteId,
        /// The pattern of its path.
        path: String,
    },
    /// A rule matches, and another one is more specific.
    Outranked {
        /// The route.
        route: RouteId,
        /// The pattern of its path.
        path: String,
        /// The winner.
        by: RouteId,
        /// In what it is more specific.
        why: Why,
    },
    /// No rule matches.
    Missed(Missed),
}

/// What makes a winner.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Why {
    /// Its path is more specific.
    Path,
    /// Its path is the same, and it has more conditions.
    Conditions,
    /// It is written earlier.
    Order,
}

impl Event {
    /// The route that the event is about.
    #[must_use]
    pub fn route(&self) -> Option<RouteId> {
        match self {
            Self::Failed { route, .. }
            | Self::Won { route, .. }
            | Self::Outranked { route, .. } => Some(*route),
            Self::Host { .. } | Self::HostElsewhere { .. } | Self::Missed(_) => None,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host { host } => write!(f, "host `{host}`"),
            Self::HostElsewhere { host } => write!(f, "host `{host}` is not on this listener"),
            Self::Failed { route, failure } => write!(f, "route {route} lost: {failure}"),
            Self::Won { route, path } => write!(f, "route {route} won: path `{path}`"),
            Self::Outranked { route, path, by, why } => {
                write!(f, "route {route} lost: path `{path}` matches too, but route {by} {why}")
            }
            Self::Missed(missed) => missed.fmt(f),
        }
    }
}

/// Continues "the winner ...".
impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Path => "has a more specific path",
            Self::Conditions => "has more conditions",
            Self::Order => "is written earlier",
        })
    }
}
