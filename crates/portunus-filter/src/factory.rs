//! How a filter is listed: a static slice of factories, each made of the filter's own spec type.

use std::sync::Arc;

use portunus_spec::{Node, Reader, Shape, Spec};

use crate::{BuildCx, Filter, FilterReason};

/// A spec that builds a filter. Implementing it is all that a filter does to be listed.
pub trait Buildable: Spec {
    /// The filter's name in `use`.
    const NAME: &'static str;
    /// One sentence: what it does.
    const DOC: &'static str;
    /// The reasons that it gives for answers of its own.
    const REASONS: &'static [FilterReason] = &[];

    /// Builds the filter. None, with diagnostics in `cx.reader`, when the spec makes no sense.
    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>>;
}

/// One line of a registry: name, docs, and the functions behind them.
#[derive(Clone, Copy)]
pub struct Factory {
    /// The filter's name in `use`.
    pub name: &'static str,
    /// One sentence: what it does.
    pub doc: &'static str,
    /// The reasons that it gives for answers of its own.
    pub reasons: &'static [FilterReason],
    /// What may be written.
    pub shape: fn() -> Shape,
    /// What was written, in normal form.
    pub normal: fn(&Node, &mut Reader<'_>) -> Option<Node>,
    /// Builds the filter from what was written.
    pub build: fn(&Node, &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>>,
}

impl Factory {
    /// The factory of a spec type.
    #[must_use]
    pub const fn of<S: Buildable>() -> Self {
        Self {
            name: S::NAME,
            doc: S::DOC,
            reasons: S::REASONS,
            shape: S::shape,
            normal: |node, reader| S::read(node, reader).map(|spec| spec.write()),
            build: |node, cx| {
                (cx.name, cx.span) = (S::NAME, node.span);
                S::read(node, cx.reader)?.build(cx)
            },
        }
    }
}

impl std::fmt::Debug for Factory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
