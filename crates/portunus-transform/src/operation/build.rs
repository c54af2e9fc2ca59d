//! From what users write to operations.

use portunus_filter::BuildCx;
use portunus_spec::{Named, Node, Span, Spanned};

use super::Operation;
use crate::pointer::Pointer;
use crate::spec::OperationSpec;
use crate::value::Written;

/// All operations of a list, in its order. None, with a diagnostic for each mistake, where there is one.
pub(crate) fn operations(
    specs: &[Spanned<OperationSpec>],
    cx: &mut BuildCx<'_, '_>,
) -> Option<Vec<Operation>> {
    let mut build = Build { made: Vec::new(), is_fine: true, cx };
    for spec in specs {
        build.operation(spec);
    }
    build.is_fine.then_some(build.made)
}

struct Build<'b, 'c, 'r> {
    made: Vec<Operation>,
    is_fine: bool,
    cx: &'b mut BuildCx<'c, 'r>,
}

impl Build<'_, '_, '_> {
    fn operation(&mut self, spec: &Spanned<OperationSpec>) {
        let OperationSpec { set, default, remove, rename, r#move, copy } = &spec.value;
        let counts =
            [set.len(), default.len(), remove.len(), rename.len(), r#move.len(), copy.len()];
        if counts.iter().filter(|count| **count > 0).count() != 1 {
            let help = "write one of `set`, `default`, `remove`, `rename`, `move`, `copy`; others in items of their own";
            self.wrong(spec.span, "an item is one kind of operation", Some(help));
            return;
        }
        self.values(set, Operation::Set);
        self.values(default, Operation::Default);
        for place in remove {
            if let Some(place) = self.place(place, Whole::Refused) {
                self.made.push(Operation::Remove(place));
            }
        }
        self.renames(rename);
        self.pairs(r#move, true, Operation::Move);
        self.pairs(copy, false, Operation::Copy);
    }

    fn values(&mut self, spec: &Named<Node>, make: fn(Pointer, Written) -> Operation) {
        for (place, value) in spec {
            let (place, value) =
                (self.place(place, Whole::Allowed), Written::build(value, self.cx));
            self.is_fine &= value.is_some();
            if let (Some(place), Some(value)) = (place, value) {
                self.made.push(make(place, value));
            }
        }
    }

    fn renames(&mut self, spec: &Named<Spanned<String>>) {
        for (place, name) in spec {
            if name.value.starts_with('/') {
                let help = Some("write the name alone, or use `move`");
                self.wrong(name.span, "a new key is a name, not a place", help);
            }
            if let Some(place) = self.place(place, Whole::Refused) {
                self.made.push(Operation::Rename(place, name.value.as_str().into()));
            }
        }
    }

    fn pairs(
        &mut self,
        spec: &Named<Spanned<String>>,
        is_move: bool,
        make: fn(Pointer, Pointer) -> Operation,
    ) {
        for (from, to) in spec {
            let (source, target) =
                (self.place(from, Whole::Allowed), self.place(to, Whole::Allowed));
            let (Some(source), Some(target)) = (source, target) else { continue };
            if source.is_many() || target.is_many() {
                self.wrong(
                    from.span,
                    "a value goes from one place to one other: `*` means many",
                    None,
                );
            } else if is_move && source.holds(&target) && !source.steps().is_empty() {
                self.wrong(to.span, "a value cannot go into itself", None);
            }
            self.made.push(make(source, target));
        }
    }

    fn place(&mut self, place: &Spanned<String>, whole: Whole) -> Option<Pointer> {
        match Pointer::parse(&place.value) {
            Ok(pointer) if pointer.steps().is_empty() && whole == Whole::Refused => {
                let help = Some("write a place in it, such as `/password`");
                self.wrong(place.span, "this would be the whole document", help);
                None
            }
            Ok(pointer) => Some(pointer),
            Err(help) => {
                let message = format!("`{}` is no place in a document", place.value);
                self.wrong(place.span, &message, Some(help));
                None
            }
        }
    }

    fn wrong(&mut self, span: Span, message: &str, help: Option<&str>) {
        self.cx.reader.error(span, message).help_if(help.map(ToOwned::to_owned));
        self.is_fine = false;
    }
}

/// Whether a place may be the whole document.
#[derive(Clone, Copy, PartialEq)]
enum Whole {
    Allowed,
    Refused,
}

#[cfg(test)]
mod tests;
