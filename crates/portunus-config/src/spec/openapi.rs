//! Routes of a host that an OpenAPI document gives.

use portunus_spec::{Named, Node, Spanned, spec};

use super::{ToSpec, UseSpec};

spec! {
    /// Routes from an OpenAPI document: one for each operation. The most specific path wins, whether it stands there or
    /// under `routes`; the same path under `routes` replaces the document's.
    pub struct HostOpenApiSpec {
        short = file;
        /// The document, 3.0 or 3.1, in YAML or JSON.
        file: Spanned<String>,
        /// Where requests go: as of a route.
        to: Option<Spanned<ToSpec>>,
        /// What paths start with before those of the document; the path of its first server unless set.
        prefix: Option<Spanned<String>>,
        /// Whether requests are checked: `true`, `false`, or the settings of the filter `validate`.
        validate: Option<Node>,
        /// Whether examples of the document are the answers, without a service.
        mock: bool = false,
        /// More for single operations, by their `operationId`, or else by method and path: `GET /pets`.
        operations: Named<OperationSpec> = Named::default(),
        /// Whether filters that the document itself names under `x-portunus` are used.
        extensions: bool = false,
    }
}

spec! {
    /// More for one operation.
    pub struct OperationSpec {
        /// Its filters, before those that check it.
        r#use: Vec<UseSpec> = Vec::new(),
    }
}
