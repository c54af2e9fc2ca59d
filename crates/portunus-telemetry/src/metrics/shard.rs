//! One worker's part of all metrics.

use super::chunks::Chunks;
use super::edge::EdgeCells;
use super::histogram::bucket;
use super::series::{
    Cell, Cells, Count, DecisionId, EJECTIONS, EndpointSeries, ListenerSeries, ReasonId,
    RouteSeries, SeriesId, SeriesKind, UpstreamSeries, class,
};

/// What one worker counts. Only that worker's thread may record: a number has one writer, which is why no
/// recording costs an atomic read-modify-write. Control reads at any time.
#[derive(Debug, Default)]
pub struct Shard {
    listeners: Chunks<Cells>,
    routes: Chunks<Cells>,
    upstreams: Chunks<Cells>,
    endpoints: Chunks<Cells>,
    replies: Chunks<Cell>,
    decisions: Chunks<Cell>,
    edges: Chunks<EdgeCells>,
}

impl Shard {
    /// Records a request that has ended, in each series that it belongs to. Listener and route count the
    /// whole duration, upstream and endpoint the upstream's.
    #[inline]
    pub fn request(&self, place: Place, outcome: &Outcome) {
        let class = class(outcome.status);
        let (in_, out) = (outcome.bytes_in, outcome.bytes_out);
        let (us, whole) = (outcome.duration_us, bucket(outcome.duration_us));
        self.record(place.listener, |cells| cells.request(class, whole, us, in_, out));
        if let Some(route) = place.route {
            self.record(route, |cells| cells.request(class, whole, us, in_, out));
        }
        let (us, part) = (outcome.upstream_us, bucket(outcome.upstream_us));
        if let Some(upstream) = place.upstream {
            self.record(upstream, |cells| cells.request(class, part, us, in_, out));
        }
        if let Some(endpoint) = place.endpoint {
            self.record(endpoint, |cells| cells.request(class, part, us, in_, out));
        }
        if let Some(reason) = outcome.reason {
            self.reply(reason);
        }
    }

    /// Counts bytes that were passed on outside of requests, in each series that they belong to: from the client,
    /// and to it.
    pub fn passed(&self, place: Place, bytes_in: u64, bytes_out: u64) {
        let count = |cells: &Cells| {
            cells.count(Count::BytesIn).add(bytes_in);
            cells.count(Count::BytesOut).add(bytes_out);
        };
        self.record(place.listener, count);
        if let Some(upstream) = place.upstream {
            self.record(upstream, count);
        }
        if let Some(endpoint) = place.endpoint {
            self.record(endpoint, count);
        }
    }

    /// Counts a reason code where there is no request to record: a connection that was closed.
    pub fn reply(&self, reason: ReasonId) {
        if let Some(count) = self.replies.cell_or_grow(reason.0) {
            count.add(1);
        }
    }

    /// Counts a decision of a filter.
    #[inline]
    pub fn decision(&self, decision: DecisionId) {
        if let Some(count) = self.decisions.cell_or_grow(decision.0) {
            count.add(1);
        }
    }

    /// A request begins in a series; [`Shard::in_flight_down`] must follow, once.
    #[inline]
    pub fn in_flight_up(&self, series: impl SeriesId) {
        self.record(series, |cells| cells.count(Count::InFlight).add(1));
    }

    /// A request leaves a series.
    #[inline]
    pub fn in_flight_down(&self, series: impl SeriesId) {
        self.record(series, |cells| cells.count(Count::InFlight).sub(1));
    }

    /// A connection was accepted; [`Shard::connection_closed`] must follow, on any worker.
    pub fn connection_accepted(&self, listener: ListenerSeries) {
        self.record(listener, |cells| {
            cells.count(Count::Accepted).add(1);
            cells.count(Count::Open).add(1);
        });
    }

    /// An accepted connection was closed.
    pub fn connection_closed(&self, listener: ListenerSeries) {
        self.record(listener, |cells| cells.count(Count::Open).sub(1));
    }

    /// A connection was closed at once, over a limit.
    pub fn connection_refused(&self, listener: ListenerSeries) {
        self.record(listener, |cells| cells.count(Count::Refused).add(1));
    }

    /// The system did not give a connection that waits.
    pub fn accept_failed(&self, listener: ListenerSeries) {
        self.record(listener, |cells| cells.count(Count::Unaccepted).add(1));
    }

    /// A client's TLS handshake succeeded: with TLS 1.3, or 1.2; anew, or with a resumed session.
    pub fn tls_handshake(&self, listener: ListenerSeries, tls13: bool, resumed: bool) {
        self.edge(listener, |cells| cells.handshake(tls13, resumed));
    }

    /// A client's TLS handshake failed.
    pub fn tls_error(&self, listener: ListenerSeries, kind: &'static str) {
        self.edge(listener, |cells| cells.tls_error(kind));
    }

