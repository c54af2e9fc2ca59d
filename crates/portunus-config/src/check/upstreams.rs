//! Rules of upstreams.

use std::collections::HashMap;
use std::time::Duration;

use portunus_base::{Percent, format_duration};
use portunus_spec::{Problem, Reader, Span, check as rule};

use crate::EndpointScheme;
use crate::salvage::Gaps;
use crate::spec::{BreakerSpec, HealthSpec, HttpSpec, OutlierSpec, UpstreamSpec, UpstreamTlsSpec};

pub(super) fn upstream(
    name: Span,
    upstream: &UpstreamSpec,
    gaps: Gaps<'_>,
    reader: &mut Reader<'_>,
) {
    let is_hidden = gaps.hide(reader.path(), &["endpoints", "discover"]);
    if upstream.endpoints.is_empty() && upstream.discover.is_none() && !is_hidden {
        let error = reader.error(name, "an upstream without endpoints");
        error.help("add `endpoints: [http://host:port]` or `discover: {dns: host:port}`");
    }
    endpoints(upstream, reader);
    if !upstream.endpoints.is_empty()
        && !is_hidden
        && upstream.endpoints.iter().all(|endpoint| endpoint.weight.value == 0)
    {
        reader.error(name, "all endpoints have weight 0").help("give one of them a weight");
    }
    if let Some(tls) = &upstream.tls {
        let is_used = is_hidden || speaks_tls(upstream);
        reader.key("tls", |reader| self::tls(tls.span, tls, is_used, reader));
    }
    rule(&upstream.limits.streams_max, reader, |max| match max {
        0 => Err(Problem::new("at least one stream is needed").help("write 1 or more")),
        _ => Ok(()),
    });
    if let Some(outlier) = &upstream.outlier {
        reader.key("outlier", |reader| self::outlier(name, outlier, reader));
    }
    if let Some(breaker) = &upstream.breaker {
        self::breaker(breaker, reader);
    }
    if let Some(health) = &upstream.health {
        let is_hidden = gaps.hide(&format!("{}.health", reader.path()), &["path", "grpc", "tcp"]);
        reader.key("health", |reader| {
            self::health(health, upstream, reader);
            if !is_hidden {
                one_kind(name, health, reader);
            }
        });
    }
}

/// Each endpoint is there once, and all speak the same.
fn endpoints(upstream: &UpstreamSpec, reader: &mut Reader<'_>) {
    let mut seen: HashMap<_, Span> = HashMap::new();
    for endpoint in &upstream.endpoints {
        let url = &endpoint.url;
        if let Some(first) = seen.insert(&url.value, url.span) {
            let message = format!("the endpoint {} is there twice", url.value);
            let error = reader.error(url.span, message);
            error.related(first, "first here").help("keep one of them; `weight` gives it more");
        }
    }
    let Some((first, rest)) = upstream.endpoints.split_first() else { return };
    if let Some(other) = rest.iter().find(|other| other.url.scheme != first.url.scheme) {
        let error = reader.error(other.url.span, "the endpoints of an upstream speak the same");
        error.related(first.url.span, "this one speaks something else");
        error.help("make two upstreams, and split the requests between them");
    }
}

/// Whether anything of it is reached over TLS.
fn speaks_tls(upstream: &UpstreamSpec) -> bool {
    let https = |scheme| scheme == EndpointScheme::Https;
    upstream.discover.is_some()
        || upstream.endpoints.is_empty()
        || upstream.endpoints.iter().any(|endpoint| https(endpoint.url.scheme))
}

fn tls(span: Span, tls: &UpstreamTlsSpec, is_used: bool, reader: &mut Reader<'_>) {
    if !is_used {
        let error = reader.error(span, "no endpoint of this upstream is reached over TLS");
        error.help("write https:// before its endpoints");
    }
    let skip = &tls.insecure_skip_verify;
    if skip.value {
        let message = "whoever stands between can read and change what is sent";
        let warning = reader.warning(skip.span, message);
        warning.help("name the upstream's authority instead: ca: ca.pem");
    }
}

