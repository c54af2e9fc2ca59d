//! One check, over a connection of its own.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{HeaderMap, Request, Response, Version, header};
use hyper_util::rt::TokioIo;
use portunus_balance::{Address, Endpoint};
use portunus_compile::{HealthAsk, HealthPlan, HttpAsk};
use portunus_net::{DialTo, Io, IoStream, dial, is_shortage};
use portunus_preface::proxy_protocol::{self, Addresses};
use portunus_tls::{ClientTls, connect};
use portunus_upstream::{HttpVersion, UpstreamPlan};

use super::grpc;
use super::search::{Search, Searches};

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
    searches: Arc<Searches>,
}

impl Probe {
    pub(super) fn new(
        plan: &HealthPlan,
        upstream: &UpstreamPlan,
        endpoint: &Endpoint,
        searches: &Arc<Searches>,
    ) -> Self {
        let parts = portunus_http::split_host_port(endpoint.authority.as_bytes());
        let host = parts.map(|parts| String::from_utf8_lossy(parts.host).into_owned());
        let host = host.unwrap_or_else(|| endpoint.authority.clone());
        let own = match plan.port {
            Some(port) => format!("{host}:{port}"),
            None => endpoint.authority.clone(),
        };
        Self {
            address: at_port(&endpoint.address, plan.port),
            authority: plan.host.clone().unwrap_or(own),
            tls_name: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            plan: plan.clone(),
            tls: upstream.tls.clone(),
            http: upstream.http,
            introduces: upstream.proxy_protocol,
            searches: Arc::clone(searches),
        }
    }

    /// Asks; the error says in a few words what is wrong with the endpoint. None where we lack what a connection takes: that
    /// says nothing of the endpoint.
    pub(super) async fn run(self) -> Option<Result<(), String>> {
        let answer = tokio::time::timeout(self.plan.timeout, self.check()).await;
        answer.unwrap_or_else(|_| Some(Err("no answer in time".to_owned())))
    }

    async fn check(&self) -> Option<Result<(), String>> {
        match self.dial().await {
            Ok(io) => Some(self.examine(io).await),
            Err(error) if is_shortage(&error) => None,
            Err(error) => Some(Err(format!("cannot connect: {error}"))),
        }
    }

    async fn dial(&self) -> io::Result<Io> {
        dial(match &self.address {
            Address::Ip(address) => DialTo::Ip(*address),
            Address::Unix(path) => DialTo::Unix(path),
        })
        .await
    }

    async fn examine(&self, io: Io) -> Result<(), String> {
        let (io, is_h2) = self.settle(io).await?;
        match &self.plan.ask {
            HealthAsk::Connect => Ok(()),
            HealthAsk::Http(ask) => {
                let request = self.dressed(self.request(ask)?)?;
                self.ask(io, is_h2, request).await
            }
            HealthAsk::Grpc(service) => {
                let request = grpc::request(self.scheme(), &self.authority, service)?;
                let request = self.dressed(request)?;
                self.ask(io, true, request).await
            }
        }
    }

