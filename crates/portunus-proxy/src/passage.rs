//! What is passed on as it comes, a connection of TCP or a session of UDP: where it goes, and what is counted and
//! logged of it.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use portunus_balance::{KeySource, Outcome, Tried};
use portunus_base::{Mono, TlsFacts, Wall, hash_bytes};
use portunus_exchange::template::version_number;
use portunus_exchange::{ClientFacts, ErrorKind, ProxyError};
use portunus_snapshot::{AddressText, Destination, ListenerPlan};
use portunus_telemetry::{AccessRecord, Place};
use portunus_upstream::{Picked, Upstream};

use crate::local::Local;
use crate::queue;

/// A connection or a session on its way. Logged when it is dropped, once.
pub(crate) struct Passage {
    pub(crate) local: Rc<Local>,
    pub(crate) client: ClientFacts,
    /// The name that the client asked for in TLS that is not ended here.
    pub(crate) server_name: Option<Box<str>>,
    /// What was agreed on in TLS that was.
    pub(crate) tls: Option<Rc<TlsFacts>>,
    /// The values (TLVs) of the client's PROXY header.
    pub(crate) tlvs: Option<Rc<Vec<u8>>>,
    pub(crate) connect_us: Cell<Option<u64>>,
    /// Why it ended, where that was not its own end.
    pub(crate) reason: Cell<Option<&'static str>>,
    listener: Arc<ListenerPlan>,
    protocol: &'static str,
    place: Cell<Place>,
    started: (Mono, Wall),
    upstream: Cell<Option<Rc<str>>>,
    endpoint: Cell<Option<Rc<str>>>,
    attempts: Cell<u32>,
    bytes_in: Cell<u64>,
    bytes_out: Cell<u64>,
}

impl Passage {
    /// Begins one; `protocol` is its name in logs.
    pub(crate) fn new(
        local: &Rc<Local>,
        listener: &Arc<ListenerPlan>,
        client: ClientFacts,
        protocol: &'static str,
    ) -> Self {
        let started = (local.worker.refresh(), local.worker.wall());
        let place = Place { listener: listener.series, ..Place::default() };
        Self {
            local: Rc::clone(local),
            client,
            server_name: None,
            tls: None,
            tlvs: None,
            connect_us: Cell::default(),
            reason: Cell::default(),
            listener: Arc::clone(listener),
            protocol,
            place: Cell::new(place),
            started,
            upstream: Cell::default(),
            endpoint: Cell::default(),
            attempts: Cell::default(),
            bytes_in: Cell::default(),
            bytes_out: Cell::default(),
        }
    }

    /// The upstream that it goes to.
    pub(crate) fn upstream(&self, to: &Destination) -> Result<Arc<Upstream>, ProxyError> {
        let local = &self.local;
        let id = match to {
            Destination::Upstream(id) => Some(*id),
            Destination::Split(split) => split.choose(local.worker.random(|rng| rng.u64())),
            Destination::None => None,
        };
        let plan = local.plan();
        let upstream = id.and_then(|id| plan.snapshot.upstream(id)).map(Arc::clone);
        let upstream = upstream.ok_or(ProxyError::local(ErrorKind::NoEndpoint))?;
        self.upstream.set(Some(local.enter_upstream(&upstream, RETRY_BUDGET)));
        self.place.set(Place { upstream: Some(upstream.series), ..self.place.get() });
        Ok(upstream)
    }

    /// The endpoint for the next attempt; one that was tried before only where there is no other.
    pub(crate) fn endpoint(
        &self,
        upstream: &Arc<Upstream>,
        tried: &mut Tried,
    ) -> Result<Picked, ProxyError> {
        let key = upstream.plan.balancer.key().and_then(|source| self.key(source));
        let has_room = queue::has_room(&self.local, upstream);
        let has_room = has_room.as_ref().map(|has_room| has_room as &dyn Fn(&_) -> bool);
        let picked = self.local.pick(upstream, key, tried, has_room)?;
        tried.insert(picked.endpoint().state.key());
        self.attempts.set(self.attempts.get() + 1);
        self.endpoint.set(Some(Rc::clone(&picked.name)));
        self.place.set(Place { endpoint: Some(picked.series), ..self.place.get() });
        Ok(picked)
    }

    /// How many endpoints it was given to.
    pub(crate) fn attempts(&self) -> u32 {
        self.attempts.get()
    }

