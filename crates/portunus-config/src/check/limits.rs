//! Rules of what the process takes on.

use portunus_spec::{Problem, Reader, Spanned, check as rule};

use crate::spec::ProcessLimitsSpec;

/// A limit of nothing would serve nobody.
pub(super) fn limits(limits: &ProcessLimitsSpec, reader: &mut Reader<'_>) {
    let all = [&limits.connections_max, &limits.requests_max, &limits.per_client.connections_max];
    for limit in all.into_iter().flatten() {
        some(limit, reader);
    }
}

fn some(limit: &Spanned<u32>, reader: &mut Reader<'_>) {
    rule(limit, reader, |limit| match limit {
        0 => Err(Problem::new("nobody would be served").help("write 1 or more, or leave it out")),
        _ => Ok(()),
    });
}
