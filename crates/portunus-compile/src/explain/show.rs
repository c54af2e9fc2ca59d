//! An explanation for people: one topic a line, its words aligned.

use std::fmt;
use std::time::Duration;

use portunus_balance::OutlierPlan;
use portunus_base::{Percent, format_duration};
use portunus_resilience::{BackoffRule, BreakerRule, GradientRule, Priority};
use portunus_snapshot::RetryPlan;
use portunus_upstream::QueuePlan;

use crate::HealthPlan;

use super::{
    Answer, Choice, ChoiceLimits, Client, End, Explanation, Forward, Step, StepVerdict, TlsStory,
};

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.question)?;
        topic(f, "client", [client(&self.client)])?;
        topic(f, "listener", [self.listener_text()])?;
        topic(f, "tls", self.tls.iter().map(tls))?;
        topic(f, "host", self.host_text())?;
        if let Some(route) = &self.route {
            let params = route.params.iter().map(|(name, value)| format!("{name} = {value}"));
            topic(f, "route", std::iter::once(route.name.clone()).chain(params))?;
        } else if self.listener.is_some() {
            topic(f, "route", ["none".to_owned()])?;
        }
        let lost = self.runners_up.iter().map(|one| format!("{}: {}", one.route, one.reason));
        topic(f, "not", lost)?;
        topic(f, "filters", steps(&self.filters))?;
        match &self.end {
            End::Answer(answer) => topic(f, "answer", self::answer(answer)),
            End::Forward(forward) => self::forward(f, forward),
        }
    }
}

impl Explanation {
    fn listener_text(&self) -> String {
        match (&self.listener, &self.question.listener) {
            (Some((name, address)), _) => format!("{name} ({address})"),
            (None, Some(name)) => format!("there is none named {name}"),
            (None, None) => "none".to_owned(),
        }
    }

    fn host_text(&self) -> Vec<String> {
        let elsewhere = self.hosts_elsewhere.iter();
        let elsewhere = elsewhere.map(|host| format!("{host} is not on this listener"));
        let none = self.listener.as_ref().map(|_| "none fits".to_owned());
        self.host.clone().or(none).into_iter().chain(elsewhere).collect()
    }
}

/// Lines under one word; nothing without lines.
fn topic(
    f: &mut fmt::Formatter<'_>,
    word: &str,
    lines: impl IntoIterator<Item = String>,
) -> fmt::Result {
    let mut word = word;
    for line in lines {
        writeln!(f, "{word:<WIDTH$}{line}")?;
        word = "";
    }
    Ok(())
}

fn tls(story: &TlsStory) -> String {
    let TlsStory { name, certificate, .. } = story;
    match name {
        Some(name) => format!("asks for {name}, gets {certificate}"),
        None => format!("asks for no name, gets {certificate}"),
    }
}

fn client(client: &Client) -> String {
    let Client { ip, peer, trusted, scheme } = client;
    match (trusted, ip == peer) {
        (true, true) => format!("{ip} by {}, a trusted proxy itself", scheme.text()),
        (true, false) => format!("{ip} by {}, as the trusted peer {peer} says", scheme.text()),
        (false, _) => format!("{ip} by {}", scheme.text()),
    }
}

fn steps(steps: &[Step]) -> Vec<String> {
    let width = steps.iter().map(|step| step.filter.len()).max().unwrap_or(0) + 2;
    let mut lines = Vec::new();
    for step in steps {
        let text = match &step.verdict {
            StepVerdict::Continues => "continues".to_owned(),
            StepVerdict::Asks { upstream, call } => {
                format!("would ask {upstream}: {call}; taken to let it pass")
            }
            StepVerdict::Waits => "would wait; taken to let it pass".to_owned(),
            StepVerdict::Replies { status, reason } => {
                let reason = reason.as_ref().map(|reason| format!(", {reason}"));
                format!("answers {status}{}", reason.unwrap_or_default())
            }
            StepVerdict::Fails { error } => format!("fails: {error}"),
            StepVerdict::LooksLater => "looks at the answer only".to_owned(),
            StepVerdict::NotReached => "is not reached".to_owned(),
        };
        lines.push(format!("{:<width$}{text}", step.filter));
        lines.extend(step.notes.iter().map(|note| format!("{:<width$}{note}", "")));
        lines.extend(step.changes.iter().map(|change| format!("{:<width$}{change}", "")));
    }
    lines
}

fn answer(answer: &Answer) -> Vec<String> {
    let mut lines = Vec::new();
    if answer.status > 0 {
        let reason = answer.reason.as_ref().map(|reason| format!(", {reason}"));
        lines.push(format!("{}{}", answer.status, reason.unwrap_or_default()));
    }
    lines.extend(answer.detail.clone());
    lines.extend(answer.headers.iter().map(|(name, value)| format!("{name}: {value}")));
    lines
}

