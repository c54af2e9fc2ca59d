//! Where certificates, answers to challenges and events go: the seam to the data path.

use std::fmt;
use std::sync::Arc;

use portunus_base::Wall;

use crate::certificate::Issued;
use crate::fault::Fault;
use crate::plan::Names;

/// What takes the work of an [`Issuer`](crate::Issuer). No function may block.
pub trait Outlet: Send + Sync + 'static {
    /// All certificates that there are, in place of those of the last call.
    fn certificates(&self, all: &[Arc<Issued>]);

    /// What `GET /.well-known/acme-challenge/<token>` on port 80 answers; `None`: nothing any more.
    fn http_answer(&self, token: &str, answer: Option<&str>);

    /// What a handshake with ALPN `acme-tls/1` for a name is answered with; `None`: nothing any more.
    fn tls_answer(&self, name: &str, answer: Option<&TlsAnswer>);

    /// What happened, for metrics. It is logged already.
    fn event(&self, event: &Event<'_>);
}

/// The certificate that answers tls-alpn-01: RFC 8737, section 3.
pub struct TlsAnswer {
    /// The certificate in PEM.
    pub chain_pem: String,
    /// Its key, PKCS #8 in PEM.
    pub key_pem: String,
}

impl fmt::Debug for TlsAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsAnswer").finish_non_exhaustive()
    }
}

/// What happened to the certificate of some names.
#[derive(Debug)]
pub enum Event<'a> {
    /// One was issued to this node.
    Issued(&'a Issued),
    /// One was found in storage: after a start, or because another node got it.
    Found(&'a Issued),
    /// One was not issued. What there was before stays.
    Failed {
        /// The names.
        names: &'a Names,
        /// Why, and what to do.
        fault: &'a Fault,
        /// When the next attempt is made.
        next: Wall,
        /// Until when the certificate counts that there is.
        not_after: Option<Wall>,
    },
}
