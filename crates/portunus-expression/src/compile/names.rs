//! Names: variables of the exchange, of the surrounding `map`, keys of maps.

use portunus_spec::suggestion;

use super::{Compiled, Compiler, Typed, made};
use crate::ast::{Ast, Binary, Call, Written};
use crate::error::{ExpressionError, Span};
use crate::kind::Kind;
use crate::tree::{Node, Op};
use crate::value::Value;
use crate::variables::{self, GROUPS, Group, VARIABLES, Variable};

/// What a name stands for.
enum Named {
    Value(Typed),
    Group(&'static Group),
}

impl Compiler<'_> {
    /// `request.method`, `claims.tier`, `x.y`.
    pub(super) fn read(&mut self, ast: &Ast) -> Compiled {
        match self.named(ast)? {
            Named::Value(typed) => Ok(typed),
            Named::Group(group) => Err(incomplete(group, ast.span)),
        }
    }

    fn named(&mut self, ast: &Ast) -> Result<Named, ExpressionError> {
        match &ast.what {
            Written::Name(name) => match self.locals.iter().rposition(|(known, _)| known == name) {
                Some(slot) => {
                    let kind = self.locals.get(slot).map_or(Kind::Any, |(_, kind)| kind.clone());
                    Ok(Named::Value(made(Op::Local(slot), ast.span, kind)))
                }
                None => self.known(name, ast.span),
            },
            Written::Select(base, field) => match self.named(base)? {
                Named::Group(group) => self.known(&format!("{}.{field}", group.name), ast.span),
                Named::Value(base) => self.key(base, field, ast.span).map(Named::Value),
            },
            _ => self.compile(ast).map(Named::Value),
        }
    }

    /// A name of the tables.
    fn known(&mut self, name: &str, span: Span) -> Result<Named, ExpressionError> {
        if let Some(variable) = variables::variable(name) {
            return Ok(Named::Value(self.variable(variable, span)));
        }
        if let Some(group) = variables::group(name) {
            self.reads_identity |= group.name == "identity";
            return Ok(Named::Group(group));
        }
        Err(unknown(name, span, &self.locals))
    }

    fn variable(&mut self, variable: &'static Variable, span: Span) -> Typed {
        self.reads_identity |= variable.is_of_identity();
        made(Op::Read(variable), span, (variable.kind)())
    }

    /// `base.name`
    fn key(&mut self, base: Typed, name: &str, span: Span) -> Compiled {
        let kind = match base.kind {
            Kind::Any => Kind::Any,
            Kind::Map(value) => *value,
            other => {
                let message = format!("a {} has no `{name}`", other.name());
                return Err(ExpressionError::new(span.start, message));
            }
        };
        self.check_param(&base.node, name, span)?;
        Ok(made(Op::Key(Box::new(base.node), name.into()), span, kind))
    }

    /// Which parts a path has is known beforehand.
    fn check_param(&self, base: &Node, name: &str, span: Span) -> Result<(), ExpressionError> {
        let is_params = matches!(base.op, Op::Read(variable) if variable.name == "params");
        if !is_params || self.params.contains(&name) {
            return Ok(());
        }
        let message = format!("the route's path has no part named `{name}`");
        let known = suggestion(name, self.params.iter().copied(), "here");
        Err(ExpressionError::new(span.start, message).help_if(known))
    }

    /// `base[index]`
    pub(super) fn index(&mut self, parts: &[Ast; 2], span: Span) -> Compiled {
        let (base, index) = (self.compile(&parts[0])?, self.compile(&parts[1])?);
        if let (Kind::Map(_), Op::Constant(Value::Text(name))) = (&base.kind, &index.node.op) {
            return self.key(base, name, span);
        }
        let kind = match (&base.kind, &index.kind) {
            (Kind::Any, _) => Kind::Any,
            (Kind::List(item), Kind::Int | Kind::Uint | Kind::Any) => (**item).clone(),
            (Kind::Map(value), _) => (**value).clone(),
            (base, index) => {
                let message =
                    format!("a {} cannot be asked for by a {}", base.name(), index.name());
                return Err(ExpressionError::new(parts[1].span.start, message));
            }
        };
        self.folded(Op::Index(Box::new([base.node, index.node])), span, kind)
    }

