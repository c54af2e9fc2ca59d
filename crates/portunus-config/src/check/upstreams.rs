//! Rules of upstreams.

use std::collections::HashMap;
use std::time::Duration;

use portunus_base::{Percent, format_duration};
use portunus_spec::{Problem, Reader, Span, check as rule};

use crate::EndpointScheme;
use crate::salvage::Gaps;
use crate::spec::{
    AdaptiveSpec, BreakerSpec, HealthMethodSpec, HealthSpec, HttpSpec, OutlierSpec, TimesSpec,
    UpstreamLimitsSpec, UpstreamSpec, UpstreamTlsSpec,
};

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
    room(&upstream.limits, reader);
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
    let in_a_row = outlier.consecutive_5xx.value > 0 || outlier.consecutive_failures.value > 0;
    if !in_a_row && !outlier.judges_a_window() {
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
    window(outlier, reader);
}

fn window(outlier: &OutlierSpec, reader: &mut Reader<'_>) {
    if let Some(share) = &outlier.error_rate {
        rule(share, reader, |Percent(share)| match *share > 0.0 {
            true => Ok(()),
            false => Err(Problem::new("every endpoint would be bad").help("write error_rate: 50%")),
        });
    }
    if let Some(factor) = &outlier.success_rate_stdev {
        rule(factor, reader, |factor| match factor.is_finite() && *factor > 0.0 {
            true => Ok(()),
            false => Err(Problem::new("every endpoint below the mean would be bad")
                .help("write success_rate_stdev: 1.9")),
        });
    }
    if let Some(times) = &outlier.slower_than {
        rule(times, reader, |TimesSpec(times)| match *times > 1.0 {
            true => Ok(()),
            false => Err(Problem::new("an endpoint as fast as the others would be slow")
                .help("write slower_than: 5x")),
        });
    }
    rule(&outlier.over, reader, |over| match (WINDOW_MIN..=WINDOW_MAX).contains(over) {
        true => Ok(()),
        false => Err(Problem::new("`over` is from 500ms to 1d").help("write over: 10s")),
    });
    rule(&outlier.min_requests, reader, |count| match count {
        0 => Err(Problem::new("at least one request is needed").help("write min_requests: 20")),
        _ => Ok(()),
    });
    let unused = [(outlier.over.span, "over"), (outlier.min_requests.span, "min_requests")];
    for (span, name) in unused.into_iter().filter(|(span, _)| *span != Span::NONE) {
        if !outlier.judges_a_window() {
            let error = reader.error(span, format!("`{name}` without anything that it is for"));
            error.help("add error_rate: 50%, success_rate_stdev: 1.9 or slower_than: 5x");
        }
    }
}

fn room(limits: &UpstreamLimitsSpec, reader: &mut Reader<'_>) {
    if let Some(queue) = &limits.queue {
        let is_limited = limits.requests_max.is_some()
            || limits.connections_max.is_some()
            || limits.adaptive.is_some();
        if !is_limited {
            let error = reader.error(queue.span, "nothing would ever wait: there is no limit");
            error.help("write requests_max, connections_max or adaptive beside it");
        }
        rule(&queue.max, reader, |max| match max {
            0 => Err(Problem::new("nobody may wait").help("write 1 or more, or remove `queue`")),
            _ => Ok(()),
        });
        rule(&queue.timeout, reader, |timeout| match timeout.is_zero() {
            true => Err(Problem::new("a wait that takes no time").help("write timeout: 2s")),
            false => Ok(()),
        });
    }
    if let Some(adaptive) = &limits.adaptive {
        self::adaptive(adaptive, reader);
    }
}

fn adaptive(adaptive: &AdaptiveSpec, reader: &mut Reader<'_>) {
    rule(&adaptive.min, reader, |min| match min {
        0 => Err(Problem::new("nothing would ever pass").help("write min: 4")),
        _ => Ok(()),
    });
    let (min, max) = (&adaptive.min, &adaptive.max);
    if max.value < min.value {
        let at = if max.span == Span::NONE { min.span } else { max.span };
        let error = reader.error(at, "`max` is less than `min`");
        error.help(format!("write max: {}", min.value));
    }
    rule(&adaptive.tolerance, reader, |Percent(share)| match *share > 0.0 {
        true => Ok(()),
        false => Err(Problem::new("each answer would be too slow").help("write tolerance: 50%")),
    });
    rule(&adaptive.measure_every, reader, |every| match *every >= MEASURE_EVERY_MIN {
        true => Ok(()),
        false => {
            Err(Problem::new("it would do little but measure").help("write measure_every: 30s"))
        }
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
    if let Some(port) = &health.port {
        rule(port, reader, |port| match port {
            0 => Err(Problem::new("a port is from 1 to 65535").help("write port: 8081")),
            _ => Ok(()),
        });
    }
    of_path_alone(health, reader);
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

/// What says something of HTTP has a `path`.
fn of_path_alone(health: &HealthSpec, reader: &mut Reader<'_>) {
    let body = health.body.as_ref().map_or(Span::NONE, |body| body.span);
    let status = health.status.first().map_or(Span::NONE, |status| status.span);
    let headers = health.headers.iter().next().map_or(Span::NONE, |(name, _)| name.span);
    let written = [("method", health.method.span), ("body", body), ("status", status)];
    let of_http = [("headers", headers)].into_iter().filter(|_| health.grpc.is_none());
    for (name, span) in written.into_iter().chain(of_http).filter(|(_, span)| *span != Span::NONE) {
        if health.path.is_none() {
            let error = reader.error(span, format!("`{name}` without `path`"));
            error.help("add path: /healthz");
        }
    }
    if let (Some(body), HealthMethodSpec::Head) = (&health.body, health.method.value) {
        let error = reader.error(body.span, "the answer to HEAD has no body");
        error.related(health.method.span, "HEAD here").help("remove `method`");
    }
}

/// Shorter windows than this are finer than the looks at them.
const WINDOW_MIN: Duration = Duration::from_millis(500);
const WINDOW_MAX: Duration = Duration::from_secs(86_400);
/// A measurement takes some tenths of a second.
const MEASURE_EVERY_MIN: Duration = Duration::from_secs(5);
/// Shorter spans than this are finer than the clock of a worker.
const BREAKER_SPAN_MIN: Duration = Duration::from_millis(10);
const BREAKER_SPAN_MAX: Duration = Duration::from_secs(86_400);
