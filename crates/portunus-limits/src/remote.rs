//! The shared store of a limit: what is asked of Redis, and what happens where it does not answer.

use std::sync::Arc;

use portunus_base::Rate;
use portunus_filter::{BuildCx, FilterCx, RedisPlan};
use portunus_redis::{Answer, RedisOptions, Shared, SharedError};
use portunus_resilience::Admission;
use portunus_spec::{Spanned, spec_enum};
use portunus_telemetry::DecisionId;
use smallvec::SmallVec;

use crate::answer::Outcome;
use crate::key::process_seed;
use crate::meter::{Ask, Asked};

spec_enum! {
    /// Where is counted.
    pub(crate) enum StoreChoice {
        /// In this process, by all of its workers together.
        Local = "local",
        /// In the Redis of `stores.redis`, by all nodes together.
        Redis = "redis",
    }
}

spec_enum! {
    /// What happens where the shared store does not answer.
    pub(crate) enum FailChoice {
        /// The request passes.
        Open = "open",
        /// The request is answered with 503.
        Closed = "closed",
        /// The request is counted in this process for as long.
        Local = "local",
    }
}

/// The shared store of one limit.
pub(crate) struct Remote {
    pub(crate) redis: Arc<Shared>,
    /// The name of the limit, in all keys.
    name: Box<str>,
    fail: FailChoice,
    failed_open: DecisionId,
    failed_closed: DecisionId,
}

impl Remote {
    /// The store that is chosen: `Some(None)` is this process. `None`, with diagnostics, where there is none.
    #[expect(clippy::option_option, reason = "to count in this process is not a mistake")]
    pub(crate) fn build(
        store: &Spanned<StoreChoice>,
        fail: FailChoice,
        name: String,
        cx: &mut BuildCx<'_, '_>,
    ) -> Option<Option<Self>> {
        if store.value == StoreChoice::Local {
            return Some(None);
        }
        let Some(plan) = &cx.stores.redis else {
            let error = cx.reader.error(store.span, "there is no `stores.redis`");
            error.help("write `stores: {redis: {url: redis://127.0.0.1:6379}}` at the top level");
            return None;
        };
        let redis = match connect(plan, cx) {
            Ok(redis) => redis,
            Err(message) => {
                cx.reader.error(store.span, format!("`stores.redis` cannot be used: {message}"));
                return None;
            }
        };
        let (failed_open, failed_closed) =
            (cx.decision("failed_open"), cx.decision("failed_closed"));
        Some(Some(Self { redis, name: name.into(), fail, failed_open, failed_closed }))
    }

    /// Whether this process counts while the store is away.
    pub(crate) fn falls_back(&self) -> bool {
        self.fail == FailChoice::Local
    }

    /// The key of whoever asks, among all limits.
    pub(crate) fn key(&self, ask: &Ask<'_>) -> SmallVec<[u8; 128]> {
        let mut key = SmallVec::from_slice(self.name.as_bytes());
        key.push(0);
        key.extend_from_slice(ask.parts);
        key
    }

    /// What to do where the store does not answer and this process does not count.
    pub(crate) fn failed(&self, cx: &FilterCx<'_>) -> Asked {
        match self.fail {
            FailChoice::Closed => {
                cx.count(self.failed_closed);
                Asked::Closed
            }
            FailChoice::Open | FailChoice::Local => {
                cx.count(self.failed_open);
                Asked::Free
            }
        }
    }
}

/// The Redis of a plan: one for all limits, and over reloads.
fn connect(plan: &RedisPlan, cx: &BuildCx<'_, '_>) -> Result<Arc<Shared>, String> {
    let mut options = RedisOptions::new(plan.url.expose());
    options.timeout = plan.timeout;
    options.ca_pem = plan.ca_pem.as_deref().map(|pem| pem.as_bytes().to_vec());
    let shared = Shared::new(&options).map_err(|error| error.to_string())?;
    // The text holds a secret, so the state's name is its hash.
    let text = format!("{} {:?} {:?}", plan.url.expose(), plan.ca_pem, plan.timeout);
    let name = format!("redis {:x}", process_seed().hash(text.as_bytes()));
    Ok(cx.state(&name, || shared))
}

/// What the store is asked for, as a wait. `least` is what must be left where it only looks.
pub(crate) fn later(
    asked: Result<portunus_redis::Ask, SharedError>,
    rates: SmallVec<[Rate; 4]>,
    least: u64,
) -> Asked {
    match asked {
        Err(_) => Asked::Failed,
        Ok(ask) => Asked::Later(Box::pin(async move {
            ask.await.ok().map(|answer| outcome(&answer, &rates, least))
        })),
    }
}

/// What an answer says of these rates.
pub(crate) fn outcome(answer: &Answer, rates: &[Rate], least: u64) -> Outcome {
    let admission = |it: &portunus_redis::Admission| Admission {
        allowed: it.allowed && it.remaining >= least,
        remaining: it.remaining,
        retry_after_us: it.retry_after_us,
        reset_us: it.reset_us,
    };
    Outcome::of_all(rates.iter().copied().zip(answer.each.iter().map(admission)).collect())
}

/// Sees a charge through: nobody waits for it, and one that fails is lost.
pub(crate) fn forget(asked: Result<portunus_redis::Ask, SharedError>) {
    if let Ok(ask) = asked {
        tokio::task::spawn_local(ask);
    }
}

/// A cost as the store counts it.
pub(crate) fn narrow(cost: u64) -> u32 {
    u32::try_from(cost).unwrap_or(u32::MAX)
}
