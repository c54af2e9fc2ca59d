//! One replica of a shop service: what it answers.
//!
//! `GET` and `POST` of `/users`, `GET`, `PUT` and `DELETE` of `/users/{id}`, `GET` of `/healthz`.
//! The state is in the [`Store`]; nothing is kept here. Every answer says who made it, and for whom.

use std::convert::Infallible;
use std::io;
use std::path::Path;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::catalogue::Service;
use super::store::{Item, Store};

/// One replica.
#[derive(Debug)]
pub(super) struct Replica {
    service: Service,
    /// `users-1`, as clients see it.
    name: HeaderValue,
    store: Store,
}

/// What a path stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Resource {
    Health,
    All,
    One(u64),
}

/// An answer that is an error for the client.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    why: &'static str,
}

type Answer = Response<Full<Bytes>>;

impl Replica {
    /// Replica `number` of a service, with its state below `state`.
    pub(super) fn open(service: Service, number: u16, state: &Path) -> anyhow::Result<Self> {
        let name = HeaderValue::try_from(service.replica(number))?;
        Ok(Self { service, name, store: service.store(state)? })
    }

    /// Answers a request.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Result<Answer, Infallible> {
        let client = client(request.headers());
        let answer = self.dispatch(request).await;
        let mut answer = answer.unwrap_or_else(|refusal| refusal.answer());
        answer.headers_mut().insert(SERVED_BY, self.name.clone());
        answer.headers_mut().extend(client.map(|client| (CLIENT, client)));
        Ok(answer)
    }

    async fn dispatch(&self, request: Request<Incoming>) -> Result<Answer, Refusal> {
        let resource = self.resource(request.uri().path()).ok_or(NOT_FOUND)?;
        let method = request.method().clone();
        match (resource, method) {
            (Resource::Health, Method::GET | Method::HEAD) => Ok(json_answer("{\"ok\":true}")),
            (Resource::All, Method::GET | Method::HEAD) => {
                Ok(json_answer(&format!("[{}]", self.store.list()?.join(","))))
            }
            (Resource::All, Method::POST) => self.create(item(request).await?),
            (Resource::One(id), Method::GET | Method::HEAD) => {
                Ok(json_answer(&self.store.read(id)?.ok_or(NOT_FOUND)?))
            }
            (Resource::One(id), Method::PUT) => {
                let item = item(request).await?;
                Ok(json_answer(&self.store.replace(id, item)?.ok_or(NOT_FOUND)?))
            }
            (Resource::One(id), Method::DELETE) => {
                self.store.remove(id)?.then(no_content).ok_or(NOT_FOUND)
            }
            (resource, _) => Ok(resource.method_not_allowed()),
        }
    }

    fn create(&self, item: Item) -> Result<Answer, Refusal> {
        let (id, text) = self.store.create(item)?.ok_or(FULL)?;
        let mut answer = json_answer(&text);
        *answer.status_mut() = StatusCode::CREATED;
        let location = format!("/{}/{id}", self.service.name());
        answer.headers_mut().extend(HeaderValue::try_from(location).map(|value| (LOCATION, value)));
        Ok(answer)
    }

    fn resource(&self, path: &str) -> Option<Resource> {
        if path == "/healthz" {
            return Some(Resource::Health);
        }
        match path.strip_prefix('/')?.strip_prefix(self.service.name())? {
            "" | "/" => Some(Resource::All),
            below => below.strip_prefix('/')?.parse().ok().map(Resource::One),
        }
    }
}

impl Resource {
    fn method_not_allowed(self) -> Answer {
        let allow = match self {
            Self::Health => "GET, HEAD",
            Self::All => "GET, HEAD, POST",
            Self::One(_) => "GET, HEAD, PUT, DELETE",
        };
        let mut answer = METHOD_NOT_ALLOWED.answer();
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
        answer
    }
}

impl Refusal {
    const fn new(status: StatusCode, why: &'static str) -> Self {
        Self { status, why }
    }

    fn answer(&self) -> Answer {
        let mut answer = json_answer(&json!({"error": self.why}).to_string());
        *answer.status_mut() = self.status;
        answer
    }
}

impl From<io::Error> for Refusal {
    fn from(_: io::Error) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the store does not work")
    }
}

/// The client, as the proxy in front tells it: where the chain of addresses begins.
fn client(headers: &HeaderMap) -> Option<HeaderValue> {
    let chain = headers.get("x-forwarded-for")?.to_str().ok()?;
    let first = chain.split(',').next()?;
    HeaderValue::from_str(first.trim()).ok()
}

/// The item in the body of a request.
async fn item(request: Request<Incoming>) -> Result<Item, Refusal> {
    let body = Limited::new(request.into_body(), BODY_BYTES_MAX).collect().await;
    let body = body.map_err(|error| {
        if error.is::<http_body_util::LengthLimitError>() { TOO_LARGE } else { BAD_BODY }
    })?;
    match serde_json::from_slice(&body.to_bytes()) {
        Ok(Value::Object(item)) => Ok(item),
        _ => Err(BAD_BODY),
    }
}

fn json_answer(text: &str) -> Answer {
    let mut answer = Response::new(Full::from(format!("{text}\n")));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

fn no_content() -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer
}

/// Which replica answered.
const SERVED_BY: HeaderName = HeaderName::from_static("x-served-by");
/// Which client it was told of.
const CLIENT: HeaderName = HeaderName::from_static("x-client");
const NOT_FOUND: Refusal = Refusal::new(StatusCode::NOT_FOUND, "there is no such thing");
const METHOD_NOT_ALLOWED: Refusal =
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "this is not done here");
const BAD_BODY: Refusal = Refusal::new(StatusCode::BAD_REQUEST, "the body must be a JSON object");
const TOO_LARGE: Refusal = Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large");
const FULL: Refusal = Refusal::new(StatusCode::INSUFFICIENT_STORAGE, "there is no room for more");
/// Largest body that is read.
const BODY_BYTES_MAX: usize = 64 << 10;
