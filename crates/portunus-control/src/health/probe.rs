//! One check, over a connection of its own.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{Method, Request, Response, Version, header};
use hyper_util::rt::TokioIo;
use portunus_balance::{Address, Endpoint};
use portunus_compile::{HealthAsk, HealthPlan};
use portunus_net::{DialTo, Io, IoStream, dial};
use portunus_preface::proxy_protocol::{self, Addresses};
use portunus_tls::{ClientTls, connect};
use portunus_upstream::{HttpVersion, UpstreamPlan};

use super::grpc;

/// A check that is ready to run.
pub(super) struct Probe {
    address: Address,
    /// Value of `Host`.
    authority: String,
    /// What the endpoint's certificate must be for.
    tls_name: String,
    plan: HealthPlan,
    tls: Option<Arc<ClientTls>>,
    http: HttpVersion,
    /// Connections begin with a PROXY protocol header.
    introduces: Option<proxy_protocol::Version>,
}

impl Probe {
    pub(super) fn new(plan: &HealthPlan, upstream: &UpstreamPlan, endpoint: &Endpoint) -> Self {
        let parts = portunus_http::split_host_port(endpoint.authority.as_bytes());
        let host = parts.map(|parts| String::from_utf8_lossy(parts.host).into_owned());
        let host = host.unwrap_or_else(|| endpoint.authority.clone());
        Self {
            address: endpoint.address.clone(),
            authority: plan.host.clone().unwrap_or_else(|| endpoint.authority.clone()),
            tls_name: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            plan: plan.clone(),
            tls: upstream.tls.clone(),
            http: upstream.http,
            introduces: upstream.proxy_protocol,
        }
    }

    /// Asks; the error says in a few words what is wrong with the endpoint.
    pub(super) async fn run(self) -> Result<(), String> {
        let answer = tokio::time::timeout(self.plan.timeout, self.check()).await;
        answer.unwrap_or_else(|_| Err("no answer in time".to_owned()))
    }

    async fn check(&self) -> Result<(), String> {
        let (io, is_h2) = self.connect().await?;
        match &self.plan.ask {
            HealthAsk::Connect => Ok(()),
            HealthAsk::Http(path) => {
                let answer = self.ask(io, is_h2, self.get(path)?).await?;
                match answer.status().as_u16() {
                    status if self.plan.is_good(status) => Ok(()),
                    status => Err(format!("it answered {status}")),
                }
            }
            HealthAsk::Grpc(service) => {
                let request = grpc::request(self.scheme(), &self.authority, service)?;
                let answer = self.ask(io, true, request).await?;
                grpc::judge(answer).await
            }
        }
    }

    /// Connects, and tells whether HTTP/2 is spoken.
    async fn connect(&self) -> Result<(Io, bool), String> {
        let to = match &self.address {
            Address::Ip(address) => DialTo::Ip(*address),
            Address::Unix(path) => DialTo::Unix(path),
        };
        let io = dial(to).await.map_err(|error| format!("cannot connect: {error}"))?;
        if let Some(version) = self.introduces {
            introduce(&io, version).await.map_err(|error| format!("cannot connect: {error}"))?;
        }
        let Some(tls) = &self.tls else { return Ok((io, self.http == HttpVersion::H2)) };
        let (io, facts) = connect(io, tls, &self.tls_name)
            .await
            .map_err(|error| format!("no TLS ({}): {error}", error.kind()))?;
        let agreed = facts.alpn.as_deref() == Some(b"h2");
        Ok((io, agreed || self.http == HttpVersion::H2))
    }

    fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    fn get(&self, path: &str) -> Result<Request<Full<Bytes>>, String> {
        let uri = format!("{}://{}{path}", self.scheme(), self.authority);
        let request = Request::builder().method(Method::GET).uri(uri);
        request
            .header(header::USER_AGENT, "portunus-health")
            .body(Full::default())
            .map_err(|error| format!("the request cannot be made: {error}"))
    }

    async fn ask(
        &self,
        io: Io,
        is_h2: bool,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Full<Bytes>>, String> {
        let io = TokioIo::new(IoStream::new(io, Vec::new()));
        match is_h2 {
            true => ask_h2(io, request).await,
            false => ask_h1(io, request).await,
        }
    }
}

/// Says that a check speaks for itself and for no client: `LOCAL` in version 2, `UNKNOWN` in version 1.
async fn introduce(io: &Io, version: proxy_protocol::Version) -> std::io::Result<()> {
    let mut header = Vec::new();
    let encoded = proxy_protocol::encode(version, &Addresses::Own, &[], &mut header);
    encoded.map_err(|_| std::io::Error::from(std::io::ErrorKind::InvalidInput))?;
    io.write_all(&header).await
}

async fn ask_h1(
    io: TokioIo<IoStream>,
    mut request: Request<Full<Bytes>>,
) -> Result<Response<Full<Bytes>>, String> {
    let (mut sender, connection) = http1::handshake(io).await.map_err(failed)?;
    // HTTP/1 has the authority in a header, and the path alone in the first line.
    let authority = request.uri().authority().map(ToString::to_string).unwrap_or_default();
    let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let headers = request.headers_mut();
    headers.insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    let authority = authority.parse().map_err(|error| format!("no host: {error}"))?;
    headers.insert(header::HOST, authority);
    *request.uri_mut() = path.parse().map_err(|error| format!("no path: {error}"))?;
    while_driven(connection, async { whole(sender.send_request(request).await).await }).await
}

async fn ask_h2(
    io: TokioIo<IoStream>,
    mut request: Request<Full<Bytes>>,
) -> Result<Response<Full<Bytes>>, String> {
    let (mut sender, connection) = http2::handshake(Local, io).await.map_err(failed)?;
    *request.version_mut() = Version::HTTP_2;
    while_driven(connection, async { whole(sender.send_request(request).await).await }).await
}

/// Awaits an answer while the connection moves. What goes wrong with the connection goes wrong with the answer too.
async fn while_driven<T>(
    connection: impl Future<Output = Result<(), hyper::Error>>,
    answer: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    let connection = async {
        let _ = connection.await;
        std::future::pending::<()>().await
    };
    tokio::select! {
        answer = answer => answer,
        () = connection => Err("no answer".to_owned()),
    }
}

/// The answer with the beginning of its body, and with its trailers among its headers.
async fn whole(
    answer: Result<Response<Incoming>, hyper::Error>,
) -> Result<Response<Full<Bytes>>, String> {
    let (mut parts, body) = answer.map_err(failed)?.into_parts();
    // Of a page nobody reads more than its status.
    let Ok(body) = Limited::new(body, BODY_BYTES_MAX).collect().await else {
        return Ok(Response::from_parts(parts, Full::default()));
    };
    parts.headers.extend(body.trailers().cloned().unwrap_or_default());
    Ok(Response::from_parts(parts, Full::new(body.to_bytes())))
}

fn failed(error: hyper::Error) -> String {
    format!("no answer: {error}")
}

/// Runs what HTTP/2 needs beside the connection on this thread.
#[derive(Clone, Copy)]
struct Local;

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}

/// How much of an answer is read.
const BODY_BYTES_MAX: usize = 64 * 1024;
