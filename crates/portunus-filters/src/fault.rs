//! `fault`: delays and aborts some of the requests, so that users can test what their clients make of it.

use std::sync::Arc;
use std::time::Duration;

use portunus_base::{Percent, format_duration};
use portunus_exchange::{Exchange, Phase, PhaseSet, Reply};
use portunus_expression::Expression;
use portunus_filter::{
    Again, BuildCx, Buildable, Filter, FilterCx, FilterReason, Interest, Patch, Resume, Verdict,
};
use portunus_spec::{Problem, Spanned, check, spec};
use portunus_telemetry::DecisionId;

use crate::condition::condition;

spec! {
    /// Delays and aborts some of the requests, for tests of what is on either side. A request may be both delayed and
    /// aborted then.
    pub struct FaultSpec {
        /// Holds requests up before they go on.
        delay: Option<DelaySpec>,
        /// Answers requests with an error.
        abort: Option<AbortSpec>,
        /// An expression in CEL: other requests are let be. `request.headers["x-fault"] == "on"`.
        when: Option<Spanned<String>>,
    }
}

spec! {
    /// Holds requests up.
    pub struct DelaySpec {
        short = time;
        /// For how long.
        time: Spanned<Duration>,
        /// How many of the requests.
        share: Percent = Percent(1.0),
    }
}

spec! {
    /// Answers requests with an error.
    pub struct AbortSpec {
        short = status;
        /// Status of the answer.
        status: Spanned<u16>,
        /// How many of the requests.
        share: Percent = Percent(1.0),
    }
}

impl Buildable for FaultSpec {
    const NAME: &'static str = "fault";
    const DOC: &'static str = "Delays and aborts some of the requests, for tests.";
    const REASONS: &'static [FilterReason] =
        &[FilterReason::new(REASON, 0, "A `fault` aborted the request, as it was told to.")];

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        if self.delay.is_none() && self.abort.is_none() {
            let error = cx.reader.error(cx.span, "`fault` does nothing");
            error.help("write `delay: 100ms`, or `abort: {status: 503, share: 1%}`");
            return None;
        }
        let short = self.delay.as_ref().is_none_or(|delay| {
            check(&delay.time, cx.reader, |time| match *time <= DELAY_MAX {
                true => Ok(()),
                false => Err(Problem::new("longer than a request may be held up")
                    .help(format!("write at most {}", format_duration(DELAY_MAX)))),
            })
        });
        let error = self.abort.as_ref().is_none_or(|abort| {
            check(&abort.status, cx.reader, |status| match status {
                400..=599 => Ok(()),
                _ => Err(Problem::new("not an error").help("write a status from 400 to 599")),
            })
        });
        let when = match self.when.as_ref().map(|text| condition(text, cx)) {
            Some(compiled) => Some(compiled?),
            None => None,
        };
        let fault = Fault {
            delay: self.delay.map(|delay| (delay.time.value, delay.share.0)),
            abort: self.abort.map(|abort| (abort.status.value, abort.share.0)),
            when,
            delayed: cx.decision("delayed"),
            aborted: cx.decision("aborted"),
        };
        (short && error).then(|| Arc::new(fault) as Arc<dyn Filter>)
    }
}

struct Fault {
    /// How long, and for which share of the requests.
    delay: Option<(Duration, f64)>,
    /// With which status, and for which share of the requests.
    abort: Option<(u16, f64)>,
    when: Option<Expression>,
    delayed: DecisionId,
    aborted: DecisionId,
}

impl Filter for Fault {
    fn interest(&self) -> Interest {
        Interest { phases: PhaseSet::NONE.with(Phase::Request), ..Interest::default() }
    }

    fn on_request(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        // What has no value is not true.
        let meant =
            self.when.as_ref().is_none_or(|when| when.eval_bool(exchange, cx.wall) == Ok(true));
        if cx.offline {
            self.tell(meant, cx);
            return Verdict::Continue;
        }
        match self.delay {
            Some((time, share)) if meant && cx.rng.chance(share) => {
                cx.count(self.delayed);
                Verdict::Suspend(Box::pin(async move {
                    tokio::time::sleep(time).await;
                    Resume::Again(Patch::default(), Again::default())
                }))
            }
            _ if meant => self.abort(cx),
            _ => Verdict::Continue,
        }
    }

    fn on_again(&self, _exchange: &mut Exchange, _: Again, cx: &mut FilterCx<'_>) -> Verdict {
        self.abort(cx)
    }
}

impl Fault {
    fn abort(&self, cx: &mut FilterCx<'_>) -> Verdict {
        match self.abort {
            Some((status, share)) if cx.rng.chance(share) => {
                cx.count(self.aborted);
                let reply = Reply::problem(status, REASON);
                Verdict::reply(reply.with_detail("This error is made on purpose, for tests."))
            }
            _ => Verdict::Continue,
        }
    }

    /// Tells `explain` what may happen; chance decides for each request.
    fn tell(&self, meant: bool, cx: &mut FilterCx<'_>) {
        if !meant {
            return cx.note(|| "when: false".to_owned());
        }
        if let Some((time, share)) = self.delay {
            cx.note(|| {
                format!("delays {} of requests by {}", Percent(share), format_duration(time))
            });
        }
        if let Some((status, share)) = self.abort {
            cx.note(|| format!("answers {} of requests with {status}", Percent(share)));
        }
    }
}

const REASON: &str = "fault.abort";
/// The longest delay.
const DELAY_MAX: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests;
