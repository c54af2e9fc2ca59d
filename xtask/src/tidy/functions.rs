//! Sizes: functions of at most 70 lines, files of at most 1000.

use super::Finding;
use super::source::{code_only, line_of, words};
use super::tree::{File, Tree};

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
struct Function {
    name: String,
    /// Where the word `fn` stands.
    line: usize,
    /// From there to the closing brace, both counted.
    lines: usize,
}

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust_files()
        .flat_map(|file| long_file(file).into_iter().chain(long_functions(file)))
        .collect()
}

fn long_file(file: &File) -> Option<Finding> {
    let lines = file.text.lines().count();
    let what = format!("{lines} lines, at most {FILE_LINES_MAX}: split by what changes together");
    (lines > FILE_LINES_MAX).then(|| Finding::at(&file.path, 0, what))
}

fn long_functions(file: &File) -> Vec<Finding> {
    let is_long = |function: &Function| {
        function.lines > FUNCTION_LINES_MAX && !is_excused(&file.text, function.line)
    };
    let finding = |Function { name, line, lines }| {
        let what = format!(
            "fn {name} has {lines} lines, at most {FUNCTION_LINES_MAX}: split it, \
             or write `// LONG: why` above it"
        );
        Finding::at(&file.path, line, what)
    };
    functions(&file.text).into_iter().filter(is_long).map(finding).collect()
}

/// Whether a comment `// LONG: why` stands among the comments and attributes above the line.
fn is_excused(text: &str, line: usize) -> bool {
    let above: Vec<_> = text.lines().take(line.saturating_sub(1)).collect();
    let is_attached = |line: &&&str| {
        let line = line.trim_start();
        line.starts_with("//") || line.starts_with("#[") || line.ends_with(']')
    };
    above.iter().rev().take_while(is_attached).any(|line| {
        let excuse = line.trim_start().strip_prefix("// LONG:");
        excuse.is_some_and(|why| !why.trim().is_empty())
    })
}

/// All functions with a body, in the order in which they start.
fn functions(text: &str) -> Vec<Function> {
    let code = code_only(text);
    words(&code, "fn").filter_map(|at| function(&code, at)).collect()
}

/// The function whose `fn` stands at that position; `None` for a type or a declaration.
fn function(code: &str, at: usize) -> Option<Function> {
    let signature = code.get(at + 2..)?;
    let name: String =
        signature.trim_start().chars().take_while(|c| *c == '_' || c.is_alphanumeric()).collect();
    let body = at + 2 + body_start(signature)?;
    let end = body + block_length(code.get(body..)?);
    let line = line_of(code, at);
    (!name.is_empty()).then(|| Function { name, line, lines: line_of(code, end) - line + 1 })
}

/// Where the body's brace stands after `fn`; `None` when a semicolon ends the declaration.
fn body_start(signature: &str) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, byte) in signature.bytes().enumerate() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' if depth == 0 => return Some(at),
            b';' | b'}' if depth == 0 => return None,
            _ => {}
        }
        if depth < 0 {
            return None;
        }
    }
    None
}

/// From the opening brace to the one that closes it, in bytes, without the latter.
fn block_length(code: &str) -> usize {
    let mut depth = 0_i32;
    for (at, byte) in code.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    code.len()
}

/// What is not a finding but worth knowing: typical lengths, and the files that grow.
pub(crate) fn summary(tree: &Tree) -> String {
    let shipped = || tree.rust_files().filter(|file| file.is_shipped_rust());
    let mut lengths: Vec<_> =
        shipped().flat_map(|file| functions(&file.text)).map(|function| function.lines).collect();
    lengths.sort_unstable();
    let at = |percent: usize| {
        let last = lengths.len().saturating_sub(1);
        lengths.get(last * percent / 100).copied().unwrap_or(0)
    };
    let mut text = format!(
        "shipped functions: {}, median {} lines, p90 {}, p99 {}",
        lengths.len(),
        at(50),
        at(90),
        at(99)
    );
    for file in tree.rust_files() {
        let lines = file.text.lines().count();
        if lines > FILE_LINES_LOOK {
            text.push_str(&format!("\nlarge file, look at it: {} ({lines} lines)", file.path));
        }
    }
    text
}

const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 1000;
const FILE_LINES_LOOK: usize = 600;

#[cfg(test)]
mod tests;
