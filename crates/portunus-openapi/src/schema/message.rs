//! What a value has against its schema, in words that never say what the value holds.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value;

use super::Flaw;

/// Adds the flaws that an error tells of, without the first `skipped` steps of their pointers, up to `max`.
pub(super) fn describe(
    error: &ValidationError<'_>,
    skipped: usize,
    max: usize,
    flaws: &mut Vec<Flaw>,
) {
    if flaws.len() >= max {
        return;
    }
    let pointer = without(error.instance_path().as_str(), skipped);
    let (message, choices) = match error.kind() {
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            (format!("fits none of its {} forms", context.len()), context.as_slice())
        }
        kind => (of_kind(kind), &[][..]),
    };
    let flaw = Flaw { pointer: pointer.to_owned(), message };
    // Two schemas that hold for the same value may want the same.
    if !flaws.contains(&flaw) {
        flaws.push(flaw);
    }
    if let Some(nearest) = nearest(choices) {
        for error in nearest {
            describe(error, skipped, max, flaws);
        }
    }
}

/// Of several forms, the one that was meant: that which the value fails deepest inside, or with the fewest flaws.
/// `None` where all fail at once, for then the type tells nothing.
fn nearest<'c, 'e>(choices: &'c [Vec<ValidationError<'e>>]) -> Option<&'c [ValidationError<'e>]> {
    let depth = |error: &ValidationError<'_>| error.instance_path().as_str().matches('/').count();
    let rank = |errors: &&Vec<ValidationError<'_>>| {
        let is_type = |error: &ValidationError<'_>| matches!(error.kind(), Kind::Type { .. });
        let deepest = errors.iter().map(depth).min().unwrap_or(0);
        let shallow_type = errors.iter().any(|error| is_type(error) && depth(error) == deepest);
        (!shallow_type, deepest, std::cmp::Reverse(errors.len()))
    };
    choices.iter().filter(|errors| !errors.is_empty()).max_by_key(rank).map(Vec::as_slice)
}

fn of_kind(kind: &Kind) -> String {
    match kind {
        Kind::AdditionalItems { limit } => format!("has more than {limit} items"),
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            format!("has keys that are not allowed: {}", names(unexpected))
        }
        Kind::UnevaluatedItems { .. } => "has items that are not allowed".to_owned(),
        Kind::Constant { expected_value } => format!("is not {}", literal(expected_value)),
        Kind::Contains => "has no item of the kind that must be there".to_owned(),
        Kind::ContentEncoding { content_encoding } => format!("is not {content_encoding}"),
        Kind::ContentMediaType { content_media_type } => format!("is not {content_media_type}"),
        Kind::Enum { options } => format!("is not one of {}", list(options)),
        Kind::ExclusiveMaximum { limit } => format!("is not less than {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("is not more than {limit}"),
        Kind::FalseSchema => "is not allowed".to_owned(),
        Kind::Format { format } => format!("is not of the format {format}"),
        Kind::MaxItems { limit } => format!("has more than {limit} items"),
        Kind::Maximum { limit } => format!("is more than {limit}"),
        Kind::MaxLength { limit } => format!("is longer than {limit} characters"),
        Kind::MaxProperties { limit } => format!("has more than {limit} keys"),
        Kind::MinItems { limit } => format!("has fewer than {limit} items"),
        Kind::Minimum { limit } => format!("is less than {limit}"),
        Kind::MinLength { limit } => format!("is shorter than {limit} characters"),
        Kind::MinProperties { limit } => format!("has fewer than {limit} keys"),
        Kind::MultipleOf { multiple_of } => format!("is not a multiple of {multiple_of}"),
        Kind::Not { .. } => "fits what it must not fit".to_owned(),
        Kind::OneOfMultipleValid { .. } => "fits more than one of its forms".to_owned(),
        Kind::Pattern { pattern } => format!("does not match {pattern}"),
        Kind::PropertyNames { .. } => "has a key whose name is not allowed".to_owned(),
        Kind::Required { property } => format!("lacks the key {}", literal(property)),
        Kind::Type { kind } => format!("is not {}", types(kind)),
        Kind::UniqueItems => "has items that are equal".to_owned(),
        _ => "does not fit its schema".to_owned(),
    }
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => format!("of type {one}"),
        TypeKind::Multiple(several) => {
            let words: Vec<String> = several.iter().map(|one| one.to_string()).collect();
            format!("of type {}", words.join(" or "))
        }
    }
}

/// Names that a client chose, in bounds.
fn names(names: &[String]) -> String {
    let cut = |name: &String| format!("`{}`", short(name));
    let mut shown: Vec<String> = names.iter().take(NAMES_MAX).map(cut).collect();
    if names.len() > NAMES_MAX {
        shown.push("...".to_owned());
    }
    shown.join(", ")
}

fn list(options: &Value) -> String {
    let options = options.as_array().map_or(&[][..], Vec::as_slice);
    let mut shown: Vec<String> = options.iter().take(OPTIONS_MAX).map(literal).collect();
    if options.len() > OPTIONS_MAX {
        shown.push("...".to_owned());
    }
    shown.join(", ")
}

/// A value of the schema.
fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{}`", short(text)),
        other => short(&other.to_string()).to_owned(),
    }
}

/// As much of a text as an answer can hold.
pub(crate) fn short(text: &str) -> &str {
    match text.char_indices().nth(SHOWN_CHARACTERS_MAX) {
        Some((end, _)) => text.get(..end).unwrap_or(text),
        None => text,
    }
}

/// A pointer without its first steps.
fn without(pointer: &str, steps: usize) -> &str {
    let mut rest = pointer;
    for _ in 0..steps {
        let inner = rest.strip_prefix('/').unwrap_or_default();
        rest = inner.find('/').and_then(|at| inner.get(at..)).unwrap_or_default();
    }
    rest
}

const NAMES_MAX: usize = 4;
const OPTIONS_MAX: usize = 12;
const SHOWN_CHARACTERS_MAX: usize = 64;