fn forward(f: &mut fmt::Formatter<'_>, forward: &Forward) -> fmt::Result {
    let single = forward.choices.len() == 1;
    for choice in &forward.choices {
        let share = if single { String::new() } else { format!("{} to ", Percent(choice.share)) };
        let first = format!("{share}{}, {}", choice.upstream, choice.balance);
        topic(f, "upstream", std::iter::once(first).chain(choice.endpoints.iter().cloned()))?;
        topic(f, "", [timeouts(choice)])?;
        topic(f, "", choice.health.iter().map(|health| checks(health, choice.slow_start)))?;
        topic(f, "", choice.outlier.iter().map(outlier))?;
        topic(f, "", choice.breaker.iter().map(breaker))?;
        topic(f, "", limits(&choice.limits))?;
        let stays = choice.sticky.iter();
        topic(f, "", stays.map(|name| format!("sticky: a client stays by its cookie `{name}`")))?;
    }
    let mirror = forward.mirror.as_ref();
    topic(f, "mirror", mirror.map(|(name, share)| format!("{} to {name}", Percent(*share))))?;
    let limit = forward.request_timeout.map(format_duration);
    topic(f, "within", limit)?;
    topic(f, "retries", std::iter::once(retries(&forward.retry)).chain(hedge(&forward.retry)))?;
    let headers = forward.headers.iter().map(|(name, value)| format!("{name}: {value}"));
    topic(f, "sends", std::iter::once(forward.request.clone()).chain(headers))
}

fn timeouts(choice: &Choice) -> String {
    let [connect, first_byte, idle] =
        [choice.connect_timeout, choice.first_byte_timeout, choice.idle_timeout]
            .map(format_duration);
    format!("timeouts: connect {connect}, first_byte {first_byte}, idle {idle}")
}

fn checks(health: &HealthPlan, slow_start: Duration) -> String {
    match slow_start.is_zero() {
        true => format!("health: {health}"),
        false => format!("health: {health}, slowly within {}", format_duration(slow_start)),
    }
}

fn outlier(plan: &OutlierPlan) -> String {
    let in_a_row = |count: u32, what: &str| (count > 0).then(|| format!("{count} {what} in a row"));
    let mut causes = Vec::new();
    causes.extend(in_a_row(plan.consecutive_5xx, "answers from 500 on"));
    causes.extend(in_a_row(plan.consecutive_failures, "failures"));
    if let Some(window) = &plan.window {
        let over = format_duration(window.over);
        causes.extend(window.error_rate.map(|share| format!("{} bad in {over}", Percent(share))));
        let deviations = window.success_rate_stdev;
        causes.extend(
            deviations
                .map(|count| format!("{count} deviations below the mean success rate in {over}")),
        );
        causes.extend(
            window.slower_than.map(|times| format!("{times}x the others' latency in {over}")),
        );
    }
    let (eject_for, most) = (format_duration(plan.eject_for), Percent(plan.max_ejected));
    format!(
        "outlier: an endpoint is out for {eject_for} after {}; {most} at most",
        causes.join(", ")
    )
}

fn limits(limits: &ChoiceLimits) -> Vec<String> {
    let requests = limits.requests_max.map(|max| format!("{max} requests to an endpoint"));
    let connections = limits.connections_max.map(|max| format!("{max} connections to an endpoint"));
    let adaptive = limits.adaptive.map(|GradientRule { min, max, .. }| {
        format!("{min} to {max} requests in all, as answers get slower")
    });
    let bounds: Vec<_> = [requests, connections, adaptive].into_iter().flatten().collect();
    let bounds = (!bounds.is_empty()).then(|| format!("limits: {}", bounds.join(", ")));
    let queue = limits.queue.map(|QueuePlan { max, timeout }| {
        let class = priority(limits.priority);
        format!(
            "queue: {max} wait up to {}, this one with priority {class}",
            format_duration(timeout)
        )
    });
    bounds.into_iter().chain(queue).collect()
}

/// The word of a class of requests.
pub(super) fn priority(priority: Priority) -> &'static str {
    match priority {
        Priority::High => "high",
        Priority::Normal => "normal",
        Priority::Low => "low",
    }
}

fn breaker(rule: &BreakerRule) -> String {
    let BreakerRule { error_rate, over, open_for, min_requests, .. } = rule;
    let (over, open_for) = (format_duration(*over), format_duration(*open_for));
    let share = Percent(*error_rate);
    format!("breaker: nothing for {open_for} when {share} of {min_requests} or more fail in {over}")
}

fn hedge(retry: &RetryPlan) -> Option<String> {
    let after = format_duration(retry.hedge_after?);
    Some(format!("a second endpoint is asked too when the first has not answered after {after}"))
}

fn retries(retry: &RetryPlan) -> String {
    let on = &retry.on;
    let words = [(on.connect, "connect"), (on.reset, "reset"), (on.first_byte, "first_byte")];
    let words = words.iter().filter(|(is_on, _)| *is_on).map(|(_, word)| (*word).to_owned());
    let words: Vec<String> = words.chain(on.statuses.iter().map(ToString::to_string)).collect();
    if retry.attempts == 0 || words.is_empty() {
        return "none".to_owned();
    }
    let budget = Percent(retry.budget);
    let wait = retry.backoff.map(|BackoffRule { first, longest }| {
        format!(", {} .. {} later", format_duration(first), format_duration(longest))
    });
    let (words, wait) = (words.join(", "), wait.unwrap_or_default());
    format!("{} after {words}{wait}; at most {budget} of all requests", retry.attempts)
}

/// Where the second column starts.
const WIDTH: usize = 10;
