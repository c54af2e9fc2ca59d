//! Requests with what must become of them.

use portunus_spec::{Named, Spanned, spec};

use super::TimeSpec;

spec! {
    /// A request with what must become of it.
    pub struct TestSpec {
        /// What it shows.
        name: Spanned<String>,
        /// Method and URL: `GET https://shop.example.com/orders/7`.
        request: Spanned<String>,
        /// Header fields of the request.
        headers: Named<String> = Named::default(),
        /// The client's address; 127.0.0.1 unless set.
        client_ip: Option<std::net::IpAddr>,
        /// The request's body.
        body: Option<String>,
        /// When it comes; now unless set.
        at: Option<TimeSpec>,
        /// What must become of it.
        expect: ExpectSpec,
    }
}

spec! {
    /// What must become of a request; only what is written is compared.
    pub struct ExpectSpec {
        short = status;
        /// The status that Portunus answers by itself.
        status: Option<u16>,
        /// The reason code of that answer.
        reason: Option<String>,
        /// The path of the route, as it stands in `routes`.
        route: Option<String>,
        /// The upstream.
        upstream: Option<Spanned<String>>,
        /// Header fields: of the answer, or of the request as the upstream gets it.
        headers: Named<String> = Named::default(),
    }
}
