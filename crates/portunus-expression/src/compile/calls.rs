//! Calls: functions, and what only looks like one because its parts are compiled otherwise.

use ipnet::IpNet;
use jiff::tz::TimeZone;
use portunus_spec::nearest;
use regex::{Regex, RegexBuilder};

use super::{Compiled, Compiler, Typed, made};
use crate::ast::{Ast, Call, Written};
use crate::error::{ExpressionError, Span};
use crate::functions::{FUNCTIONS, Form, FunctionLine, function};
use crate::kind::Kind;
use crate::time::{self, TimePart};
use crate::tree::{Each, EachKind, Op};
use crate::value::{List, Value};

impl Compiler<'_> {
    pub(super) fn call(&mut self, call: &Call, span: Span) -> Compiled {
        let line = function(&call.name).ok_or_else(|| unknown(call))?;
        let fits = match line.form {
            Form::Global => call.target.is_none(),
            Form::Method => call.target.is_some(),
            Form::Either => true,
        };
        if !fits {
            return Err(usage(line, call));
        }
        if let Some(function) = line.what {
            let args = self.arguments(call)?;
            let kinds: Vec<Kind> = args.iter().map(|arg| arg.kind.clone()).collect();
            let kind = function.gives(&kinds).ok_or_else(|| misused(line, call, &kinds))?;
            let nodes = args.into_iter().map(|arg| arg.node).collect();
            return self.folded(Op::Call(function, nodes), span, kind);
        }
        match (line.name, EachKind::named(line.name), time_part(line.name)) {
            ("has", ..) => self.has(call, span),
            ("ip_in", ..) => self.ip_in(line, call, span),
            (_, Some(what), _) => self.each(what, line, call, span),
            (_, _, Some(part)) => self.time(part, line, call, span),
            _ => self.matches(line, call, span),
        }
    }

    fn arguments(&mut self, call: &Call) -> Result<Vec<Typed>, ExpressionError> {
        call.target.iter().chain(&call.args).map(|arg| self.compile(arg)).collect()
    }

    /// `list.all(x, test)` and its kin.
    fn each(&mut self, what: EachKind, line: &FunctionLine, call: &Call, span: Span) -> Compiled {
        let (name, filter, body) = match call.args.as_slice() {
            [name, body] => (name, None, body),
            [name, filter, body] if what == EachKind::Map => (name, Some(filter), body),
            _ => return Err(usage(line, call)),
        };
        let (Written::Name(name), Some(target)) = (&name.what, &call.target) else {
            return Err(usage(line, call));
        };
        let range = self.compile(target)?;
        let item = match &range.kind {
            Kind::List(item) => (**item).clone(),
            Kind::Map(_) | Kind::Any => Kind::Any,
            _ => return Err(misused(line, call, std::slice::from_ref(&range.kind))),
        };
        let local = self.locals.len();
        self.locals.push((name.clone(), item.clone()));
        let body = self.round(what, filter, body);
        self.locals.truncate(local);
        let (filter, body) = body?;
        let kind = match what {
            EachKind::Map => Kind::list(body.kind),
            EachKind::Filter => Kind::list(item),
            EachKind::All | EachKind::Exists | EachKind::ExistsOne => Kind::Bool,
        };
        let filter = filter.map(|filter| filter.node);
        let each = Each { what, range: range.node, local, filter, body: body.node };
        Ok(made(Op::Each(Box::new(each)), span, kind))
    }

    /// What is evaluated for each item.
    fn round(
        &mut self,
        what: EachKind,
        filter: Option<&Ast>,
        body: &Ast,
    ) -> Result<(Option<Typed>, Typed), ExpressionError> {
        let test = |node| Typed { node, kind: Kind::Bool };
        let filter = filter.map(|filter| self.condition(filter)).transpose()?.map(test);
        let body = match what {
            EachKind::Map => self.compile(body)?,
            _ => test(self.condition(body)?),
        };
        Ok((filter, body))
    }

    /// `text.matches("regex")`, `matches(text, "regex")`
    fn matches(&mut self, line: &FunctionLine, call: &Call, span: Span) -> Compiled {
        let args = self.arguments(call)?;
        let Ok([text, pattern]) = <[Typed; 2]>::try_from(args) else {
            return Err(usage(line, call));
        };
        if !text.kind.may_be(&Kind::Text) {
            return Err(misused(line, call, &[text.kind, pattern.kind]));
        }
        let at = call.args.last().map_or(span, |arg| arg.span);
        let Op::Constant(Value::Text(source)) = &pattern.node.op else {
            let error = ExpressionError::new(at.start, "a regex must be a text in quotes");
            return Err(error.help("it is compiled when the configuration is loaded"));
        };
        let regex = regex(source, at)?;
        Ok(made(Op::Matches(Box::new(text.node), regex), span, Kind::Bool))
    }

    /// `ip_in(client.ip, "10.0.0.0/8")`, `ip_in(address, ["10.0.0.0/8", "::1"])`
    fn ip_in(&mut self, line: &FunctionLine, call: &Call, span: Span) -> Compiled {
        let [address, networks] = call.args.as_slice() else { return Err(usage(line, call)) };
        let (at, address) = (networks.span, self.compile(address)?);
        let compiled = self.compile(networks)?;
        if !address.kind.may_be(&Kind::Text) {
            return Err(misused(line, call, &[address.kind, compiled.kind]));
        }
        let networks = match &compiled.node.op {
            Op::Constant(Value::List(List::Made(items))) => {
                items.iter().map(|item| network(item, at)).collect::<Result<Box<[_]>, _>>()?
            }
            Op::Constant(one @ Value::Text(_)) => Box::new([network(one, at)?]),
            _ => {
                let error = ExpressionError::new(at.start, "networks must be texts in quotes");
                return Err(error.help(format!("write `{}`", line.usage)));
            }
        };
        let op = match &address.node.op {
            Op::Read(variable) if variable.name == "client.ip" => Op::ClientIn(networks),
            _ => Op::IpIn(Box::new(address.node), networks),
        };
        Ok(made(op, span, Kind::Bool))
    }

    /// `now.getHours("Europe/Berlin")`
    fn time(&mut self, part: TimePart, line: &FunctionLine, call: &Call, span: Span) -> Compiled {
        let (Some(target), 0..=1) = (&call.target, call.args.len()) else {
            return Err(usage(line, call));
        };
        let target = self.compile(target)?;
        let is_span = target.kind == Kind::Span && part.is_of_spans() && call.args.is_empty();
        if !is_span && !target.kind.may_be(&Kind::Time) {
            return Err(misused(line, call, std::slice::from_ref(&target.kind)));
        }
        let zone = call.args.first().map_or(Ok(TimeZone::UTC), zone)?;
        Ok(made(Op::Time(part, Box::new(target.node), zone), span, Kind::Int))
    }
}

