//! The grammar of CEL, by recursive descent. Nesting is bounded, so that no text exhausts the stack.
//!
//! See the [definition of the language](https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax).

use crate::ast::{Ast, Binary, Call, Written};
use crate::error::{ExpressionError, Span};
use crate::lexer::{Token, Word, tokens};
use crate::value::Value;

/// Reads a whole text.
pub(crate) fn parse(text: &str) -> Result<Ast, ExpressionError> {
    if text.len() > TEXT_BYTES_MAX {
        let message = format!("an expression has at most {TEXT_BYTES_MAX} bytes");
        return Err(ExpressionError::new(0, message).help("write several rules"));
    }
    let mut parser = Parser { tokens: tokens(text)?, at: 0, nesting: 0 };
    let whole = parser.expression()?;
    match parser.peek() {
        Word::End => Ok(whole),
        _ => Err(parser.unexpected()),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    nesting: usize,
}

type Parsed = Result<Ast, ExpressionError>;

impl Parser {
    /// `or ? or : expression`
    fn expression(&mut self) -> Parsed {
        self.nesting += 1;
        if self.nesting > NESTING_MAX {
            return Err(too_deep(self.span()));
        }
        let condition = self.any()?;
        let whole = match self.take("?") {
            None => condition,
            Some(_) => {
                let yes = self.any()?;
                self.need(":")?;
                let no = self.expression()?;
                let span = condition.span.to(no.span);
                let parts = Box::new([condition, yes, no]);
                let depth = parts.iter().map(|part| part.depth).max();
                node(Written::If(parts), span, depth)?
            }
        };
        self.nesting -= 1;
        Ok(whole)
    }

    fn any(&mut self) -> Parsed {
        self.chain("||", Self::all, Written::Any)
    }

    fn all(&mut self) -> Parsed {
        self.chain("&&", Self::relation, Written::All)
    }

    fn chain(
        &mut self,
        sign: &str,
        part: fn(&mut Self) -> Parsed,
        make: fn(Vec<Ast>) -> Written,
    ) -> Parsed {
        let first = part(self)?;
        let (start, mut span, mut depth) = (first.span, first.span, first.depth);
        let mut parts = vec![first];
        while self.take(sign).is_some() {
            let next = part(self)?;
            (span, depth) = (start.to(next.span), depth.max(next.depth));
            parts.push(next);
        }
        match (parts.len(), parts.pop()) {
            (1, Some(only)) => Ok(only),
            (_, last) => {
                parts.extend(last);
                node(make(parts), span, Some(depth))
            }
        }
    }

    fn relation(&mut self) -> Parsed {
        self.left(RELATIONS, Self::sum)
    }

    fn sum(&mut self) -> Parsed {
        self.left(&[Binary::Add, Binary::Subtract], Self::product)
    }

    fn product(&mut self) -> Parsed {
        self.left(&[Binary::Multiply, Binary::Divide, Binary::Remainder], Self::unary)
    }

    /// Operators of one rank; the left ones bind first.
    fn left(&mut self, signs: &[Binary], part: fn(&mut Self) -> Parsed) -> Parsed {
        let mut left = part(self)?;
        while let Some(sign) = signs.iter().find(|sign| self.is(sign.text())) {
            self.at += 1;
            let right = part(self)?;
            let (span, depth) = (left.span.to(right.span), left.depth.max(right.depth));
            left = node(Written::Binary(*sign, Box::new([left, right])), span, Some(depth))?;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Parsed {
        let start = self.span();
        for (sign, make) in [("!", Written::Not as fn(Box<Ast>) -> Written), ("-", Written::Negate)]
        {
            let mut count = 0;
            while self.take(sign).is_some() {
                count += 1;
            }
            if count > 0 {
                return self.signed(start, sign, count, make);
            }
        }
        self.member()
    }

    /// Two equal signs cancel each other; a minus before a number belongs to the number.
    fn signed(
        &mut self,
        start: Span,
        sign: &str,
        count: usize,
        make: fn(Box<Ast>) -> Written,
    ) -> Parsed {
        if let Some(what) = (sign == "-" && count == 1).then(|| self.negative()).flatten() {
            return self.members(Ast { what, span: start.to(self.before()), depth: 1 });
        }
        let inner = self.member()?;
        let (span, depth) = (start.to(inner.span), inner.depth);
        match count % 2 {
            0 => Ok(Ast { span, ..inner }),
            _ => node(make(Box::new(inner)), span, Some(depth)),
        }
    }

    /// The number after a minus.
    fn negative(&mut self) -> Option<Written> {
        let Word::Int(number) = self.peek() else { return None };
        let number = i64::try_from(-i128::from(*number)).ok().filter(|number| *number < 0)?;
        self.at += 1;
        Some(Written::Literal(Value::Int(number)))
    }

    fn member(&mut self) -> Parsed {
        let primary = self.primary()?;
        self.members(primary)
    }

    /// `.name`, `.name(args)` and `[index]` after a value.
    fn members(&mut self, mut value: Ast) -> Parsed {
        loop {
            if self.take(".").is_some() {
                value = self.select(value)?;
            } else if self.take("[").is_some() {
                let index = self.expression()?;
                let span = value.span.to(self.need("]")?);
                let depth = value.depth.max(index.depth);
                value = node(Written::Index(Box::new([value, index])), span, Some(depth))?;
            } else {
                return Ok(value);
            }
        }
    }

    fn select(&mut self, value: Ast) -> Parsed {
        let (name, name_at) = match self.next() {
            Token { word: Word::Name(name), span } => (name, span),
            Token { word: Word::Escaped(name), span } => {
                let (depth, span) = (value.depth, value.span.to(span));
                return node(Written::Select(Box::new(value), name), span, Some(depth));
            }
            _ => return Err(self.unexpected_last()),
        };
        if self.take("(").is_none() {
            let (depth, span) = (value.depth, value.span.to(name_at));
            return node(Written::Select(Box::new(value), name), span, Some(depth));
        }
        let start = value.span;
        self.call(Some(value), name, name_at, start)
    }

    fn call(&mut self, target: Option<Ast>, name: Box<str>, name_at: Span, start: Span) -> Parsed {
        let (args, end) = self.items(")")?;
        let depth = args.iter().chain(&target).map(|part| part.depth).max();
        let call = Call { target, name, name_at, args };
        node(Written::Call(Box::new(call)), start.to(end), depth)
    }

    /// Expressions up to a closing bracket; where that stands.
    fn items(&mut self, close: &str) -> Result<(Vec<Ast>, Span), ExpressionError> {
        let mut items = Vec::new();
        loop {
            if let Some(end) = self.take(close) {
                return Ok((items, end));
            }
            items.push(self.expression()?);
            if self.take(",").is_none() {
                return Ok((items, self.need(close)?));
            }
        }
    }

    fn primary(&mut self) -> Parsed {
        let Token { word, span } = self.next();
        let literal = match word {
            Word::Int(number) => Value::Int(i64::try_from(number).map_err(|_| too_large(span))?),
            Word::Uint(number) => Value::Uint(number),
            Word::Double(number) => Value::Double(number),
            Word::Text(text) => Value::Text(String::from(text).into()),
            Word::Bytes(bytes) => Value::Bytes(Vec::from(bytes).into()),
            Word::Name(name) => return self.name(name, span),
            Word::Sign("(") => {
                let inner = self.expression()?;
                let end = self.need(")")?;
                return Ok(Ast { span: span.to(end), ..inner });
            }
            Word::Sign("[") => {
                let (items, end) = self.items("]")?;
                let depth = items.iter().map(|item| item.depth).max();
                return node(Written::List(items), span.to(end), depth);
            }
            Word::Sign("{") => return self.map(span),
            _ => return Err(self.unexpected_last()),
        };
        Ok(Ast { what: Written::Literal(literal), span, depth: 1 })
    }

    fn name(&mut self, name: Box<str>, span: Span) -> Parsed {
        let literal = match &*name {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            "null" => Some(Value::Null),
            word if word == "in" || RESERVED.contains(&word) => return Err(self.unexpected_last()),
            _ => None,
        };
        if let Some(value) = literal {
            return Ok(Ast { what: Written::Literal(value), span, depth: 1 });
        }
        if self.take("(").is_some() {
            return self.call(None, name, span, span);
        }
        Ok(Ast { what: Written::Name(name), span, depth: 1 })
    }

    fn map(&mut self, start: Span) -> Parsed {
        let (mut entries, mut depth) = (Vec::new(), 0);
        let end = loop {
            if let Some(end) = self.take("}") {
                break end;
            }
            let key = self.expression()?;
            self.need(":")?;
            let value = self.expression()?;
            depth = depth.max(key.depth).max(value.depth);
            entries.push([key, value]);
            if self.take(",").is_none() {
                break self.need("}")?;
            }
        };
        node(Written::Map(entries), start.to(end), Some(depth))
    }
}

/// Steps through the words.
impl Parser {
    fn peek(&self) -> &Word {
        self.tokens.get(self.at).map_or(&Word::End, |token| &token.word)
    }

    fn span(&self) -> Span {
        self.tokens
            .get(self.at)
            .or_else(|| self.tokens.last())
            .map_or_else(Span::default, |it| it.span)
    }

    /// Where the word stands that was taken last.
    fn before(&self) -> Span {
        let last = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        last.map_or_else(Span::default, |token| token.span)
    }

    fn next(&mut self) -> Token {
        let token = Token { word: self.peek().clone(), span: self.span() };
        self.at += 1;
        token
    }

    fn is(&self, sign: &str) -> bool {
        match self.peek() {
            Word::Sign(found) => *found == sign,
            Word::Name(name) => sign == "in" && **name == *sign,
            _ => false,
        }
    }

    fn take(&mut self, sign: &str) -> Option<Span> {
        let span = self.is(sign).then(|| self.span())?;
        self.at += 1;
        Some(span)
    }

    fn need(&mut self, sign: &str) -> Result<Span, ExpressionError> {
        self.take(sign)
            .ok_or_else(|| self.unexpected().help_if_none(format!("write `{sign}` here")))
    }

    fn unexpected_last(&mut self) -> ExpressionError {
        self.at -= 1;
        self.unexpected()
    }

    fn unexpected(&self) -> ExpressionError {
        let at = self.span().start;
        match self.peek() {
            Word::End => ExpressionError::new(at, "the expression ends too early"),
            Word::Sign(sign) => ExpressionError::new(at, format!("`{sign}` does not fit here")),
            Word::Name(name) => {
                let error = ExpressionError::new(at, format!("`{name}` does not fit here"));
                error.help_if(word_help(name))
            }
            _ => ExpressionError::new(at, "a value does not fit here")
                .help("write an operator such as `==` or `&&` before it"),
        }
    }
}

impl ExpressionError {
    fn help_if_none(self, help: String) -> Self {
        let help = self.help.clone().unwrap_or(help);
        self.help(help)
    }
}

fn word_help(name: &str) -> Option<String> {
    let sign = match name.to_ascii_lowercase().as_str() {
        "and" => "&&",
        "or" => "||",
        "not" => "!",
        "is" | "eq" => "==",
        "if" | "else" => "condition ? yes : no",
        word if RESERVED.contains(&word) => return Some("this word is reserved in CEL".to_owned()),
        _ => return None,
    };
    Some(format!("write `{sign}`"))
}

fn node(what: Written, span: Span, below: Option<usize>) -> Parsed {
    let depth = below.unwrap_or(0) + 1;
    if depth > DEPTH_MAX {
        return Err(too_deep(span));
    }
    Ok(Ast { what, span, depth })
}

fn too_deep(span: Span) -> ExpressionError {
    let error = ExpressionError::new(span.start, "this expression is nested too deeply");
    error.help("write several rules")
}

fn too_large(span: Span) -> ExpressionError {
    let error = ExpressionError::new(span.start, "this number is larger than an int can be");
    error.help("write `u` after it for an unsigned one")
}

const RELATIONS: &[Binary] = &[
    Binary::Equal,
    Binary::Unequal,
    Binary::LessOrEqual,
    Binary::GreaterOrEqual,
    Binary::Less,
    Binary::Greater,
    Binary::In,
];

const RESERVED: &[&str] = &[
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "namespace",
    "package",
    "return",
    "var",
    "void",
    "while",
];

/// Longest text.
const TEXT_BYTES_MAX: usize = 8 * 1024;

/// How deep brackets may stand in brackets.
const NESTING_MAX: usize = 24;

/// How many levels a tree may have.
const DEPTH_MAX: usize = 48;

#[cfg(test)]
mod tests;
