//! An explanation for programs.

use std::time::Duration;

use portunus_exchange::Scheme;
use serde_json::{Map, Value, json};

use super::show::priority;
use super::{Answer, Choice, ChoiceLimits, End, Explanation, Forward, Step, StepVerdict};

pub(super) fn write(explanation: &Explanation) -> String {
    let mut value = json!({
        "request": {
            "method": explanation.question.method,
            "url": url(explanation),
            "headers": pairs(&explanation.question.headers),
        },
        "client": {
            "ip": explanation.client.ip.to_string(),
            "peer": explanation.client.peer.to_string(),
            "trusted": explanation.client.trusted,
            "scheme": Scheme::text(explanation.client.scheme),
        },
        "listener": explanation.listener.as_ref().map(|(name, address)| json!({
            "name": name,
            "address": address,
        })),
        "tls": explanation.tls.as_ref().map(|tls| json!({
            "name": tls.name,
            "certificate": tls.certificate,
            "misdirected": tls.misdirected,
        })),
        "host": explanation.host,
        "hosts_elsewhere": explanation.hosts_elsewhere,
        "route": explanation.route.as_ref().map(|route| json!({
            "name": route.name,
            "path": route.path,
            "params": object(&route.params),
        })),
        "runners_up": explanation.runners_up.iter().map(|one| json!({
            "route": one.route,
            "reason": one.reason,
        })).collect::<Vec<_>>(),
        "filters": explanation.filters.iter().map(step).collect::<Vec<_>>(),
    });
    let (key, end) = match &explanation.end {
        End::Answer(answer) => ("answer", self::answer(answer)),
        End::Forward(forward) => ("forward", self::forward(forward)),
    };
    if let Value::Object(members) = &mut value {
        members.insert(key.to_owned(), end);
    }
    serde_json::to_string_pretty(&value).unwrap_or_default()
}

fn url(explanation: &Explanation) -> String {
    let whole = explanation.question.to_string();
    whole.split_once(' ').map_or_else(String::new, |(_, url)| url.to_owned())
}

fn step(step: &Step) -> Value {
    let (verdict, more) = match &step.verdict {
        StepVerdict::Continues => ("continues", json!({})),
        StepVerdict::Asks { upstream, call } => {
            ("asks", json!({"upstream": upstream, "call": call}))
        }
        StepVerdict::Waits => ("waits", json!({})),
        StepVerdict::Replies { status, reason } => {
            ("replies", json!({"status": status, "reason": reason}))
        }
        StepVerdict::Fails { error } => ("fails", json!({"error": error})),
        StepVerdict::LooksLater => ("looks_later", json!({})),
        StepVerdict::NotReached => ("not_reached", json!({})),
    };
    let mut value = json!({
        "filter": step.filter,
        "verdict": verdict,
        "notes": step.notes,
        "changes": step.changes,
    });
    if let (Value::Object(members), Value::Object(more)) = (&mut value, more) {
        members.extend(more);
    }
    value
}

fn answer(answer: &Answer) -> Value {
    json!({
        "status": answer.status,
        "reason": answer.reason,
        "detail": answer.detail,
        "headers": pairs(&answer.headers),
    })
}

fn forward(forward: &Forward) -> Value {
    let on = &forward.retry.on;
    json!({
        "upstreams": forward.choices.iter().map(choice).collect::<Vec<_>>(),
        "mirror": forward.mirror.as_ref().map(|(upstream, share)| json!({
            "upstream": upstream,
            "share": share,
        })),
        "request": forward.request,
        "headers": pairs(&forward.headers),
        "request_timeout_ms": forward.request_timeout.map(millis),
        "retry": {
            "attempts": forward.retry.attempts,
            "connect": on.connect,
            "reset": on.reset,
            "first_byte": on.first_byte,
            "statuses": on.statuses,
            "budget": forward.retry.budget,
            "backoff_ms": forward.retry.backoff.map(|backoff| {
                [millis(backoff.first), millis(backoff.longest)]
            }),
            "retry_after_max_ms": millis(forward.retry.retry_after_max),
            "hedge_after_ms": forward.retry.hedge_after.map(millis),
        },
    })
}

fn limits(limits: &ChoiceLimits) -> Value {
    json!({
        "connections_max": limits.connections_max,
        "requests_max": limits.requests_max,
        "adaptive": limits.adaptive.map(|rule| json!({
            "min": rule.min,
            "max": rule.max,
            "tolerance": rule.tolerance,
            "measure_every_ms": millis(rule.measure_every),
        })),
        "queue": limits.queue.map(|queue| json!({
            "max": queue.max,
            "timeout_ms": millis(queue.timeout),
            "priority": priority(limits.priority),
        })),
    })
}

fn choice(choice: &Choice) -> Value {
    json!({
        "name": choice.upstream,
        "share": choice.share,
        "balance": choice.balance,
        "endpoints": choice.endpoints,
        "connect_timeout_ms": millis(choice.connect_timeout),
        "first_byte_timeout_ms": millis(choice.first_byte_timeout),
        "idle_timeout_ms": millis(choice.idle_timeout),
        "health": choice.health.as_ref().map(|health| json!({
            "check": health.to_string(),
            "every_ms": millis(health.every),
            "timeout_ms": millis(health.timeout),
            "slow_start_ms": millis(choice.slow_start),
        })),
        "outlier": choice.outlier.as_ref().map(|plan| json!({
            "consecutive_5xx": plan.consecutive_5xx,
            "consecutive_failures": plan.consecutive_failures,
            "eject_for_ms": millis(plan.eject_for),
            "eject_for_max_ms": millis(plan.eject_for_max),
            "max_ejected": plan.max_ejected,
            "panic": plan.panic,
            "window": plan.window.as_ref().map(|window| json!({
                "over_ms": millis(window.over),
                "min_requests": window.min_requests,
                "error_rate": window.error_rate,
                "success_rate_stdev": window.success_rate_stdev,
                "slower_than": window.slower_than,
            })),
        })),
        "limits": limits(&choice.limits),
        "breaker": choice.breaker.as_ref().map(|rule| json!({
            "error_rate": rule.error_rate,
            "over_ms": millis(rule.over),
            "open_for_ms": millis(rule.open_for),
            "min_requests": rule.min_requests,
            "probes": rule.probes,
        })),
        "sticky": choice.sticky,
    })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Header fields keep their order and repeats.
fn pairs(pairs: &[(String, String)]) -> Value {
    pairs.iter().map(|(name, value)| json!([name, value])).collect()
}

fn object(pairs: &[(String, String)]) -> Value {
    let members = pairs.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
    Value::Object(members.collect::<Map<_, _>>())
}