    /// So many bytes came from the client.
    pub(crate) fn count_in(&self, bytes: u64) {
        self.bytes_in.set(self.bytes_in.get() + bytes);
        self.local.shard.passed(self.place.get(), bytes, 0);
    }

    /// So many bytes went to the client.
    pub(crate) fn count_out(&self, bytes: u64) {
        self.bytes_out.set(self.bytes_out.get() + bytes);
        self.local.shard.passed(self.place.get(), 0, bytes);
    }

    /// All bytes so far, both ways.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes_in.get() + self.bytes_out.get()
    }

    /// The number that keyed algorithms pick by. There is nothing of HTTP to key by.
    fn key(&self, source: &KeySource) -> Option<u64> {
        let by_ip = matches!(source, KeySource::ClientIp);
        by_ip.then(|| hash_bytes(AddressText::of_ip(self.client.ip).text()))
    }

    fn log(&self) {
        let local = &self.local;
        let snapshot = &local.plan().snapshot;
        let Some(format) = snapshot.access_log.as_ref().filter(|_| local.logs()) else { return };
        let (upstream, endpoint) = (self.upstream.take(), self.endpoint.take());
        let tls = self.tls.as_deref();
        let asked = tls.and_then(|tls| tls.server_name.as_deref());
        let server_name = self.server_name.as_deref().or(asked);
        let subject = tls.and_then(|tls| tls.client.as_ref()).map(|client| &*client.subject);
        let record = AccessRecord {
            time: self.started.1,
            client_ip: Some(self.client.ip),
            client_port: self.client.port,
            peer_ip: Some(self.client.peer.ip()),
            listener: &self.listener.name,
            protocol: self.protocol,
            reason: self.reason.get().unwrap_or(""),
            upstream: upstream.as_deref().unwrap_or(""),
            endpoint: endpoint.as_deref().unwrap_or(""),
            attempts: self.attempts.get(),
            duration_us: local.worker.refresh().since_us(self.started.0),
            connect_us: self.connect_us.get(),
            bytes_in: self.bytes_in.get(),
            bytes_out: self.bytes_out.get(),
            tls_version: tls.map_or("", version_number),
            tls_cipher: tls.map_or("", |tls| tls.cipher),
            tls_server_name: server_name.unwrap_or(""),
            tls_resumed: tls.map(|tls| tls.resumed),
            tls_client_subject: subject.unwrap_or(""),
            ..AccessRecord::default()
        };
        local.log(|times, out| format.write(&record, times, out));
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        if let Some(reason) = self.reason.get() {
            self.local.shard.reply(self.local.reason(reason));
        }
        self.log();
    }
}

/// An endpoint's part of a passage; counted there for as long as this lives.
pub(crate) struct Carried {
    picked: Picked,
    upstream: Arc<Upstream>,
    local: Rc<Local>,
    latency: Cell<Option<Duration>>,
}

impl Carried {
    pub(crate) fn new(local: &Rc<Local>, upstream: &Arc<Upstream>, picked: Picked) -> Self {
        picked.endpoint().state.begin();
        local.shard.in_flight_up(upstream.series);
        local.shard.in_flight_up(picked.series);
        let (upstream, local) = (Arc::clone(upstream), Rc::clone(local));
        Self { picked, upstream, local, latency: Cell::default() }
    }

    pub(crate) fn picked(&self) -> &Picked {
        &self.picked
    }

    /// The endpoint is there: it took so long to say so.
    pub(crate) fn answered(&self, after: Duration) {
        if self.latency.replace(Some(after)).is_none() {
            self.picked.note_latency(after.as_micros() as u64, &self.upstream.plan);
            self.observe(Outcome::Good);
        }
    }

    /// The endpoint is not there: it is left alone for a while.
    pub(crate) fn failed(&self) {
        self.observe(Outcome::Unreachable);
    }

    fn observe(&self, outcome: Outcome) {
        self.picked.observe(outcome, &self.upstream.plan, self.local.worker.refresh());
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        let latency = self.latency.get().map(|after| after.as_micros() as u64);
        self.picked.end(latency, self.local.worker.now());
        self.local.shard.in_flight_down(self.picked.series);
        self.local.shard.in_flight_down(self.upstream.series);
    }
}

/// Tries beyond the first that an upstream may cost, for each passage.
const RETRY_BUDGET: f64 = 0.2;
