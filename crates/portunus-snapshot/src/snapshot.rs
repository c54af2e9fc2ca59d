//! The plan as a whole.

use std::collections::HashMap;
use std::sync::Arc;

use portunus_base::{ListenerId, UpstreamId};
use portunus_filter::{Chain, LiveSlots};
use portunus_http::RequestHead;
use portunus_route::{ConnectionFacts, Event, HostPattern, Missed, Params, Recorder, Router};
use portunus_telemetry::Format;
use portunus_upstream::Upstream;

use crate::{ListenerPlan, Networks, ProcessLimits, Route};

/// The immutable plan: what is served, how, and to where.
#[derive(Debug)]
pub struct Snapshot {
    /// Counts up with each one that is published.
    pub generation: u64,
    /// Requests to routes.
    pub router: Router,
    /// Routes by id.
    pub routes: Vec<Arc<Route>>,
    /// The filters of a host's own, for requests that none of its routes takes. Hosts without filters are left out.
    pub unrouted: HashMap<HostPattern, Arc<Chain>>,
    /// Listeners by id; gaps are listeners of earlier snapshots.
    pub listeners: Vec<Option<Arc<ListenerPlan>>>,
    /// Upstreams by id; gaps are upstreams of earlier snapshots.
    pub upstreams: Vec<Option<Arc<Upstream>>>,
    /// The slots of its filters: what workers keep in others is of filters that are gone.
    pub slots: LiveSlots,
    /// Peers whose word on the client counts.
    pub trusted: Networks,
    /// What the process takes on at once.
    pub limits: ProcessLimits,
    /// How an access-log line is written; None when there is no access log.
    pub access_log: Option<Arc<Format>>,
}

/// What is to be done with a request.
#[derive(Debug)]
pub enum Decision<'a> {
    /// This route serves it.
    Route(&'a Arc<Route>),
    /// No route does.
    Miss(Miss<'a>),
}

/// A request that no route serves.
#[derive(Debug, Default)]
pub struct Miss<'a> {
    /// Why.
    pub missed: Missed,
    /// The filters of its host: what a host asks of all its requests and answers holds for these too.
    pub chain: Option<&'a Arc<Chain>>,
}

impl Snapshot {
    /// Decides on a request: pure, and the one place where that is done. The data path calls it with a recorder
    /// that compiles to nothing; `explain`, `test` and `diff` with one that remembers every step.
    pub fn decide<R: Recorder>(
        &self,
        connection: &ConnectionFacts,
        head: &RequestHead,
        params: &mut Params,
        recorder: &mut R,
    ) -> Decision<'_> {
        let found = self.router.find(head, connection, params, recorder);
        match found.map(|id| self.routes.get(id.index())) {
            Ok(Some(route)) => Decision::Route(route),
            Ok(None) => Decision::Miss(Miss::default()),
            Err(missed) => {
                let chain = self.unrouted(connection, head);
                Decision::Miss(Miss { missed, chain })
            }
        }
    }

    /// The filters for a request that no route takes. Looks for the host once more: only misses pay for its name.
    #[cold]
    fn unrouted(&self, connection: &ConnectionFacts, head: &RequestHead) -> Option<&Arc<Chain>> {
        let mut seen = SeenHost::default();
        // That there is no route is known.
        let _ = self.router.find(head, connection, &mut Params::default(), &mut seen);
        self.unrouted.get(&seen.0?)
    }

    /// The upstream of that id.
    #[must_use]
    pub fn upstream(&self, id: UpstreamId) -> Option<&Arc<Upstream>> {
        self.upstreams.get(id.index()).and_then(Option::as_ref)
    }

    /// The listener of that id.
    #[must_use]
    pub fn listener(&self, id: ListenerId) -> Option<&Arc<ListenerPlan>> {
        self.listeners.get(id.index()).and_then(Option::as_ref)
    }
}

/// Remembers the host that a search chose.
#[derive(Default)]
struct SeenHost(Option<HostPattern>);

impl Recorder for SeenHost {
    const ON: bool = false;

    fn record(&mut self, event: impl FnOnce() -> Event) {
        if let Event::Host { host } = event() {
            self.0 = Some(host);
        }
    }
}
