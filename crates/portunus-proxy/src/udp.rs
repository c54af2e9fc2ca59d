//! UDP that goes to an upstream as it comes, by sessions: all packets between one address and port of a client and
//! ours have one endpoint and one socket to it.
//!
//! Nothing is sent that nobody sent: no answer of our own, no packet twice.

mod session;
mod table;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use portunus_balance::{Address, Tried};
use portunus_base::ListenerId;
use portunus_exchange::{ClientFacts, ErrorKind, ProxyError};
use portunus_net::{UdpBuffer, UdpLink, UdpListener, UdpPath};
use portunus_snapshot::{ListenerPlan, UdpPlan};
use portunus_telemetry::Connect;

use crate::local::{Gate, Local};
use crate::passage::{Carried, Passage};
use crate::reply;
use session::Session;
use table::Table;

/// Serves a listener's packets on this worker until the gate closes. Sessions that wait for an answer may still get
/// it then.
pub(crate) async fn serve(
    local: Rc<Local>,
    listener: ListenerId,
    gate: Rc<Gate>,
    socket: UdpListener,
) {
    let sessions = Rc::new(Sessions {
        local,
        listener,
        gate,
        socket,
        table: RefCell::default(),
        replies: RefCell::default(),
    });
    let mut buffer = UdpBuffer::default();
    while !sessions.gate.is_closed() {
        let received = tokio::select! {
            biased;
            () = sessions.gate.closing.notified() => return,
            received = sessions.socket.receive(&mut buffer) => received,
        };
        // An error is that of a packet, not of the socket.
        let Ok(packets) = received else { continue };
        sessions.local.worker.refresh();
        packets.iter().for_each(|packet| sessions.forward(packets.path, packet));
    }
}

/// The sessions of one listener on one worker.
struct Sessions {
    local: Rc<Local>,
    listener: ListenerId,
    gate: Rc<Gate>,
    socket: UdpListener,
    table: RefCell<Table<UdpPath, Session>>,
    /// Where answers are received to: they go on at once.
    replies: RefCell<UdpBuffer>,
}

impl Sessions {
    /// Sends a client's packet on. One that an endpoint refuses goes to another.
    fn forward(self: &Rc<Self>, path: UdpPath, packet: &[u8]) {
        let known = self.table.borrow_mut().touch(path, self.local.worker.now());
        let is_sent = known.is_some_and(|session| session.send(packet));
        if !is_sent && let Some(session) = self.open(path) {
            session.send(packet);
        }
    }

    /// A session for a client that has none.
    fn open(self: &Rc<Self>, path: UdpPath) -> Option<Rc<Session>> {
        let local = &self.local;
        let plan = local.plan();
        let listener = plan.snapshot.listener(self.listener)?;
        let udp = listener.udp.as_ref()?;
        let bound = self.socket.address();
        let own = SocketAddr::new(path.own_ip().unwrap_or_else(|| bound.ip()), bound.port());
        let client = ClientFacts::direct(path.client(), own, self.listener);
        let passage = Passage::new(local, listener, client, "udp");
        match self.connect(&passage, udp) {
            Ok((link, carried)) => {
                Some(self.admit(path, listener, udp, Session::new(passage, carried, link, path)))
            }
            Err(error) => {
                local.shard.connection_refused(listener.series);
                passage.reason.set(Some(reply::reason_of(error).0));
                None
            }
        }
    }

    fn connect(&self, passage: &Passage, plan: &UdpPlan) -> Result<(UdpLink, Carried), ProxyError> {
        let local = &self.local;
        let upstream = passage.upstream(&plan.destination)?;
        let picked = passage.endpoint(&upstream, &mut Tried::new())?;
        let carried = Carried::new(local, &upstream, picked);
        let link = match carried.picked().endpoint().address {
            Address::Ip(address) => UdpLink::connect(address).ok(),
            // Packets go to addresses.
            Address::Unix(_) => None,
        };
        let series = carried.picked().series;
        local.shard.connect(series, link.as_ref().map_or(Connect::Failed, |_| Connect::Fresh));
        let link = link.ok_or(ProxyError::local(ErrorKind::ConnectFailed))?;
        Ok((link, carried))
    }

    /// Takes a session in; where there are too many, the one that was silent longest goes.
    fn admit(
        self: &Rc<Self>,
        path: UdpPath,
        listener: &Arc<ListenerPlan>,
        plan: &UdpPlan,
        session: Session,
    ) -> Rc<Session> {
        let session = Rc::new(session);
        let now = self.local.worker.now();
        let evicted = self.table.borrow_mut().insert(path, &session, now, plan.sessions_max);
        evicted.into_iter().for_each(|oldest| oldest.end("limit.sessions"));
        let (sessions, one) = (Rc::clone(self), Rc::clone(&session));
        let (listener, idle) = (listener.series, plan.idle_timeout);
        self.local.count(1, 0);
        self.local.shard.connection_accepted(listener);
        self.local.worker.spawn(async move {
            one.run(&sessions, idle).await;
            sessions.table.borrow_mut().remove(path, &one);
            sessions.local.count(-1, 0);
            sessions.local.shard.connection_closed(listener);
        });
        session
    }
}
