//! Reference tables in Markdown.

use std::fmt::Write as _;

use super::{Shape, StructShape};

/// A table of a struct's keys, with one more for each struct below it.
#[must_use]
pub fn markdown(shape: &StructShape) -> String {
    let mut page = String::new();
    let mut seen = vec![shape.id];
    table(shape, "", &mut seen, &mut page);
    page
}

/// What the reference calls a shape, in a few words.
#[must_use]
pub fn type_name(shape: &Shape) -> String {
    match shape {
        Shape::Any => "anything".to_owned(),
        Shape::Never => "nothing".to_owned(),
        Shape::Open(slot) => (*slot).to_owned(),
        Shape::Scalar(scalar) => scalar.name.to_owned(),
        Shape::List(item) => format!("list of {}", type_name(&item())),
        Shape::Map(value) => format!("map of name to {}", type_name(&value())),
        Shape::Struct(shape) => match shape.fields.iter().find(|f| Some(f.name) == shape.short) {
            Some(field) => format!("map, or {}", type_name(&(field.shape)())),
            None => "map".to_owned(),
        },
        Shape::Choice(choice) => {
            let words = choice.words.iter().map(|(word, _)| format!("`{word}`"));
            words.collect::<Vec<_>>().join(", ")
        }
        Shape::OneOf(forms) => {
            let mut names: Vec<String> = forms.iter().map(type_name).collect();
            names.dedup();
            names.join(" or ")
        }
    }
}

fn table(shape: &StructShape, prefix: &str, seen: &mut Vec<&'static str>, page: &mut String) {
    page.push_str("| key | type | default | meaning |\n|---|---|---|---|\n");
    for field in shape.fields.iter().filter(|field| field.is_usable()) {
        let kind = cell(&type_name(&(field.shape)()));
        let default = match (&field.default, field.required) {
            (Some(default), _) => format!("`{}`", cell(default)),
            (None, true) => "required".to_owned(),
            (None, false) => String::new(),
        };
        let short = if Some(field.name) == shape.short { " (short form)" } else { "" };
        let doc = cell(&field.doc);
        let _ = writeln!(page, "| `{prefix}{}`{short} | {kind} | {default} | {doc} |", field.name);
    }
    for field in &shape.fields {
        let path = format!("{prefix}{}", field.name);
        below(&(field.shape)(), &path, seen, page);
    }
}

/// Tables of the structs that a field leads to, each once.
fn below(shape: &Shape, path: &str, seen: &mut Vec<&'static str>, page: &mut String) {
    match shape {
        Shape::List(item) => below(&item(), &format!("{path}[]"), seen, page),
        Shape::Map(value) => below(&value(), &format!("{path}.<name>"), seen, page),
        Shape::OneOf(forms) => forms.iter().for_each(|form| below(form, path, seen, page)),
        Shape::Struct(inner) if !seen.contains(&inner.id) => {
            seen.push(inner.id);
            let _ = write!(page, "\n### `{path}`\n\n{}\n\n", inner.doc);
            table(inner, &format!("{path}."), seen, page);
        }
        _ => {}
    }
}

/// Text that does not break out of its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
