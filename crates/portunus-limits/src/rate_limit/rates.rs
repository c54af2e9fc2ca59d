//! The rates of a limit: written, or those of the plan of whoever asks.

use std::fmt;

use portunus_base::Rate;
use portunus_filter::BuildCx;
use portunus_identity::Plan;
use portunus_resilience::{Budget, Window};
use portunus_spec::{Span, Spanned};
use smallvec::SmallVec;

use super::{Algorithm, RateLimitFields};
use crate::written::{RatesSpec, differ};

/// The rates of a limit.
#[derive(Debug)]
pub(super) enum Rates {
    Written(Box<Budgets>),
    Plan,
}

/// The rates that hold for one request.
pub(super) type Budgets = SmallVec<[Budget; 4]>;

impl Rates {
    /// `None`, with diagnostics, where the rates make no sense.
    pub(super) fn build(spec: &RateLimitFields, cx: &mut BuildCx<'_, '_>) -> Option<Self> {
        let is_sliding = spec.algorithm.value == Algorithm::SlidingWindow;
        let burst = burst(spec, is_sliding, cx)?;
        let list = match &spec.rate {
            RatesSpec::Plan if is_sliding => {
                let message = "the rates of plans are not kept by sliding windows";
                cx.reader.error(spec.algorithm.span, message).help("leave `algorithm` out");
                return None;
            }
            RatesSpec::Plan => return Some(Self::Plan),
            RatesSpec::List(list) => list,
        };
        let budget = |rate: &Spanned<Rate>| budget(rate, burst, is_sliding, cx);
        let budgets: Vec<Option<Budget>> = list.iter().map(budget).collect();
        let budgets: Option<Budgets> = budgets.into_iter().collect();
        budgets.filter(|_| differ(list, cx)).map(|budgets| Self::Written(Box::new(budgets)))
    }

    /// The rates that hold; none where whoever asks has no plan.
    pub(super) fn of(&self, plan: Option<&Plan>) -> Budgets {
        let budget = |rate: &Rate| Budget::new(*rate, rate.count).ok();
        match self {
            Self::Written(budgets) => Budgets::clone(budgets),
            Self::Plan => {
                plan.into_iter().flat_map(|it| it.rates.iter()).filter_map(budget).collect()
            }
        }
    }

    pub(super) fn written(&self) -> &[Budget] {
        match self {
            Self::Written(budgets) => budgets,
            Self::Plan => &[],
        }
    }
}

fn budget(
    rate: &Spanned<Rate>,
    burst: Option<(Span, u64)>,
    is_sliding: bool,
    cx: &mut BuildCx<'_, '_>,
) -> Option<Budget> {
    let (span, burst) = burst.unwrap_or((rate.span, rate.value.count));
    let budget = Budget::new(rate.value, burst).map_err(|error| (span, error.to_string()));
    let fits = match Window::new(rate.value) {
        Err(error) if is_sliding => Err((rate.span, error.to_string())),
        _ => budget,
    };
    fits.map_err(|(span, message)| _ = cx.reader.error(span, message)).ok()
}

/// The burst that is written, and where. `None`, with diagnostics, where it makes no sense.
#[expect(clippy::option_option, reason = "no burst is not a mistake")]
fn burst(
    spec: &RateLimitFields,
    is_sliding: bool,
    cx: &mut BuildCx<'_, '_>,
) -> Option<Option<(Span, u64)>> {
    let Some(burst) = &spec.burst else { return Some(None) };
    let wrong = match &spec.rate {
        _ if is_sliding => "a sliding window has no burst",
        RatesSpec::Plan => "the rates of plans have no burst",
        RatesSpec::List(list) if list.len() > 1 => "a burst belongs to one rate",
        RatesSpec::List(_) => return Some(Some((burst.span, burst.value))),
    };
    cx.reader.error(burst.span, wrong).help("leave it out, or write two filters");
    None
}

impl fmt::Display for Rates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plan => f.write_str("plan"),
            Self::Written(budgets) => {
                budgets.iter().try_for_each(|it| write!(f, "{}+{};", it.rate(), it.burst()))
            }
        }
    }
}
