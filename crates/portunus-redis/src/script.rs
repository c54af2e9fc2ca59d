//! The question to Redis and its answer.

use portunus_base::Wall;
use redis::{Cmd, Pipeline, Script, Value};
use smallvec::SmallVec;

use crate::digest::Digest;
use crate::quota::SharedQuota;

/// What became of a request under one rate.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Admission {
    /// This rate would let it pass.
    pub allowed: bool,
    /// How much may still come at once.
    pub remaining: u64,
    /// Microseconds until as much as was asked for may pass; 0 when it may now.
    pub retry_after_us: u64,
    /// Microseconds until the budget is whole again.
    pub reset_us: u64,
}

/// What became of a request under all rates of its quota.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Answer {
    /// All rates let it pass, and its cost is taken. Otherwise nothing is.
    pub allowed: bool,
    /// The rates, in the order of the quota.
    pub each: SmallVec<[Admission; RATES]>,
    /// Tokens that were taken; more than were needed where a lease asked.
    pub(crate) taken: u32,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Take {
    /// As much is needed.
    pub(crate) need: u32,
    /// As much is welcome.
    pub(crate) want: u32,
    /// It is taken whether it is there or not.
    pub(crate) force: bool,
    /// Tokens that come back unused.
    pub(crate) back: u32,
    /// Microseconds since those were taken.
    pub(crate) back_age_us: u64,
}

impl Answer {
    /// The rate that a client hits next, as one admission: the longest wait, else the fewest left.
    #[must_use]
    pub fn tightest(&self) -> Admission {
        let tight = |rate: &&Admission| (u64::MAX - rate.retry_after_us, rate.remaining);
        let found = self.each.iter().min_by_key(tight).copied().unwrap_or_default();
        Admission { allowed: self.allowed, ..found }
    }

    fn read(need: u32, value: &Value) -> Option<Self> {
        let Value::Array(values) = value else { return None };
        let mut numbers = values.iter().map(|value| match value {
            Value::Int(number) => u64::try_from(*number).ok(),
            _ => None,
        });
        let mut next = || numbers.next()?;
        let taken = narrow(next()?);
        let mut each = SmallVec::new();
        while let Some(gives) = next() {
            each.push(Admission {
                allowed: gives >= u64::from(need),
                remaining: next()?,
                retry_after_us: next()?,
                reset_us: next()?,
            });
        }
        let allowed = taken >= need;
        Some(Self { allowed, each, taken })
    }
}

fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A day, a month or another span of time that ends by the calendar, with what may be used in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SharedSpan {
    /// What kind of span it is, in the key: `day`, `month`.
    pub period: &'static str,
    /// What may be used.
    pub limit: u64,
    /// When it began.
    pub start: Wall,
    /// How long it goes on, in microseconds.
    pub left_us: u64,
}

/// One question, ready to be sent.
pub(crate) struct Question {
    /// The command but for the script: keys and arguments.
    arguments: Vec<Argument>,
    script: Which,
    need: u32,
}

/// Which script answers.
#[derive(Clone, Copy)]
enum Which {
    Gcra,
    Count,
}

enum Argument {
    Number(u64),
    Key(String),
}

impl Question {
    /// Asks for tokens of `quota`.
    pub(crate) fn rates(key: Digest, quota: &SharedQuota, take: Take) -> Self {
        let Take { need, want, force, back, back_age_us } = take;
        let mut question = Self { arguments: Vec::new(), script: Which::Gcra, need };
        question.keys([key.redis_key()].into_iter());
        let want = want.max(need);
        question.numbers([need, want, u32::from(force), back].map(u64::from));
        question.numbers([back_age_us.min(AGE_MAX_US)]);
        for rate in quota.rates() {
            question.numbers([rate.cost, rate.heal, rate.room]);
        }
        question
    }

    /// Asks for room in `spans`.
    pub(crate) fn spans(key: Digest, spans: &[SharedSpan], take: Take) -> Self {
        let Take { need, force, back, .. } = take;
        let mut question = Self { arguments: Vec::new(), script: Which::Count, need };
        question.keys(spans.iter().map(|span| {
            // A day and a month may begin together.
            let start_s = span.start.0 / 1_000_000;
            format!("{}:{}:{start_s}", key.redis_key(), span.period)
        }));
        question.numbers([need, u32::from(force), back].map(u64::from));
        for span in spans {
            question.numbers([span.limit.min(COUNT_MAX), span.left_us.div_ceil(1000)]);
        }
        question
    }

    /// By the script's digest: Redis knows the script, or says that it does not.
    pub(crate) fn by_digest(&self, scripts: &Scripts) -> Cmd {
        self.with(redis::cmd("EVALSHA").arg(scripts.of(self.script).get_hash()))
    }

    /// With the script itself, which Redis keeps from then on.
    pub(crate) fn whole(&self) -> Cmd {
        self.with(redis::cmd("EVAL").arg(self.script.source()))
    }

    pub(crate) fn read(&self, value: &Value) -> Option<Answer> {
        Answer::read(self.need, value)
    }

    fn keys(&mut self, keys: impl ExactSizeIterator<Item = String>) {
        self.arguments.push(Argument::Number(keys.len() as u64));
        self.arguments.extend(keys.map(Argument::Key));
    }

    fn numbers<const N: usize>(&mut self, numbers: [u64; N]) {
        self.arguments.extend(numbers.map(Argument::Number));
    }

    fn with(&self, cmd: &mut Cmd) -> Cmd {
        for argument in &self.arguments {
            match argument {
                Argument::Number(number) => cmd.arg(number),
                Argument::Key(key) => cmd.arg(key),
            };
        }
        std::mem::take(cmd)
    }
}

/// What decides, in Redis.
pub(crate) struct Scripts {
    gcra: Script,
    count: Script,
}

impl Scripts {
    pub(crate) fn new() -> Self {
        let script = |which: Which| Script::new(which.source());
        Self { gcra: script(Which::Gcra), count: script(Which::Count) }
    }

    fn of(&self, which: Which) -> &Script {
        match which {
            Which::Gcra => &self.gcra,
            Which::Count => &self.count,
        }
    }

    /// Makes Redis know them.
    pub(crate) fn load(&self, pipeline: &mut Pipeline) {
        for which in [Which::Gcra, Which::Count] {
            pipeline.cmd("SCRIPT").arg("LOAD").arg(which.source()).ignore();
        }
    }
}

impl Which {
    fn source(self) -> &'static str {
        match self {
            Self::Gcra => include_str!("gcra.lua"),
            Self::Count => include_str!("count.lua"),
        }
    }
}

/// What Lua's numbers keep exactly, with some to spare.
const COUNT_MAX: u64 = 1 << 52;
/// Rates that need no allocation.
pub(crate) const RATES: usize = 4;
/// A day. What was taken longer ago counts as from then.
const AGE_MAX_US: u64 = 86_400_000_000;
