//! Rules of hosts and routes.

use portunus_spec::{Node, Problem, Reader, Span, Spanned, check as rule};

use super::{Names, host_pattern};
use crate::salvage::Gaps;
use crate::spec::{
    HedgeSpec, HostOpenApiSpec, HostSpec, HstsSpec, ListenerSpec, RedirectHttpsSpec, RouteSpec,
    TargetSpec, ToSpec, UpstreamSpec,
};
use crate::{EndpointScheme, EndpointUrl};

pub(super) fn hosts(names: Names<'_>, reader: &mut Reader<'_>) {
    for (name, host) in &names.config.hosts {
        reader.key(name, |reader| {
            rule(name, reader, |name| host_pattern(name));
            self::host(name.span, host, names, reader);
        });
    }
}

fn host(name: Span, host: &HostSpec, names: Names<'_>, reader: &mut Reader<'_>) {
    let listeners = names.config.listeners_in_force();
    for name in &host.listeners {
        names.listener(name.span, name, reader);
        let listener = listeners.get(name);
        if listener.is_some_and(|listener| !listener.serves_http()) {
            let message = format!("the listener `{}` does not serve HTTP", name.value);
            let error = reader.error(name.span, message);
            error.help("leave it out, or write its `protocols`: [h1, h2]");
        }
    }
    secure(host, names, reader);
    let none = host.routes.is_empty() && host.openapi.is_none();
    if none && !names.gaps.hide(reader.path(), &["routes", "openapi"]) {
        let help = "add `routes: {/**: http://host:port}`";
        reader.error(name, "a host without routes").help(help);
    }
    if let Some(openapi) = &host.openapi {
        reader.key("openapi", |reader| self::openapi(openapi, names, reader));
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

/// Routes of a document end somewhere, and start with a path.
fn openapi(openapi: &HostOpenApiSpec, names: Names<'_>, reader: &mut Reader<'_>) {
    if let Some(prefix) = &openapi.prefix {
        rule(prefix, reader, |prefix| match prefix.as_str() {
            "" => Ok(()),
            path if path.starts_with('/') && !path.ends_with('/') => Ok(()),
            _ => Err(Problem::new("not the start of a path").help("write /v1, or nothing: \"\"")),
        });
    }
    let is_whole = !names.gaps.hide(reader.path(), &["to", "mock"]);
    match &openapi.to {
        Some(to) => reader.key("to", |reader| {
            target_names(to, names, reader);
            if is_whole {
                weights(to, reader);
            }
        }),
        None if !openapi.mock && is_whole => {
            let error = reader.error(openapi.file.span, "the routes of a document lead nowhere");
            error.help("add `to: http://host:port`, or `mock: true`");
        }
        None => {}
    }
}

/// What needs TLS in front: ours, or that of a proxy that is trusted to say so.
fn secure(host: &HostSpec, names: Names<'_>, reader: &mut Reader<'_>) {
    let listeners = names.config.listeners_in_force();
    let named = |name: &Spanned<String>| {
        host.listeners.is_empty() || host.listeners.iter().any(|own| own.value == name.value)
    };
    let https =
        |(name, listener): &(Spanned<String>, ListenerSpec)| named(name) && listener.serves_https();
    let is_secure = listeners.iter().any(https)
        || !names.config.trusted_proxies.is_empty()
        || names.gaps.within("listeners")
        || names.gaps.within("trusted_proxies");
    if let Some(redirect) = &host.redirect_https
        && redirect.value != RedirectHttpsSpec::Off
        && !is_secure
    {
        let error = reader.error(redirect.span, "no listener with TLS serves this host");
        error.help("add `tls` to a listener");
    }
    if let Some(hsts) = &host.hsts {
        if !is_secure {
            let message = "browsers take this over TLS only, and no listener has it";
            reader.warning(hsts.max_age.span, message).help("add `tls` to a listener");
        }
        preload(hsts, reader);
    }
}

fn preload(hsts: &HstsSpec, reader: &mut Reader<'_>) {
    let long = hsts.max_age.as_secs() >= YEAR_S;
    if hsts.preload && !(hsts.include_subdomains && long) {
        let message = "browsers only put a host on their list with its subdomains and for a year";
        let warning = reader.warning(hsts.max_age.span, message);
        warning.help("write {max_age: 365d, include_subdomains: true, preload: true}");
    }
}

fn hedge(hedge: &HedgeSpec, attempts: &Spanned<u32>, reader: &mut Reader<'_>) {
    rule(&hedge.after, reader, |after| match after.is_zero() {
        true => Err(Problem::new("every request would be sent twice").help("write hedge: 50ms")),
        false => Ok(()),
    });
    if attempts.value == 1 {
        let error = reader.error(attempts.span, "a hedge is an attempt too, and there is only one");
        error.help("write attempts: 2 or more, or remove `hedge`");
    }
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
    if let Some(hedge) = &route.retry.hedge {
        self::hedge(hedge, &route.retry.attempts, reader);
    }
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
    if let ToSpec::Endpoints(urls) = &to.value {
        urls.iter().for_each(|url| has_scheme(url.span, url, reader));
        let Some((first, rest)) = urls.split_first() else { return };
        if let Some(other) = rest.iter().find(|other| other.scheme != first.scheme) {
            let error = reader.error(other.span, "the endpoints of an upstream speak the same");
            error.related(first.span, "this one speaks something else");
            error.help("split the requests instead: {http://a: 50, https://b: 50}");
        }
    }
}

/// A target of HTTP.
fn target_name(target: Spanned<&TargetSpec>, names: Names<'_>, reader: &mut Reader<'_>) {
    match target.value {
        TargetSpec::Upstream(name) => {
            names.upstream(target.span, name, reader);
            let raw = names.config.upstreams.get(name).and_then(raw_endpoint);
            if let Some(raw) = raw {
                let message = format!("the upstream `{name}` has endpoints that are not for HTTP");
                let error = reader.error(target.span, message);
                error.related(raw.span, "such as this").help(format!("write http://{}", raw.value));
            }
        }
        TargetSpec::Url(url) => has_scheme(target.span, url, reader),
    }
}

fn raw_endpoint(upstream: &UpstreamSpec) -> Option<&Spanned<EndpointUrl>> {
    let mut urls = upstream.endpoints.iter().map(|endpoint| &endpoint.url);
    urls.find(|url| url.scheme == EndpointScheme::Raw)
}

fn has_scheme(span: Span, url: &EndpointUrl, reader: &mut Reader<'_>) {
    if url.scheme == EndpointScheme::Raw {
        let error = reader.error(span, format!("nothing says how to speak to {url}"));
        error.help(format!("write http://{url} or https://{url}"));
    }
}

/// Targets of bytes without HTTP: any upstream or endpoint will do.
pub(super) fn raw_target(to: &Spanned<ToSpec>, names: Names<'_>, reader: &mut Reader<'_>) {
    for target in ToSpec::targets(to) {
        if let TargetSpec::Upstream(name) = target.value {
            names.upstream(target.span, name, reader);
        }
    }
    weights(to, reader);
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

/// A year, in seconds.
const YEAR_S: u64 = 365 * 24 * 3600;
/// Methods that nobody means in lower case.
const KNOWN_METHODS: &[&str] =
    &["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];
/// How often a request is sent at most.
const ATTEMPTS_MAX: u32 = 10;