fn outlier(name: Span, outlier: &OutlierSpec, reader: &mut Reader<'_>) {
    if outlier.consecutive_5xx.value == 0 && outlier.consecutive_failures.value == 0 {
        let error = reader.error(name, "nothing says when an endpoint is ejected");
        error.help("write outlier: {consecutive_5xx: 5}, or remove `outlier`");
    }
    rule(&outlier.eject_for, reader, |time| match time.is_zero() {
        true => Err(Problem::new("an ejection that takes no time").help("write eject_for: 30s")),
        false => Ok(()),
    });
    let (first, longest) = (&outlier.eject_for, &outlier.eject_for_max);
    if longest.value < first.value {
        let at = if longest.span == Span::NONE { first.span } else { longest.span };
        let error = reader.error(at, "an ejection is longer than `eject_for_max`");
        error.help(format!("write eject_for_max: {}", format_duration(first.value)));
    }
    rule(&outlier.max_ejected, reader, |Percent(share)| match *share > 0.0 {
        true => Ok(()),
        false => Err(Problem::new("no endpoint may be ejected").help("write max_ejected: 50%")),
    });
}

fn breaker(breaker: &BreakerSpec, reader: &mut Reader<'_>) {
    rule(&breaker.error_rate, reader, |Percent(share)| match *share > 0.0 {
        true => Ok(()),
        false => Err(Problem::new("nothing would ever pass").help("write error_rate: 50%")),
    });
    for (span, name) in [(&breaker.over, "over"), (&breaker.open_for, "open_for")] {
        rule(span, reader, |span| match (BREAKER_SPAN_MIN..=BREAKER_SPAN_MAX).contains(span) {
            true => Ok(()),
            false => Err(Problem::new(format!("`{name}` is from 10ms to 1d"))
                .help(format!("write {name}: 10s"))),
        });
    }
    rule(&breaker.min_requests, reader, |count| match count {
        0 => Err(Problem::new("at least one request is needed").help("write min_requests: 20")),
        _ => Ok(()),
    });
    rule(&breaker.probes, reader, |count| match count {
        1..=255 => Ok(()),
        _ => Err(Problem::new("`probes` is from 1 to 255").help("write probes: 3")),
    });
}

fn one_kind(name: Span, health: &HealthSpec, reader: &mut Reader<'_>) {
    let path = health.path.as_ref().map(|path| ("path", path.span));
    let grpc = health.grpc.as_ref().map(|grpc| ("grpc", grpc.span));
    let tcp = health.tcp.value.then_some(("tcp", health.tcp.span));
    let mut kinds = [path, grpc, tcp].into_iter().flatten();
    match (kinds.next(), kinds.next()) {
        (Some((first, at)), Some((second, span))) => {
            let error = reader.error(span, format!("a check has either `{first}` or `{second}`"));
            error.related(at, format!("`{first}` here"));
        }
        (None, _) => {
            let error = reader.error(name, "nothing says how endpoints are checked");
            error.help("write health: {path: /healthz}, {grpc: \"\"} or {tcp: true}");
        }
        _ => {}
    }
}

fn health(health: &HealthSpec, upstream: &UpstreamSpec, reader: &mut Reader<'_>) {
    if let Some(path) = &health.path {
        rule(path, reader, |path| match path.starts_with('/') {
            true => Ok(()),
            false => Err(Problem::new("a path starts with `/`").help(format!("write /{path}"))),
        });
    }
    if let (Some(grpc), HttpSpec::H1) = (&health.grpc, upstream.http.value) {
        let error = reader.error(grpc.span, "gRPC needs HTTP/2");
        error.related(upstream.http.span, "HTTP/1 here").help("write http: 2");
    }
    for count in [&health.healthy_after, &health.unhealthy_after] {
        rule(count, reader, |count| match count {
            0 => Err(Problem::new("at least one check is needed").help("write 1 or more")),
            _ => Ok(()),
        });
    }
    rule(&health.every, reader, |every| match every.is_zero() {
        true => Err(Problem::new("checks without a pause").help("write every: 5s")),
        false => Ok(()),
    });
}

/// Shorter spans than this are finer than the clock of a worker.
const BREAKER_SPAN_MIN: Duration = Duration::from_millis(10);
const BREAKER_SPAN_MAX: Duration = Duration::from_secs(86_400);
