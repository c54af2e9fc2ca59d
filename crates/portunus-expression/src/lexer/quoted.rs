//! Texts and bytes in quotes: `"a"`, `'a'`, `"""a"""`, `r"a\d"`, `b"a"`.

use super::Word;
use crate::error::ExpressionError;

/// True when a quoted text begins here.
pub(super) fn begins(rest: &str) -> bool {
    let after = rest.trim_start_matches(['r', 'R', 'b', 'B']);
    rest.len() - after.len() <= 2 && after.starts_with(['"', '\'']) && Prefix::of(rest).is_some()
}

/// Reads one; the word and how many bytes of `rest` it takes. `at` is where `rest` stands in the whole text.
pub(super) fn read(rest: &str, at: usize) -> Result<(Word, usize), ExpressionError> {
    let prefix = Prefix::of(rest).unwrap_or_default();
    let after = rest.get(prefix.len..).unwrap_or("");
    let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| after.starts_with(quote));
    let quote = quote.unwrap_or("\"");
    let start = prefix.len + quote.len();
    let mut inside = Inside { rest: rest.get(start..).unwrap_or(""), at: at + start, prefix };
    let mut out = Vec::new();
    while !inside.rest.starts_with(quote) {
        inside.take(quote, at, &mut out)?;
    }
    let len = inside.at - at + quote.len();
    if prefix.bytes {
        return Ok((Word::Bytes(out.into()), len));
    }
    let text = String::from_utf8(out)
        .map_err(|_| ExpressionError::new(at as u32, "this text is not valid UTF-8"))?;
    Ok((Word::Text(text.into()), len))
}

#[derive(Clone, Copy, Default)]
struct Prefix {
    raw: bool,
    bytes: bool,
    len: usize,
}

impl Prefix {
    /// What stands before the quotes; None for the same letter twice.
    fn of(rest: &str) -> Option<Self> {
        let mut prefix = Self::default();
        for letter in rest.bytes().take_while(u8::is_ascii_alphabetic) {
            let seen = match letter.to_ascii_lowercase() {
                b'r' => std::mem::replace(&mut prefix.raw, true),
                b'b' => std::mem::replace(&mut prefix.bytes, true),
                _ => true,
            };
            if seen {
                return None;
            }
            prefix.len += 1;
        }
        Some(prefix)
    }
}

struct Inside<'a> {
    rest: &'a str,
    at: usize,
    prefix: Prefix,
}

impl Inside<'_> {
    /// Takes one character or escape.
    fn take(&mut self, quote: &str, open: usize, out: &mut Vec<u8>) -> Result<(), ExpressionError> {
        let mut chars = self.rest.chars();
        let first = chars.next().filter(|first| quote.len() == 3 || *first != '\n');
        let first = first.ok_or_else(|| {
            let error = ExpressionError::new(open as u32, "a text is not closed");
            error.help(format!("close it with `{quote}`"))
        })?;
        if first != '\\' || self.prefix.raw {
            out.extend_from_slice(first.encode_utf8(&mut [0; 4]).as_bytes());
            self.skip(first.len_utf8());
            return Ok(());
        }
        let len = self.escape(chars.next(), out).ok_or_else(|| {
            let error = ExpressionError::new(self.at as u32, "this escape has no meaning");
            error.help(
                "write `\\\\` for the backslash itself, or r\"...\" for a text without escapes",
            )
        })?;
        self.skip(len);
        Ok(())
    }

    fn skip(&mut self, len: usize) {
        self.rest = self.rest.get(len..).unwrap_or("");
        self.at += len;
    }

    /// Writes what an escape stands for; how many bytes it takes.
    fn escape(&self, letter: Option<char>, out: &mut Vec<u8>) -> Option<usize> {
        let plain = match letter? {
            'a' => 0x07,
            'b' => 0x08,
            'f' => 0x0c,
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'v' => 0x0b,
            same @ ('\\' | '?' | '"' | '\'' | '`') => same as u8,
            'x' | 'X' => return self.code(2, 2, 16, out),
            'u' if !self.prefix.bytes => return self.code(2, 4, 16, out),
            'U' if !self.prefix.bytes => return self.code(2, 8, 16, out),
            '0'..='3' => return self.code(1, 3, 8, out),
            _ => return None,
        };
        out.push(plain);
        Some(2)
    }

    fn code(&self, skip: usize, digits: usize, radix: u32, out: &mut Vec<u8>) -> Option<usize> {
        let text = self.rest.get(skip..skip + digits)?;
        let value = text.bytes().all(|digit| digit.is_ascii_alphanumeric());
        let value = value.then(|| u32::from_str_radix(text, radix).ok()).flatten()?;
        if self.prefix.bytes {
            out.push(u8::try_from(value).ok()?);
        } else {
            let letter = char::from_u32(value)?;
            out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        }
        Some(skip + digits)
    }
}
