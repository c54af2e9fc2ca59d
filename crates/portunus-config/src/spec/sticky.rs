//! Clients that stay at their endpoint.

use std::time::Duration;

use portunus_spec::{Secret, Spanned, spec, spec_enum};

spec! {
    /// Clients that stay at their endpoint.
    pub struct StickySpec {
        short = cookie;
        /// The cookie that says which endpoint that is.
        cookie: StickyCookieSpec,
        /// What its value is signed with, 32 characters or more; several nodes that have the same one agree. A key in
        /// `sticky.key` of the state folder unless set, which is made when it is first needed.
        key: Option<Spanned<Secret>>,
    }
}

spec! {
    /// The cookie by which a client stays at its endpoint.
    pub struct StickyCookieSpec {
        short = name;
        /// Its name.
        name: Spanned<String> = Spanned::none("srv".to_owned()),
        /// The paths that it comes back for.
        path: Spanned<String> = Spanned::none("/".to_owned()),
        /// The domain whose hosts share it; the host alone unless set.
        domain: Option<Spanned<String>>,
        /// How long it is kept from its first day on; until the browser ends unless set.
        max_age: Option<Spanned<Duration>>,
        /// Whether it comes back over HTTPS alone; unless set, when the client came by HTTPS.
        secure: Option<Spanned<bool>>,
        /// Whether scripts of a page cannot read it.
        http_only: bool = true,
        /// Which requests of other sites bring it along.
        same_site: StickySameSiteSpec = StickySameSiteSpec::Lax,
        /// Whether the upstream does not see it.
        hide: bool = true,
    }
}

spec_enum! {
    /// Which requests of other sites bring a cookie along.
    pub enum StickySameSiteSpec {
        /// None.
        Strict = "strict",
        /// Links to this site.
        Lax = "lax",
        /// All; over HTTPS alone.
        None = "none",
    }
}