fn zone(ast: &Ast) -> Result<TimeZone, ExpressionError> {
    let at = ast.span.start;
    let Written::Literal(Value::Text(name)) = &ast.what else {
        let error = ExpressionError::new(at, "a time zone must be a text in quotes");
        return Err(error.help("write `now.getHours(\"Europe/Berlin\")`"));
    };
    time::zone(name).ok_or_else(|| {
        let error = ExpressionError::new(at, format!("this system has no time zone `{name}`"));
        error.help("write a name such as `Europe/Berlin`, or an offset such as `+02:00`")
    })
}

fn network(value: &Value<'_>, at: Span) -> Result<IpNet, ExpressionError> {
    let Value::Text(text) = value else {
        return Err(ExpressionError::new(at.start, "a network must be a text in quotes"));
    };
    let alone = || text.parse().map(|ip: std::net::IpAddr| IpNet::from(ip.to_canonical()));
    text.parse().or_else(|_| alone()).map_err(|_| {
        let error = ExpressionError::new(at.start, format!("`{text}` is not a network"));
        error.help("write `10.0.0.0/8` or `192.0.2.7`")
    })
}

fn regex(source: &str, at: Span) -> Result<Regex, ExpressionError> {
    let built = RegexBuilder::new(source).size_limit(REGEX_BYTES_MAX).build();
    built.map_err(|error| {
        // The crate draws a picture; its last line has the reason.
        let error = error.to_string();
        let reason = error.lines().last().unwrap_or(&error);
        let reason = reason.strip_prefix("error: ").unwrap_or(reason);
        let error = ExpressionError::new(at.start, format!("not a regex: {reason}"));
        error.help("see https://docs.rs/regex/#syntax")
    })
}

fn time_part(name: &str) -> Option<TimePart> {
    Some(match name {
        "getDate" => TimePart::Date,
        "getDayOfMonth" => TimePart::DayOfMonth,
        "getDayOfWeek" => TimePart::DayOfWeek,
        "getDayOfYear" => TimePart::DayOfYear,
        "getFullYear" => TimePart::FullYear,
        "getHours" => TimePart::Hours,
        "getMilliseconds" => TimePart::Milliseconds,
        "getMinutes" => TimePart::Minutes,
        "getMonth" => TimePart::Month,
        "getSeconds" => TimePart::Seconds,
        _ => return None,
    })
}

fn unknown(call: &Call) -> ExpressionError {
    let message = format!("unknown function `{}`", call.name);
    let names = FUNCTIONS.iter().map(|line| line.name);
    let help = match nearest(&call.name, names.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known: {}", names.collect::<Vec<_>>().join(", ")),
    };
    ExpressionError::new(call.name_at.start, message).help(help)
}

fn usage(line: &FunctionLine, call: &Call) -> ExpressionError {
    let message = format!("`{}` is not written so", line.name);
    ExpressionError::new(call.name_at.start, message).help(format!("write `{}`", line.usage))
}

fn misused(line: &FunctionLine, call: &Call, kinds: &[Kind]) -> ExpressionError {
    let kinds: Vec<&str> = kinds.iter().map(Kind::name).collect();
    let message = format!("`{}` does not take {}", line.name, kinds.join(", "));
    ExpressionError::new(call.name_at.start, message).help(format!("write `{}`", line.usage))
}

/// How large a compiled regex may be.
const REGEX_BYTES_MAX: usize = 256 * 1024;
