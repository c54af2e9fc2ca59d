//! The words of an expression.

mod quoted;

use crate::error::{ExpressionError, Span};

/// One word and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) word: Word,
    pub(crate) span: Span,
}

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Word {
    Name(Box<str>),
    Int(u64),
    Uint(u64),
    Double(f64),
    Text(Box<str>),
    Bytes(Box<[u8]>),
    /// A name in backticks, which may hold dashes and dots.
    Escaped(Box<str>),
    /// An operator or bracket.
    Sign(&'static str),
    /// Nothing follows.
    End,
}

/// All words of a text, an [`Word::End`] last.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token>, ExpressionError> {
    let mut lexer = Lexer { text, at: 0 };
    let mut found = Vec::new();
    loop {
        lexer.skip_blanks();
        let start = lexer.at;
        let word = lexer.word()?;
        let last = word == Word::End;
        found.push(Token { word, span: Span::new(start, lexer.at) });
        if last {
            return Ok(found);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// Passes over white space and `//` comments.
    fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest();
            let blanks = rest.len() - rest.trim_start_matches(BLANKS).len();
            self.at += blanks;
            let rest = self.rest();
            if !rest.starts_with("//") {
                return;
            }
            self.at += rest.find('\n').unwrap_or(rest.len());
        }
    }

    fn word(&mut self) -> Result<Word, ExpressionError> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(Word::End) };
        let number = first.is_ascii_digit()
            || first == '.' && rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
        if quoted::begins(rest) {
            return self.quoted();
        }
        if number {
            return self.number();
        }
        if first == '`' {
            return self.escaped();
        }
        if first == '_' || first.is_ascii_alphabetic() {
            return Ok(Word::Name(self.take_while(is_name_byte).into()));
        }
        let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) else {
            return Err(self.stray(first));
        };
        self.at += sign.len();
        Ok(Word::Sign(sign))
    }

    fn take_while(&mut self, fits: fn(u8) -> bool) -> &'a str {
        let rest = self.rest();
        let len = rest.bytes().position(|byte| !fits(byte)).unwrap_or(rest.len());
        self.at += len;
        rest.get(..len).unwrap_or(rest)
    }

    fn quoted(&mut self) -> Result<Word, ExpressionError> {
        let (word, len) = quoted::read(self.rest(), self.at)?;
        self.at += len;
        Ok(word)
    }

    fn escaped(&mut self) -> Result<Word, ExpressionError> {
        let rest = self.rest();
        let name = rest.get(1..).and_then(|rest| rest.split_once('`')).map(|(name, _)| name);
        let fits = |name: &&str| !name.is_empty() && name.bytes().all(is_escaped_byte);
        let name = name.filter(fits).ok_or_else(|| {
            let error = ExpressionError::new(self.at as u32, "a name in backticks is not closed");
            error.help("write a.`b-c`, or a[\"b-c\"]")
        })?;
        self.at += name.len() + 2;
        Ok(Word::Escaped(name.into()))
    }

    fn number(&mut self) -> Result<Word, ExpressionError> {
        let start = self.at;
        let rest = self.rest();
        let word = match rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X")) {
            Some(_) => self.hexadecimal(),
            None => self.decimal(),
        };
        let stuck = self.rest().bytes().next().is_some_and(is_name_byte);
        word.filter(|_| !stuck).ok_or_else(|| {
            let end = self.at + usize::from(stuck);
            let text = self.text.get(start..end).unwrap_or("");
            ExpressionError::new(start as u32, format!("`{text}` is not a number"))
        })
    }

    fn hexadecimal(&mut self) -> Option<Word> {
        self.at += 2;
        let digits = self.take_while(|byte| byte.is_ascii_hexdigit());
        let value = u64::from_str_radix(digits, 16).ok()?;
        Some(self.unsigned(value))
    }

    fn decimal(&mut self) -> Option<Word> {
        let start = self.at;
        self.take_while(|byte| byte.is_ascii_digit());
        let point = self.rest().strip_prefix('.');
        let fraction = point.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        if fraction {
            self.at += 1;
            self.take_while(|byte| byte.is_ascii_digit());
        }
        let exponent = self.exponent();
        let text = self.text.get(start..self.at)?;
        if fraction || exponent {
            return text.parse().ok().filter(|value: &f64| value.is_finite()).map(Word::Double);
        }
        let value = text.parse().ok()?;
        Some(self.unsigned(value))
    }

    /// Takes `e10`, `E-3`; false when there is none.
    fn exponent(&mut self) -> bool {
        let rest = self.rest();
        let Some(after) = rest.strip_prefix(['e', 'E']) else { return false };
        let digits = after.strip_prefix(['+', '-']).unwrap_or(after);
        if !digits.starts_with(|c: char| c.is_ascii_digit()) {
            return false;
        }
        self.at += rest.len() - digits.len();
        self.take_while(|byte| byte.is_ascii_digit());
        true
    }

    fn unsigned(&mut self, value: u64) -> Word {
        if self.rest().starts_with(['u', 'U']) {
            self.at += 1;
            return Word::Uint(value);
        }
        Word::Int(value)
    }

    fn stray(&self, first: char) -> ExpressionError {
        let error = ExpressionError::new(self.at as u32, format!("`{first}` has no meaning here"));
        error.help_if(match first {
            '=' => Some("write `==` to compare".to_owned()),
            '&' => Some("write `&&` for and".to_owned()),
            '|' => Some("write `||` for or".to_owned()),
            '$' | '@' => Some("variables have no sign before their name".to_owned()),
            _ => None,
        })
    }
}

pub(crate) fn is_name_byte(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

/// What may stand between backticks.
fn is_escaped_byte(byte: u8) -> bool {
    is_name_byte(byte) || matches!(byte, b'.' | b'-' | b'/' | b' ')
}

const BLANKS: [char; 5] = [' ', '\t', '\n', '\r', '\u{c}'];

/// Longer signs come before those that they begin with.
const SIGNS: [&str; 24] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", ",",
    "(", ")", "[", "]", "{", "}",
];

#[cfg(test)]
mod tests;
