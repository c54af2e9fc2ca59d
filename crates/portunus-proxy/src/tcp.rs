//! Connections of TCP that go to an upstream as they come: those of a whole listener, TLS by the name that the
//! client asks for, and what is no HTTP on a port that serves HTTP too.

mod claim;
mod connect;
mod relay;

use std::sync::Arc;

use portunus_snapshot::TcpPlan;

use crate::detect::Opening;
use crate::passage::Passage;
use crate::reply;

pub(crate) use claim::{claim, claim_secured};

/// A connection that is to be passed on.
#[derive(Debug)]
pub(crate) struct Relayed {
    /// Where to, and for how long.
    pub(crate) plan: Arc<TcpPlan>,
    /// The name that its client asks for in TLS that is not ended here.
    pub(crate) server_name: Option<Box<str>>,
}

/// Passes a connection on until both sides have ended. Established ones go on while the listener closes.
pub(crate) async fn serve(opening: Opening, relayed: Relayed) {
    let Opening { io, read, facts, tls, tlvs, deadline, listener, local, .. } = opening;
    let Relayed { plan, server_name } = relayed;
    let mut passage = Passage::new(&local, &listener, facts, "tcp");
    (passage.server_name, passage.tls, passage.tlvs) = (server_name, tls, tlvs);
    // Connecting is over soon: its memory is not the connection's.
    match Box::pin(connect::connect(&passage, &plan, &deadline)).await {
        Ok((conn, _carried)) => {
            let ends = relay::Ends { client: &io, upstream: &conn.io };
            passage.reason.set(relay::relay(&passage, &plan, &deadline, ends, read).await);
        }
        Err(error) => {
            // There is no answer that every protocol would understand.
            io.reset_on_close();
            passage.reason.set(Some(reply::reason_of(error).0));
        }
    }
}
