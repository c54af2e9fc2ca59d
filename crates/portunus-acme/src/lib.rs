//! Certificates by ACME (RFC 8555): asked for, renewed, stored, and handed out.
//!
//! An [`Issuer`] is one task on control's runtime. It takes [`AcmePlan`]s, keeps a [`Storage`], and gives
//! certificates, answers to challenges and events to an [`Outlet`]. Handshakes for unknown names ask an
//! [`OnDemand`]. Nothing of it runs on a worker, and no type of its libraries shows.
//!
//! - `issuer`: what is wanted, what there is, when to look again; `turn`: one look at one certificate.
//! - `authority`, `order`, `shown`, `dns`: the account, one order, the answers to its challenges, records in DNS.
//! - `schedule`: moments, pure. `client`: HTTPS. `fault`: what went wrong, and what to do.

mod authority;
mod certificate;
mod client;
mod dns;
mod fault;
mod issuer;
mod on_demand;
mod order;
mod outlet;
mod plan;
mod schedule;
mod shown;
mod storage;
mod turn;

pub use certificate::Issued;
pub use fault::{Fault, FaultKind};
pub use issuer::Issuer;
pub use on_demand::{OnDemand, Wanted};
pub use outlet::{Event, Outlet, TlsAnswer};
pub use plan::{
    AcmePlan, ChallengeKind, Directory, Eab, Key, Names, OnDemandPlan, PlanError, Rfc2136, Tsig,
    TsigAlgorithm,
};
pub use storage::{FolderStorage, Storage, Stored};
