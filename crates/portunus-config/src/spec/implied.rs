//! The listeners of a configuration that writes none.

use std::borrow::Cow;

use portunus_spec::{Named, NoLookup, Node, Reader, Spec};

use super::{CertificatesSpec, ConfigSpec, ListenerSpec};

impl ConfigSpec {
    /// The listeners as they are written, or else what is implied: `web` on port 8080; with `acme` or
    /// `tls` also `secure`, and then on ports 80 and 443; for trying out (`tls: self_signed`) on 8080
    /// and 8443.
    #[must_use]
    pub fn listeners_in_force(&self) -> Cow<'_, Named<ListenerSpec>> {
        if !self.listeners.is_empty() {
            return Cow::Borrowed(&self.listeners);
        }
        let certificates = self.tls.as_ref().and_then(|tls| tls.certificates.as_ref());
        let trying_out = certificates
            .is_some_and(|certificates| matches!(certificates.value, CertificatesSpec::SelfSigned));
        let web = |address| ("web", Node::map([("address", Node::text(address))]));
        let secure = |address| {
            let tls = Node::map::<String>([]);
            ("secure", Node::map([("address", Node::text(address)), ("tls", tls)]))
        };
        let implied = match (&self.acme, &self.tls) {
            (None, None) => vec![web(":8080")],
            _ if trying_out => vec![web(":8080"), secure(":8443")],
            _ => vec![web(":80"), secure(":443")],
        };
        let read = Named::read(&Node::map(implied), &mut Reader::new(&NoLookup));
        Cow::Owned(read.unwrap_or_default())
    }
}
