//! Hosts.

use std::fmt;
use std::time::Duration;

use portunus_spec::shape::{Json, Scalar};
use portunus_spec::{Named, Node, Reader, Shape, Spanned, Spec, read_parsed, spec};

use super::{HostOpenApiSpec, HostTlsSpec, RulesSpec, UseSpec};
use crate::address::textual;

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
        /// Routes from an OpenAPI document.
        openapi: Option<Box<HostOpenApiSpec>>,
        /// Certificates of this host.
        tls: Option<HostTlsSpec>,
        /// Whether requests without TLS are sent to `https://`: `true`, `false`, or the status. It is
        /// on where the host has certificates of its own or by ACME.
        redirect_https: Option<Spanned<RedirectHttpsSpec>>,
        /// Tells browsers to use `https://` alone from now on (Strict-Transport-Security), for a time
        /// such as `365d`.
        hsts: Option<Spanned<HstsSpec>>,
    }
}

/// Whether and how requests without TLS are sent to `https://`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RedirectHttpsSpec {
    /// They are not.
    Off,
    /// With this status.
    On(u16),
}

impl RedirectHttpsSpec {
    /// They are, in a way that keeps the method.
    pub const DEFAULT: Self = Self::On(308);

    fn parse(text: &str) -> Result<Self, &'static str> {
        match (text, text.parse()) {
            ("true", _) => Ok(Self::DEFAULT),
            ("false", _) => Ok(Self::Off),
            (_, Ok(status @ (301 | 302 | 303 | 307 | 308))) => Ok(Self::On(status)),
            _ => Err("write true, false, or a status: 301, 302, 303, 307, 308"),
        }
    }
}

impl fmt::Display for RedirectHttpsSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("false"),
            Self::On(status) => status.fmt(f),
        }
    }
}

textual! {
    RedirectHttpsSpec: "`true`, `false` or status", "a redirect", ["true", "false", "308"];
}

spec! {
    /// Strict-Transport-Security (RFC 6797).
    pub struct HstsSpec {
        short = max_age;
        /// For how long.
        max_age: Spanned<Duration>,
        /// For all names below the host too.
        include_subdomains: bool = false,
        /// Asks browsers to put the host on their built-in list, which is hard to undo.
        preload: bool = false,
    }
}
