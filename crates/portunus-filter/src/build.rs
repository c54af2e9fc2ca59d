//! What a filter is given when it is built, off the data path.

use portunus_base::UpstreamId;
use portunus_exchange::Template;
use portunus_spec::{Reader, Span, Spanned};

/// Names the per-worker state of one built filter. Kept when a reload keeps the filter.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SlotId(u32);

impl SlotId {
    /// The slot as an index.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Hands out slots.
#[derive(Debug, Default)]
pub struct Slots {
    next: u32,
}

impl Slots {
    /// A slot that no other filter has.
    pub fn take(&mut self) -> SlotId {
        self.next += 1;
        SlotId(self.next - 1)
    }
}

/// Turns what a user wrote after `to:` into an upstream.
pub trait UpstreamNames {
    /// The upstream of that name, or one made for the URL. None, with a diagnostic, when it is neither.
    fn upstream(&mut self, to: &Spanned<String>, reader: &mut Reader<'_>) -> Option<UpstreamId>;
}

/// What a filter is given when it is built.
pub struct BuildCx<'a, 'r> {
    /// Where mistakes go.
    pub reader: &'a mut Reader<'r>,
    /// Where the filter stands, for mistakes that belong to no single key. [`crate::Factory`] sets it.
    pub span: Span,
    /// Named parts of the route's path, for templates.
    pub params: &'a [&'a str],
    /// Upstreams by name.
    pub upstreams: &'a mut dyn UpstreamNames,
    /// Slots for per-worker state.
    pub slots: &'a mut Slots,
}

impl BuildCx<'_, '_> {
    /// The upstream that `to` names.
    pub fn upstream(&mut self, to: &Spanned<String>) -> Option<UpstreamId> {
        self.upstreams.upstream(to, self.reader)
    }

    /// Compiles a text with variables; mistakes become diagnostics at its place.
    pub fn template(&mut self, text: &Spanned<String>) -> Option<Template> {
        match Template::compile(&text.value, self.params) {
            Ok(template) => Some(template),
            Err(fault) => {
                self.reader.error(text.span, fault.message).help_if(fault.help);
                None
            }
        }
    }

    /// A slot for per-worker state.
    pub fn slot(&mut self) -> SlotId {
        self.slots.take()
    }
}
