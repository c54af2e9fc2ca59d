//! The cases: what is done in one pass, and what has to be there before.

mod balance;
mod h1;
mod http;
mod route;
mod telemetry;

use std::hint::black_box;

use anyhow::Result;

/// One operation of the data path.
pub(crate) struct Case {
    /// `area/what`; a number of things that it should not depend on comes last.
    pub(crate) name: String,
    prepare: Box<dyn Fn() -> Result<Pass>>,
}

/// Does the operation once. Allocates nothing from the second time on.
pub(crate) type Pass = Box<dyn FnMut()>;

impl Case {
    fn new<P: FnMut() + 'static>(
        name: impl Into<String>,
        prepare: impl Fn() -> Result<P> + 'static,
    ) -> Self {
        let prepare = move || prepare().map(|pass| Box::new(pass) as Pass);
        Self { name: name.into(), prepare: Box::new(prepare) }
    }

    /// Makes what the passes work on.
    ///
    /// # Errors
    /// When the operation would not do what the case is about.
    pub(crate) fn prepare(&self) -> Result<Pass> {
        (self.prepare)()
    }
}

/// All cases, in the order of the report.
pub(crate) fn all() -> Vec<Case> {
    let empty = Case::new("empty", || {
        Ok(|| {
            black_box(());
        })
    });
    let mut all = vec![empty];
    all.extend(h1::cases());
    all.extend(http::cases());
    all.extend(route::cases());
    all.extend(balance::cases());
    all.extend(telemetry::cases());
    all
}

#[cfg(test)]
mod tests;
