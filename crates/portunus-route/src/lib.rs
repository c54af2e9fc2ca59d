//! Matchers of requests to routes, with a recorded reason. Pure.
//!
//! # Which rule wins
//!
//! 1. The **host**: an exact name, else the longest wildcard suffix, else `*`; only among hosts
//!    that have a rule for the request's listener. The choice is final: a host without a fitting
//!    path does not fall back to a less specific host, so that what one host serves can be read off
//!    its own block.
//! 2. Of the host's rules that match **wholly**, path and conditions, the most specific:
//!    1. Paths without `**` come first, then regexes, then paths that end in `**`. Segment by
//!       segment from the left, a literal beats `{name}`, and both beat `**`. Regexes go by written
//!       order.
//!    2. On one path, more conditions win. Ties go by written order, which is the order of the ids.
//!
//! A rule whose conditions fail is as good as absent: a less specific path of the same host may
//! still match.
//!
//! # What it costs
//!
//! A match allocates nothing. It takes one probe for an exact host (else one for each label of the
//! host), and one for each segment of the longest pattern that the path follows. Going back to
//! `{name}` after a literal visits each node of the tree at most once; [`Router::visits_max`] is
//! the proven bound for the rules at hand. The number of rules does not enter, with two exceptions:
//! the rules of one path differ by conditions alone and are tried in turn, and so are the regexes
//! of one host.

mod builder;
mod byte_map;
mod condition;
mod error;
mod host;
mod hosts;
mod method_set;
mod params;
mod path;
mod recorder;
mod router;
mod rule;
mod search;
mod text_match;
mod text_regex;
mod tree;

pub use builder::{Conflict, RouterBuilder, Shadowed};
pub use condition::{Condition, ConnectionFacts, Failure};
pub use error::PatternError;
pub use host::HostPattern;
pub use method_set::MethodSet;
pub use params::Params;
pub use path::PathPattern;
pub use recorder::{Event, NoRecorder, Recorder, Trace, Why};
pub use router::{Missed, Router};
pub use rule::RouteRule;
pub use text_match::TextMatch;
pub use text_regex::TextRegex;

#[cfg(test)]
mod tests;