    /// `has(claims.tier)`, `has(client.cert)`
    pub(super) fn has(&mut self, call: &Call, span: Span) -> Compiled {
        let [arg] = call.args.as_slice() else { return Err(has_usage(span)) };
        let op = match &arg.what {
            Written::Name(_) => match self.named(arg)? {
                Named::Group(group) => Op::HasGroup(group),
                Named::Value(typed) => self.has_variable(typed.node, span)?,
            },
            Written::Select(base, field) => match self.named(base)? {
                Named::Group(group) => {
                    match self.known(&format!("{}.{field}", group.name), arg.span)? {
                        Named::Group(group) => Op::HasGroup(group),
                        Named::Value(typed) => self.has_variable(typed.node, span)?,
                    }
                }
                Named::Value(base) => match self.key(base, field, arg.span)?.node.op {
                    Op::Key(base, name) => Op::HasKey(base, name),
                    _ => return Err(has_usage(span)),
                },
            },
            _ => return Err(has_usage(arg.span)),
        };
        Ok(made(op, span, Kind::Bool))
    }

    fn has_variable(&self, node: Node, span: Span) -> Result<Op, ExpressionError> {
        match node.op {
            Op::Read(variable) => Ok(Op::HasVariable(variable)),
            _ => Err(has_usage(span)),
        }
    }

    /// `identity == null`, `client.cert != null`
    pub(super) fn presence(&mut self, sign: Binary, parts: &[Ast; 2], span: Span) -> Option<Typed> {
        let null = |ast: &Ast| matches!(ast.what, Written::Literal(Value::Null));
        let group = match parts {
            [name, other] | [other, name] if null(other) => written_group(name, &self.locals)?,
            _ => return None,
        };
        self.reads_identity |= group.name == "identity";
        let is_there = Op::HasGroup(group);
        let op = match sign {
            Binary::Unequal => is_there,
            Binary::Equal => Op::Not(Box::new(Node { op: is_there, span })),
            _ => return None,
        };
        Some(made(op, span, Kind::Bool))
    }
}

fn written_group(ast: &Ast, locals: &[(Box<str>, Kind)]) -> Option<&'static Group> {
    match &ast.what {
        Written::Name(name) if !locals.iter().any(|(known, _)| known == name) => {
            variables::group(name)
        }
        Written::Select(base, field) => {
            let base = written_group(base, locals)?;
            variables::group(&format!("{}.{field}", base.name))
        }
        _ => None,
    }
}

fn incomplete(group: &Group, span: Span) -> ExpressionError {
    let message = format!("`{}` stands for several values", group.name);
    let members: Vec<&str> = members(group.name).collect();
    ExpressionError::new(span.start, message).help(format!("write one of {}", members.join(", ")))
}

fn members(group: &str) -> impl Iterator<Item = &'static str> + Clone {
    let names = VARIABLES.iter().map(|variable| variable.name);
    names.filter(move |name| name.strip_prefix(group).is_some_and(|rest| rest.starts_with('.')))
}

fn unknown(name: &str, span: Span, locals: &[(Box<str>, Kind)]) -> ExpressionError {
    let error = ExpressionError::new(span.start, format!("unknown variable `{name}`"));
    let group = name.rsplit_once('.').map(|(group, _)| group);
    let nearest = match group {
        Some(group) => portunus_spec::nearest(name, members(group)).map(str::to_owned),
        None => {
            let roots = VARIABLES.iter().map(|variable| variable.name);
            let roots = roots.filter(|name| !name.contains('.'));
            let groups = GROUPS.iter().map(|group| group.name);
            let locals = locals.iter().map(|(local, _)| &**local);
            portunus_spec::nearest(name, roots.chain(groups).chain(locals)).map(str::to_owned)
        }
    };
    error.help(match (nearest, group) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, Some(group)) => format!("known: {}", members(group).collect::<Vec<_>>().join(", ")),
        (None, None) => {
            "known: request, client, identity, claims, params, route, tls, now; a text \
                         stands in quotes"
                .to_owned()
        }
    })
}

fn has_usage(span: Span) -> ExpressionError {
    let error = ExpressionError::new(span.start, "`has` needs a name with a dot in it");
    error.help("write `has(claims.tier)`; for a name in quotes, `\"x-tier\" in request.headers`")
}
