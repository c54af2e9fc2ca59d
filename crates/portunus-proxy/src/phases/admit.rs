//! Who is there: the client as trusted proxies tell, and a request that holds only what may travel on.

use crate::run::Run;

/// See [`portunus_snapshot::admit`], which `explain` calls too.
pub(crate) fn admit(run: &Run<'_>) {
    portunus_snapshot::admit(&mut run.exchange.borrow_mut(), &run.plan.snapshot.trusted);
}
