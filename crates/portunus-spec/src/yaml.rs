//! Writes nodes as YAML that reads back to the same tree.

use crate::{Entry, Node, Value};

/// A whole document in block style, indented by two, quotes only where they are needed.
#[must_use]
pub fn write(node: &Node) -> String {
    let mut text = String::new();
    match &node.value {
        Value::Map(entries) if !entries.is_empty() => map(entries, 0, &mut text),
        Value::Seq(items) if !items.is_empty() => seq(items, 0, &mut text),
        _ => {
            text.push_str(&inline(node));
            text.push('\n');
        }
    }
    text
}

/// A node on one line, in flow style.
#[must_use]
pub fn inline(node: &Node) -> String {
    match &node.value {
        Value::Seq(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(entries) => {
            let entry =
                |entry: &Entry| format!("{}: {}", quoted(&entry.key, FLOW), inline(&entry.value));
            let entries: Vec<String> = entries.iter().map(entry).collect();
            format!("{{{}}}", entries.join(", "))
        }
        _ => scalar(node, FLOW),
    }
}

fn map(entries: &[Entry], indent: usize, text: &mut String) {
    for (index, entry) in entries.iter().enumerate() {
        if index > 0 {
            margin(indent, text);
        }
        text.push_str(&quoted(&entry.key, BLOCK));
        text.push(':');
        match &entry.value.value {
            Value::Map(inner) if !inner.is_empty() => {
                text.push('\n');
                margin(indent + STEP, text);
                map(inner, indent + STEP, text);
            }
            Value::Seq(items) if !items.is_empty() => {
                text.push('\n');
                margin(indent + STEP, text);
                seq(items, indent + STEP, text);
            }
            _ => value(&entry.value, text),
        }
    }
}

fn seq(items: &[Node], indent: usize, text: &mut String) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            margin(indent, text);
        }
        text.push('-');
        match &item.value {
            Value::Map(entries) if !entries.is_empty() => {
                text.push(' ');
                map(entries, indent + STEP, text);
            }
            Value::Seq(inner) if !inner.is_empty() => {
                text.push(' ');
                seq(inner, indent + STEP, text);
            }
            _ => value(item, text),
        }
    }
}

fn value(node: &Node, text: &mut String) {
    text.push(' ');
    let scalar = if node.entries().is_some() || node.items().is_some() {
        inline(node)
    } else {
        scalar(node, BLOCK)
    };
    text.push_str(&scalar);
    text.push('\n');
}

fn margin(indent: usize, text: &mut String) {
    text.extend(std::iter::repeat_n(' ', indent));
}

fn scalar(node: &Node, special: &str) -> String {
    match &node.value {
        Value::Text(text) => quoted(text, special),
        _ => node.scalar().map_or_else(|| "null".to_owned(), std::borrow::Cow::into_owned),
    }
}

/// The text as a scalar; `special` are the characters that only quotes can hold here.
fn quoted(text: &str, special: &str) -> String {
    let plain = matches!(Value::plain(text), Value::Text(_))
        && !text.starts_with(INDICATORS)
        && !text.starts_with("---")
        && !text.starts_with("...")
        && !text.ends_with(':')
        && text.trim() == text
        && !text.contains(": ")
        && !text.contains(" #")
        && text != "<<"
        && !text.contains(|c: char| special.contains(c) || unprintable(c));
    if plain { text.to_owned() } else { double_quoted(text) }
}

fn double_quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            other if unprintable(other) => out.push_str(&format!("\\U{:08X}", u32::from(other))),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// Characters that a plain scalar cannot hold or that some parser takes as a line break.
fn unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}')
}

const STEP: usize = 2;
const BLOCK: &str = "";
const FLOW: &str = ",[]{}";
/// What a plain scalar does not start with, though some of them could in some places.
const INDICATORS: &[char] = &[
    '-', '?', ':', ',', '[', ']', '{', '}', '#', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`',
    '=',
];
