//! Rates that all nodes keep together, in Redis.

use std::borrow::Cow;

use portunus_base::Rate;
use portunus_filter::{BuildCx, FilterCx, SlotId};
use portunus_redis::{Leased, Leases, SharedQuota};
use portunus_resilience::Budget;
use portunus_spec::Spanned;
use smallvec::SmallVec;

use super::rates::Rates;
use super::{Algorithm, ModeChoice, RateLimitFields};
use crate::meter::{Ask, Asked};
use crate::remote::{Remote, StoreChoice, forget, later, narrow, outcome};

/// Rates that all nodes keep together.
pub(super) struct RemoteRates {
    remote: Remote,
    /// The rates that are written; those of plans are made for each request.
    written: Option<SharedQuota>,
    /// What this worker has taken ahead, where it does.
    leases: Option<SlotId>,
    batch: Option<u32>,
}

impl RemoteRates {
    /// `Some(None)` where this process counts. `None`, with diagnostics, where the settings make no sense.
    #[expect(clippy::option_option, reason = "to count in this process is not a mistake")]
    pub(super) fn build(
        spec: &RateLimitFields,
        rates: Option<&Rates>,
        name: String,
        cx: &mut BuildCx<'_, '_>,
    ) -> Option<Option<Self>> {
        let is_sliding = spec.algorithm.value == Algorithm::SlidingWindow;
        if spec.store.value == StoreChoice::Redis && is_sliding {
            let error = cx.reader.error(spec.algorithm.span, "Redis keeps no sliding windows");
            error.help("leave `algorithm` out");
            return None;
        }
        let batch = spec.batch.as_ref().map(|batch| batch.value);
        let Some(remote) = Remote::build(&spec.store, spec.fail, name, cx)? else {
            return local(spec, cx).then_some(None);
        };
        let written = match rates?.written() {
            [] => None,
            budgets => match quota(budgets, batch) {
                Some(quota) => Some(quota),
                None => {
                    cx.reader.error(spec.store.span, "these rates cannot be kept in Redis");
                    return None;
                }
            },
        };
        let leases = (spec.mode == ModeChoice::Batch).then(|| cx.slot());
        Some(Some(Self { remote, written, leases, batch }))
    }

    pub(super) fn falls_back(&self) -> bool {
        self.remote.falls_back()
    }

    pub(super) fn failed(&self, cx: &FilterCx<'_>) -> Asked {
        self.remote.failed(cx)
    }

    pub(super) fn admit(&self, budgets: &[Budget], ask: &Ask<'_>, cx: &mut FilterCx<'_>) -> Asked {
        let Some(quota) = self.quota(budgets) else { return Asked::Failed };
        let (key, cost) = (self.key(budgets, ask), narrow(ask.cost));
        let rates = budgets.iter().map(Budget::rate).collect();
        let Some(slot) = self.leases else {
            return later(self.remote.redis.admit(&quota, &key, cost), rates, 0);
        };
        let leases = cx.local::<Leases>(slot);
        match leases.try_admit(&self.remote.redis, &quota, &key, cost, ask.now) {
            Leased::Local(answer) => Asked::Now(outcome(&answer, &rates, 0)),
            Leased::Ask(wait) => later(Ok(wait), rates, 0),
            Leased::Failed(_) => Asked::Failed,
        }
    }

    pub(super) fn peek(&self, budgets: &[Budget], ask: &Ask<'_>, cx: &mut FilterCx<'_>) -> Asked {
        if cx.offline {
            cx.note(|| "Redis is not asked".to_owned());
            return Asked::Free;
        }
        let Some(quota) = self.quota(budgets) else { return Asked::Failed };
        let rates = budgets.iter().map(Budget::rate).collect();
        later(self.remote.redis.admit(&quota, &self.key(budgets, ask), 0), rates, ask.cost)
    }

    pub(super) fn charge(&self, budgets: &[Budget], ask: &Ask<'_>) {
        if let Some(quota) = self.quota(budgets) {
            forget(self.remote.redis.charge(&quota, &self.key(budgets, ask), narrow(ask.cost)));
        }
    }

    /// The key of whoever asks. Debts are counted in parts that depend on the rate: those of a plan are in the key, as
    /// written ones are in the name of the limit.
    fn key(&self, budgets: &[Budget], ask: &Ask<'_>) -> SmallVec<[u8; 128]> {
        let mut key = self.remote.key(ask);
        if self.written.is_none() {
            for budget in budgets {
                let Rate { count, window } = budget.rate();
                for number in [count, window.as_secs(), budget.burst()] {
                    key.extend_from_slice(&number.to_le_bytes());
                }
            }
        }
        key
    }

    fn quota(&self, budgets: &[Budget]) -> Option<Cow<'_, SharedQuota>> {
        match &self.written {
            Some(quota) => Some(Cow::Borrowed(quota)),
            None => quota(budgets, self.batch).map(Cow::Owned),
        }
    }
}

fn quota(budgets: &[Budget], batch: Option<u32>) -> Option<SharedQuota> {
    let micros = |budget: &Budget| u64::try_from(budget.rate().window.as_micros()).ok();
    let rate = |it: &Budget| Some((it.rate().count, micros(it)?, it.burst()));
    let rates: Option<Vec<_>> = budgets.iter().map(rate).collect();
    let quota = SharedQuota::new(&rates?).ok()?;
    Some(match batch {
        Some(batch) => quota.with_batch(batch),
        None => quota,
    })
}

/// Where this process counts, nothing may be said of Redis.
fn local(spec: &RateLimitFields, cx: &mut BuildCx<'_, '_>) -> bool {
    let batch = spec.batch.as_ref().map(|batch: &Spanned<u32>| batch.span);
    if let Some(span) = batch {
        cx.reader.error(span, "`batch` is for `store: redis`").help("leave it out");
    }
    batch.is_none()
}