    /// Settles what is spoken over a connection: tells whether it is HTTP/2.
    async fn settle(&self, io: Io) -> Result<(Io, bool), String> {
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

    fn request(&self, ask: &HttpAsk) -> Result<Request<Full<Bytes>>, String> {
        let uri = format!("{}://{}{}", self.scheme(), self.authority, ask.path);
        let request = Request::builder().method(ask.method).uri(uri);
        request
            .header(header::USER_AGENT, "portunus-health")
            .body(Full::default())
            .map_err(|error| format!("the request cannot be made: {error}"))
    }

    /// The request with the headers that the plan has for it.
    fn dressed(&self, mut request: Request<Full<Bytes>>) -> Result<Request<Full<Bytes>>, String> {
        for (name, value) in &self.plan.headers {
            let name: header::HeaderName =
                name.parse().map_err(|error| format!("no header {name}: {error}"))?;
            let value = header::HeaderValue::try_from(value.expose());
            let mut value = value.map_err(|error| format!("no value of {name}: {error}"))?;
            value.set_sensitive(true);
            request.headers_mut().insert(name, value);
        }
        Ok(request)
    }

    async fn ask(&self, io: Io, is_h2: bool, request: Request<Full<Bytes>>) -> Result<(), String> {
        let io = TokioIo::new(IoStream::new(io, Vec::new()));
        match is_h2 {
            true => self.ask_h2(io, request).await,
            false => self.ask_h1(io, request).await,
        }
    }

    async fn ask_h1(
        &self,
        io: TokioIo<IoStream>,
        mut request: Request<Full<Bytes>>,
    ) -> Result<(), String> {
        let (mut sender, connection) = http1::handshake(io).await.map_err(failed)?;
        // HTTP/1 has the authority in a header, and the path alone in the first line.
        let authority = request.uri().authority().map(ToString::to_string).unwrap_or_default();
        let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
        let headers = request.headers_mut();
        headers.insert(header::CONNECTION, header::HeaderValue::from_static("close"));
        let authority = authority.parse().map_err(|error| format!("no host: {error}"))?;
        headers.insert(header::HOST, authority);
        *request.uri_mut() = path.parse().map_err(|error| format!("no path: {error}"))?;
        while_driven(connection, self.judge(sender.send_request(request))).await
    }

    async fn ask_h2(
        &self,
        io: TokioIo<IoStream>,
        mut request: Request<Full<Bytes>>,
    ) -> Result<(), String> {
        let (mut sender, connection) = http2::handshake(Local, io).await.map_err(failed)?;
        *request.version_mut() = Version::HTTP_2;
        while_driven(connection, self.judge(sender.send_request(request))).await
    }

    /// What an answer says of the endpoint. No more of it is read than that takes.
    async fn judge(
        &self,
        answer: impl Future<Output = Result<Response<Incoming>, hyper::Error>>,
    ) -> Result<(), String> {
        let answer = answer.await.map_err(failed)?;
        match &self.plan.ask {
            HealthAsk::Connect => Ok(()),
            HealthAsk::Grpc(_) => grpc::judge(whole(answer).await).await,
            HealthAsk::Http(ask) => {
                let status = answer.status().as_u16();
                if !ask.is_good(status) {
                    return Err(format!("it answered {status}"));
                }
                let Some(wanted) = &ask.body else { return Ok(()) };
                match Search::new(wanted, &self.searches).found_in(answer.into_body()).await {
                    true => Ok(()),
                    false => Err(format!("`{wanted}` is not in what it answered")),
                }
            }
        }
    }
}

/// The address with a check's own port.
fn at_port(address: &Address, port: Option<u16>) -> Address {
    match (address, port) {
        (Address::Ip(address), Some(port)) => SocketAddr::new(address.ip(), port).into(),
        (address, _) => address.clone(),
    }
}

/// Says that a check speaks for itself and for no client: `LOCAL` in version 2, `UNKNOWN` in version 1.
async fn introduce(io: &Io, version: proxy_protocol::Version) -> std::io::Result<()> {
    let mut header = Vec::new();
    let encoded = proxy_protocol::encode(version, &Addresses::Own, &[], &mut header);
    encoded.map_err(|_| std::io::Error::from(std::io::ErrorKind::InvalidInput))?;
    io.write_all(&header).await
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
async fn whole(answer: Response<Incoming>) -> Response<Full<Bytes>> {
    let (mut parts, body) = answer.into_parts();
    let (body, trailers) = beginning(body).await;
    parts.headers.extend(trailers);
    Response::from_parts(parts, Full::new(body.into()))
}

/// As much of a body as anybody looks at, and its trailers, if it is not longer. One that breaks off just ends: whether
/// there is enough of it is for others to say.
async fn beginning(mut body: Incoming) -> (Vec<u8>, HeaderMap) {
    let (mut bytes, mut trailers) = (Vec::new(), HeaderMap::new());
    while bytes.len() < BODY_BYTES_MAX
        && let Some(Ok(frame)) = body.frame().await
    {
        match frame.into_data() {
            Ok(piece) => add(&mut bytes, &piece),
            Err(frame) => trailers.extend(frame.into_trailers().unwrap_or_default()),
        }
    }
    (bytes, trailers)
}

/// Adds a piece of a body, as far as anybody looks at it.
pub(super) fn add(bytes: &mut Vec<u8>, piece: &[u8]) {
    let room = BODY_BYTES_MAX.saturating_sub(bytes.len());
    bytes.extend(piece.iter().take(room));
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
pub(super) const BODY_BYTES_MAX: usize = 64 * 1024;
