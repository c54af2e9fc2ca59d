//! The compiled table of all rules.

use std::fmt;

use portunus_base::RouteId;
use portunus_http::RequestHead;

use crate::builder::{Shadowed, shadowed_in};
use crate::hosts::{HostTable, Hosts};
use crate::search::{Allowed, Search};
use crate::{ConnectionFacts, Event, MethodSet, Params, Recorder};

/// All rules, ready to be searched; immutable. Made by [`crate::RouterBuilder`].
#[derive(Debug, Default)]
pub struct Router {
    hosts: Hosts,
    len: usize,
}

/// Why no rule matches.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Missed {
    /// A host fits.
    pub host_known: bool,
    /// The path of a rule of that host matches; a condition does not.
    pub path_known: bool,
    /// The methods with which the request would have matched. Not empty: the answer is 405 (RFC
    /// 9110 section 15.5.6), and this is its `Allow`.
    pub methods: MethodSet,
}

impl Router {
    pub(crate) fn new(hosts: Hosts, len: usize) -> Self {
        Self { hosts, len }
    }

    /// The route of a request; `params` gets what its pattern captures.
    ///
    /// # Errors
    /// Why there is none.
    pub fn find<R: Recorder>(
        &self,
        request: &RequestHead,
        connection: &ConnectionFacts,
        params: &mut Params,
        recorder: &mut R,
    ) -> Result<RouteId, Missed> {
        params.clear();
        let host = self.hosts.find(request.host(), connection.listener, recorder);
        let winner = host.and_then(|host| {
            let mut search = Search::new(request, connection, recorder);
            // The search knows what it found, whether the walk was cut short or not.
            let _ = host.walk(request.path(), &mut search);
            search.finish()
        });
        if let Some(winner) = winner {
            winner.path.capture(request.path(), params);
            return Ok(winner.id);
        }
        let missed = host.map_or_else(Missed::default, |host| miss(host, request, connection));
        recorder.record(|| Event::Missed(missed.clone()));
        Err(missed)
    }

    /// Rules that no request can reach, for a rule of the same path that is tried earlier holds
    /// wherever they do. By rising ids. What only a regex over the path hides is not seen.
    #[must_use]
    pub fn shadowed(&self) -> Vec<Shadowed> {
        let mut shadowed = Vec::new();
        for host in self.hosts.tables() {
            host.each_leaf(|rules| shadowed_in(rules, &mut shadowed));
        }
        shadowed.sort_unstable_by_key(|one| (one.route, one.by));
        shadowed
    }

    /// The most nodes and regexes that one request can visit, whatever its path. It depends on the
    /// shape of the rules, not on their number: about two for each segment of the longest pattern
    /// of a host.
    #[must_use]
    pub fn visits_max(&self) -> usize {
        self.hosts.tables().map(HostTable::visits_max).max().unwrap_or(0)
    }

    /// How many rules there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// True without rules.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[cold]
fn miss(host: &HostTable, request: &RequestHead, connection: &ConnectionFacts) -> Missed {
    let methods = MethodSet::default();
    let mut allowed = Allowed { request, connection, path_known: false, methods };
    let _ = host.walk(request.path(), &mut allowed);
    Missed { host_known: true, path_known: allowed.path_known, methods: allowed.methods }
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.host_known {
            f.write_str("no host fits")
        } else if !self.path_known {
            f.write_str("no path of the host fits")
        } else if self.methods.is_empty() {
            f.write_str("a path fits, but the conditions of its rules do not hold")
        } else {
            write!(f, "a path fits, but only for the methods {}", self.methods)
        }
    }
}
