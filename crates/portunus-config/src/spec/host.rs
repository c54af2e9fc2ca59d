//! Hosts.

use portunus_spec::{Named, Spanned, spec};

use super::{NotYet, RulesSpec, UseSpec};

spec! {
    /// A host: its filters and its routes.
    pub struct HostSpec {
        /// The listeners that serve it; all of them unless named.
        listeners: Vec<Spanned<String>> = Vec::new(),
        /// Filters of every route of the host, before those of the route.
        r#use: Vec<UseSpec> = Vec::new(),
        /// Routes by path: `{name}` is one segment, `**` the rest, `~ regex` a regular expression
        /// for the whole path.
        routes: Named<RulesSpec> = Named::default(),
        /// Certificates of this host.
        tls: NotYet,
    }
}
