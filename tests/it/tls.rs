//! TLS: certificates, versions, sessions, identities of clients, TLS to upstreams.

mod certificates;
mod handshakes;
mod identities;
mod mistakes;
mod peers;
mod sessions;
mod trying_out;
mod upstream;

use portunus_testkit::{Authority, Identity, Program, Setup, TlsClient};

/// An authority that the test's clients trust, and a certificate by it for `shop.test`.
pub(crate) struct Site {
    pub(crate) authority: Authority,
    pub(crate) identity: Identity,
}

impl Site {
    pub(crate) fn new() -> Self {
        let authority = Authority::new("the test's");
        let identity = authority.issue(&["shop.test"]);
        Self { authority, identity }
    }

    /// A configuration with the files that it names: `ca.pem`, `site.pem`, `site.key`.
    pub(crate) fn config(&self, text: &str) -> Setup {
        let setup = Program::config(text).file("ca.pem", &self.authority.pem());
        setup.identity("site", &self.identity)
    }

    /// The program with one TLS listener `web` that answers each request with `fine`.
    pub(crate) fn start(&self) -> Program {
        self.config(&format!("{LISTENER}{FINE}")).start()
    }

    /// A client that trusts the authority.
    pub(crate) fn client(&self) -> TlsClient {
        TlsClient::trusting(&self.authority)
    }
}

/// A TLS listener with the certificate of [`Site`].
pub(crate) const LISTENER: &str =
    "listeners: {web: {address: \"127.0.0.1:0\", tls: [{cert: site.pem, key: site.key}]}}\n";
/// All hosts answer alike.
pub(crate) const FINE: &str = "hosts: {\"*\": {routes: {/**: {respond: fine}}}}\n";
