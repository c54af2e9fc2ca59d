//! `explain`: what would become of a request, and why. Nothing is sent.
//!
//! It drives the same decision and the same filters as the data path, over an exchange of its own. What only an
//! answer could tell is told as such: a filter that would wait for one is taken to let the request pass.

mod admit;
mod dry_run;
mod json;
mod show;
mod tls;
mod trace;

use std::net::IpAddr;
use std::time::Duration;

use portunus_balance::OutlierPlan;
use portunus_exchange::Scheme;
use portunus_resilience::{BreakerRule, GradientRule, Priority};
use portunus_snapshot::RetryPlan;
use portunus_upstream::QueuePlan;

pub use tls::TlsStory;

use crate::{Compiled, HealthPlan, Question};

/// What would become of a request, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The request.
    pub question: Question,
    /// Who the client is.
    pub client: Client,
    /// The listener: name and address. `None` where there is none of the name that was asked for.
    pub listener: Option<(String, String)>,
    /// What TLS does before the request; `None` where the listener does not speak it with this client.
    pub tls: Option<TlsStory>,
    /// The pattern of the host; `None` where no host fits.
    pub host: Option<String>,
    /// Hosts that fit but are not on the listener.
    pub hosts_elsewhere: Vec<String>,
    /// The route; `None` where no route fits.
    pub route: Option<ChosenRoute>,
    /// Routes whose path fits too.
    pub runners_up: Vec<RunnerUp>,
    /// The filters of the route, in order.
    pub filters: Vec<Step>,
    /// How it ends.
    pub end: End,
}

/// Who the client is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Client {
    /// The client's address.
    pub ip: IpAddr,
    /// Who is connected to us.
    pub peer: IpAddr,
    /// Whether the peer's word on the client counts.
    pub trusted: bool,
    /// The scheme that the client uses.
    pub scheme: Scheme,
}

/// The route that serves a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChosenRoute {
    /// Its name.
    pub name: String,
    /// Its path, as it stands under `routes`.
    pub path: String,
    /// What the named parts of the path matched.
    pub params: Vec<(String, String)>,
}

/// A route whose path fits too.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RunnerUp {
    /// Its name.
    pub route: String,
    /// Why it lost.
    pub reason: String,
}

/// A filter and what it does to the request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Step {
    /// The name of the filter.
    pub filter: String,
    /// What it answers.
    pub verdict: StepVerdict,
    /// What it says about it, one line each.
    pub notes: Vec<String>,
    /// What it changes, one line each.
    pub changes: Vec<String>,
}

/// What a filter answers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum StepVerdict {
    /// The request goes on.
    Continues,
    /// It would ask an upstream and wait. Here it is taken to let the request pass.
    Asks {
        /// The upstream.
        upstream: String,
        /// Method, path and query of its own request.
        call: String,
    },
    /// It would wait for something else than an upstream. Here it is taken to let the request pass.
    Waits,
    /// It answers by itself.
    Replies {
        /// The status.
        status: u16,
        /// The reason code, where there is one.
        reason: Option<String>,
    },
    /// It fails.
    Fails {
        /// How.
        error: String,
    },
    /// It only looks at answers, or at the end.
    LooksLater,
    /// An earlier filter has answered.
    NotReached,
}

/// How it ends.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// With an answer of our own.
    Answer(Answer),
    /// At an upstream.
    Forward(Box<Forward>),
}

/// An answer of our own. Headers that every answer has, such as `Date`, are left out.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The reason code, where there is one.
    pub reason: Option<String>,
    /// Why, in one sentence, where more is known than the code says.
    pub detail: Option<String>,
    /// Header fields.
    pub headers: Vec<(String, String)>,
}

/// A request on its way to an upstream.
#[derive(Clone, Debug, PartialEq)]
pub struct Forward {
    /// Where it may go; more than one where the route splits by weight.
    pub choices: Vec<Choice>,
    /// Method, path and query as the upstream gets them.
    pub request: String,
    /// Header fields as the upstream gets them.
    pub headers: Vec<(String, String)>,
    /// Where copies go, and which part of the requests.
    pub mirror: Option<(String, f64)>,
    /// When it is sent once more.
    pub retry: RetryPlan,
    /// Bound on the whole exchange.
    pub request_timeout: Option<Duration>,
}

/// An upstream that the request may go to.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// Its name.
    pub upstream: String,
    /// Which part of the requests, in parts of 1.0.
    pub share: f64,
    /// The balancing algorithm, as in `balance`.
    pub balance: String,
    /// The endpoints, or what they will be found by, one line each.
    pub endpoints: Vec<String>,
    /// Bound on connecting.
    pub connect_timeout: Duration,
    /// Bound on the wait for the head of the answer.
    pub first_byte_timeout: Duration,
    /// Bound on a pause within a body.
    pub idle_timeout: Duration,
    /// How its endpoints are checked.
    pub health: Option<HealthPlan>,
    /// How long an endpoint that is new or healthy again takes to get its full share.
    pub slow_start: Duration,
    /// When an endpoint gets no requests for what it did.
    pub outlier: Option<OutlierPlan>,
    /// When it gets no requests at all.
    pub breaker: Option<BreakerRule>,
    /// How much it gets at once, and what becomes of the rest.
    pub limits: ChoiceLimits,
    /// The cookie by which clients stay at their endpoint.
    pub sticky: Option<String>,
}

/// How much an upstream gets at once.
#[derive(Clone, Debug, PartialEq)]
pub struct ChoiceLimits {
    /// The most connections to one endpoint.
    pub connections_max: Option<u32>,
    /// The most requests at one endpoint.
    pub requests_max: Option<u32>,
    /// How a limit over all endpoints is found.
    pub adaptive: Option<GradientRule>,
    /// How many requests wait, and how long.
    pub queue: Option<QueuePlan>,
    /// The class of this request among those that wait.
    pub priority: Priority,
}

/// What would become of a request, and why.
#[must_use]
pub fn explain(compiled: &Compiled, question: &Question) -> Explanation {
    dry_run::run(compiled, question)
}

impl Explanation {
    /// As JSON, for programs.
    #[must_use]
    pub fn to_json(&self) -> String {
        json::write(self)
    }
}

#[cfg(test)]
mod tests;