    /// A connection of HTTP/2 was ended because of what the client did.
    pub fn h2_error(&self, listener: ListenerSeries, kind: &'static str) {
        self.edge(listener, |cells| cells.h2_error(kind));
    }

    /// A request is tried again.
    pub fn retry(&self, upstream: UpstreamSeries) {
        self.record(upstream, |cells| cells.count(Count::Retries).add(1));
    }

    /// A request is sent to a second endpoint, as the first one takes long.
    pub fn hedge(&self, upstream: UpstreamSeries) {
        self.record(upstream, |cells| cells.count(Count::Hedges).add(1));
    }

    /// The second endpoint was the first to answer.
    pub fn hedge_won(&self, upstream: UpstreamSeries) {
        self.record(upstream, |cells| cells.count(Count::HedgeWins).add(1));
    }

    /// A client left the endpoint where it had stayed.
    pub fn sticky_moved(&self, upstream: UpstreamSeries) {
        self.record(upstream, |cells| cells.count(Count::StickyMoves).add(1));
    }

    /// An upstream connection was taken, or could not be.
    pub fn connect(&self, endpoint: EndpointSeries, connect: Connect) {
        let count = match connect {
            Connect::Reused => Count::Reused,
            Connect::Fresh => Count::Fresh,
            Connect::Failed => Count::Failed,
        };
        self.record(endpoint, |cells| cells.count(count).add(1));
    }

    /// An endpoint was ejected so often since the last call, for `reason`: one of the metric's words.
    pub fn ejections(&self, endpoint: EndpointSeries, reason: &str, count: u16) {
        if let Some((_, of)) = EJECTIONS.iter().find(|(word, _)| *word == reason) {
            self.record(endpoint, |cells| cells.count(*of).add(count.into()));
        }
    }

    /// An endpoint is ejected now; [`Shard::ejected_down`] must follow, once.
    pub fn ejected_up(&self, endpoint: EndpointSeries) {
        self.record(endpoint, |cells| cells.count(Count::Ejected).add(1));
    }

    /// An endpoint is not ejected any more.
    pub fn ejected_down(&self, endpoint: EndpointSeries) {
        self.record(endpoint, |cells| cells.count(Count::Ejected).sub(1));
    }

    /// This shard's part of a series, if it has one.
    pub(super) fn cells(&self, kind: SeriesKind, index: u32) -> Option<&Cells> {
        self.table(kind).cell(index)
    }

    /// This shard's part of what a listener counts before there is a request.
    pub(super) fn edge_cells(&self, index: u32) -> Option<&EdgeCells> {
        self.edges.cell(index)
    }

    /// This shard's count of a reason.
    pub(super) fn replies(&self, index: u32) -> u64 {
        self.replies.cell(index).map_or(0, Cell::load)
    }

    /// This shard's count of a decision.
    pub(super) fn decisions(&self, index: u32) -> u64 {
        self.decisions.cell(index).map_or(0, Cell::load)
    }

    fn edge(&self, listener: ListenerSeries, record: impl FnOnce(&EdgeCells)) {
        if let Some(cells) = self.edges.cell_or_grow(listener.index()) {
            record(cells);
        }
    }

    #[inline]
    fn record<S: SeriesId>(&self, series: S, record: impl FnOnce(&Cells)) {
        if let Some(cells) = self.table(S::KIND).cell_or_grow(series.index()) {
            record(cells);
        }
    }

    #[inline]
    fn table(&self, kind: SeriesKind) -> &Chunks<Cells> {
        match kind {
            SeriesKind::Listener => &self.listeners,
            SeriesKind::Route => &self.routes,
            SeriesKind::Upstream => &self.upstreams,
            SeriesKind::Endpoint => &self.endpoints,
        }
    }
}

/// The series that a request belongs to, as far as it came.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Place {
    /// The listener.
    pub listener: ListenerSeries,
    /// The route, when one was found.
    pub route: Option<RouteSeries>,
    /// The upstream, when one was chosen.
    pub upstream: Option<UpstreamSeries>,
    /// The endpoint that was tried last.
    pub endpoint: Option<EndpointSeries>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Outcome {
    /// The answer's status; 0 when none was sent.
    pub status: u16,
    /// The reason code, when we made the answer or cut it.
    pub reason: Option<ReasonId>,
    /// First byte of the request to last byte of the answer.
    pub duration_us: u64,
    /// Sending the request to the end of the upstream's answer; 0 without an upstream.
    pub upstream_us: u64,
    /// Bytes read from the client.
    pub bytes_in: u64,
    /// Bytes written to the client.
    pub bytes_out: u64,
}

/// How an upstream connection was come by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Connect {
    /// Taken from the pool.
    Reused,
    /// Dialled.
    Fresh,
    /// Could not be dialled.
    Failed,
}

#[cfg(test)]
mod tests;
