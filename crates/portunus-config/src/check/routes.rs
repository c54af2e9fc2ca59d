//! Rules of hosts and routes.

use portunus_spec::{Node, Problem, Reader, Span, Spanned, check as rule};

use super::{Names, host_pattern};
use crate::salvage::Gaps;
use crate::spec::{HostSpec, RouteSpec, TargetSpec, ToSpec};

pub(super) fn hosts(names: Names<'_>, reader: &mut Reader<'_>) {
    for (name, host) in &names.config.hosts {
        reader.key(name, |reader| {
            rule(name, reader, |name| host_pattern(name));
            self::host(name.span, host, names, reader);
        });
    }
}

fn host(name: Span, host: &HostSpec, names: Names<'_>, reader: &mut Reader<'_>) {
    for listener in &host.listeners {
        names.listener(listener.span, listener, reader);
    }
    if host.routes.is_empty() && !names.gaps.hide(reader.path(), &["routes"]) {
        let help = "add `routes: {/**: http://host:port}`";
        reader.error(name, "a host without routes").help(help);
    }
    reader.key("routes", |reader| {
        for (path, rules) in &host.routes {
            let single = rules.rules.len() == 1;
            for (index, route) in rules.rules.iter().enumerate() {
                let check = |reader: &mut Reader<'_>| self::route(path.span, route, names, reader);
                reader.key(path, |reader| match single {
                    true => check(reader),
                    false => reader.index(index, check),
                });
            }
        }
    });
}

fn route(path: Span, route: &RouteSpec, names: Names<'_>, reader: &mut Reader<'_>) {
    ends(path, route, names.gaps, reader);
    let when = route.when.iter().flat_map(|when| &when.method);
    for method in route.methods.iter().chain(when) {
        rule(method, reader, |method| self::method(method));
    }
    rule(&route.retry.attempts, reader, |attempts| match attempts {
        1..=ATTEMPTS_MAX => Ok(()),
        0 => Err(Problem::new("a request is sent at least once").help("write 1 for no retries")),
        _ => Err(Problem::new("too many attempts").help(format!("write at most {ATTEMPTS_MAX}"))),
    });
    let to_is_whole = !names.gaps.hide(reader.path(), &["to"]);
    if let Some(to) = &route.to {
        reader.key("to", |reader| {
            target_names(to, names, reader);
            if to_is_whole {
                weights(to, reader);
            }
        });
    }
    if let Some(mirror) = &route.mirror {
        let target = Spanned::new(mirror.to.span, &mirror.to.value);
        reader.key("mirror.to", |reader| target_name(target, names, reader));
        if route.to.is_none() && to_is_whole {
            let error = reader.error(mirror.to.span, "only what goes to an upstream is mirrored");
            error.help("add `to`");
        }
    }
}

/// A route ends in one thing: an upstream, a redirect or an answer.
fn ends(path: Span, route: &RouteSpec, gaps: Gaps<'_>, reader: &mut Reader<'_>) {
    let span = |node: &Option<Node>| node.as_ref().map(|node| node.span);
    let ends = [
        ("to", route.to.as_ref().map(|to| to.span)),
        ("redirect", span(&route.redirect)),
        ("respond", span(&route.respond)),
    ];
    let mut ends = ends.into_iter().filter_map(|(name, span)| Some((name, span?)));
    match (ends.next(), ends.next()) {
        (Some((first, at)), Some((second, span))) => {
            let message = format!("a route has either `{first}` or `{second}`");
            reader.error(span, message).related(at, format!("`{first}` here"));
        }
        (None, _) if route.r#use.is_empty() && !gaps.hide(reader.path(), &["to", "use"]) => {
            let help = "add `to: http://host:port`, `redirect: /new` or `respond: 404`";
            reader.error(path, "a route that leads nowhere").help(help);
        }
        _ => {}
    }
}

fn target_names(to: &Spanned<ToSpec>, names: Names<'_>, reader: &mut Reader<'_>) {
    for target in ToSpec::targets(to) {
        target_name(target, names, reader);
    }
}

fn target_name(target: Spanned<&TargetSpec>, names: Names<'_>, reader: &mut Reader<'_>) {
    if let TargetSpec::Upstream(name) = target.value {
        names.upstream(target.span, name, reader);
    }
}

fn weights(to: &Spanned<ToSpec>, reader: &mut Reader<'_>) {
    let ToSpec::Split(parts) = &to.value else { return };
    let span = to.span;
    let sum: u64 = parts.iter().map(|part| u64::from(part.weight.value)).sum();
    if sum == 0 {
        reader.error(span, "the weights of a split are all 0").help("write {a: 95, b: 5}");
    }
    if sum > u64::from(u32::MAX) {
        reader.error(span, "the weights of a split are too large").help("write {a: 95, b: 5}");
    }
}

fn method(method: &str) -> Result<(), Problem> {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if method.is_empty() || !method.chars().all(token) {
        return Err(
            Problem::new(format!("`{method}` is not a method")).help("write GET, POST, ...")
        );
    }
    if KNOWN_METHODS.contains(&method.to_ascii_uppercase().as_str())
        && method.chars().any(|c| c.is_ascii_lowercase())
    {
        let help = format!("write {}", method.to_ascii_uppercase());
        return Err(Problem::new("methods are written in upper case").help(help));
    }
    Ok(())
}

/// Methods that nobody means in lower case.
const KNOWN_METHODS: &[&str] =
    &["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];
/// How often a request is sent at most.
const ATTEMPTS_MAX: u32 = 10;
