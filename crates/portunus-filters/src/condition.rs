//! Expressions of users, compiled when a filter is built.

use portunus_expression::{Expression, ExpressionError};
use portunus_filter::BuildCx;
use portunus_spec::{Span, Spanned};

/// Compiles something that must be true or false; mistakes become diagnostics at their place.
pub(crate) fn condition(text: &Spanned<String>, cx: &mut BuildCx<'_, '_>) -> Option<Expression> {
    match Expression::compile_bool(text, cx.params) {
        Ok(expression) => Some(expression),
        Err(error) => {
            let place = place(text, &error);
            cx.reader.error(place, error.message).help_if(error.help);
            None
        }
    }
}

/// Where in the file the mistake is: the place in the text, where the text stands in the file as it is.
fn place(text: &Spanned<String>, error: &ExpressionError) -> Span {
    let (from, to) = (text.span.start, text.span.end);
    let quotes = match to.checked_sub(from + text.len()) {
        Some(0) => 0,
        Some(2) => 1,
        _ => return text.span,
    };
    let at = from + quotes + error.at.min(text.len().saturating_sub(1));
    Span::new(text.span.source, at, at + 1)
}
