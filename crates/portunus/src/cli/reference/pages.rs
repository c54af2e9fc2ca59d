//! The pages about configurations, made from the registries.

use std::fmt::Write as _;

use portunus_config::ConfigSpec;
use portunus_exchange::template::{Argument, VARIABLES};
use portunus_proxy::ReasonRow;
use portunus_spec::shape::{markdown, type_name};
use portunus_spec::{Shape, Spec as _};

use crate::wire;

pub(super) fn configuration() -> String {
    let mut page = String::from(
        "# Configuration\n\n\
         One YAML file, `conf.d/*.yaml` beside it, and what `include` names. A scalar or a list in \
         place of a map is the short form of one key. `${NAME}` and `${NAME:-default}` stand for \
         variables of the environment, and `PORTUNUS_LOG__LEVEL=debug` overrides `log.level`.\n\n",
    );
    if let Shape::Struct(shape) = ConfigSpec::shape() {
        page.push_str(&markdown(&shape));
    }
    page
}

pub(super) fn filters() -> String {
    let mut page = String::from(
        "# Filters\n\n\
         A filter stands in a `use` of a host, of a route or of a named chain, as a map of one key \
         or as a bare name with its defaults. Requests meet filters in the order written.\n",
    );
    for filter in wire::filters() {
        section(&mut page, filter.name, filter.doc, &(filter.shape)());
    }
    page
}

pub(super) fn balancing() -> String {
    let mut page = String::from(
        "# Balancing\n\n\
         `balance` of an upstream is the name of an algorithm, or a map of the name to options. \
         `round_robin` unless set.\n",
    );
    for balancer in wire::balancers() {
        section(&mut page, balancer.name(), balancer.doc(), &balancer.shape());
    }
    page
}

pub(super) fn discovery() -> String {
    let mut page = String::from(
        "# Discovery\n\n\
         `discover` of an upstream is a map of one provider to its options. A source that does not \
         answer never stops a start; the last endpoints stay.\n",
    );
    for provider in wire::providers() {
        section(&mut page, provider.name(), provider.doc(), &provider.shape());
    }
    page
}

pub(super) fn reasons() -> String {
    let mut page = String::from(
        "# Reasons\n\n\
         Each answer that Portunus makes itself has a stable reason code: in the body, in \
         `Proxy-Status`, in the access log and in the metrics. A code without a status belongs to a \
         connection that ended without an answer, unless its meaning tells whose status it is.\n\n\
         | code | status | RFC 9209 | meaning |\n|---|---|---|---|\n",
    );
    let mut rows: Vec<_> = portunus_proxy::reasons().chain(reasons_of_filters()).collect();
    rows.sort_by_key(|row| row.code);
    rows.dedup_by_key(|row| row.code);
    for row in rows {
        let status = if row.status == 0 { String::new() } else { row.status.to_string() };
        let _ =
            writeln!(page, "| `{}` | {status} | `{}` | {} |", row.code, row.registered, row.doc);
    }
    page
}

/// What filters answer is a refusal, whatever the reason.
fn reasons_of_filters() -> impl Iterator<Item = ReasonRow> {
    let rows = wire::filters().iter().flat_map(|filter| filter.reasons);
    let registered = "http_request_denied";
    rows.map(move |row| ReasonRow { code: row.code, status: row.status, doc: row.doc, registered })
}

pub(super) fn variables() -> String {
    let mut page = String::from(
        "# Variables\n\n\
         In texts of filters, a name in braces stands for a value of the request: \
         `{client.ip}`. A named part of the route's path is a variable too: `{id}` of \
         `/orders/{id}`. `{{` and `}}` stand for braces.\n\n\
         | variable | meaning |\n|---|---|\n",
    );
    for variable in VARIABLES {
        let name = match variable.argument {
            Argument::None => variable.name.to_owned(),
            Argument::Name => format!("{}.NAME", variable.name),
        };
        let _ = writeln!(page, "| `{{{name}}}` | {} |", variable.doc);
    }
    page
}

/// A section about one entry of a registry.
fn section(page: &mut String, name: &str, doc: &str, shape: &Shape) {
    let _ = write!(page, "\n## {name}\n\n{doc}\n");
    match shape {
        Shape::Struct(shape) if shape.fields.is_empty() => page.push_str("\nNo options.\n"),
        Shape::Struct(shape) => {
            let _ = write!(page, "\n{}", markdown(shape));
        }
        other => {
            let _ = writeln!(page, "\nTakes: {}.", type_name(other));
        }
    }
}
