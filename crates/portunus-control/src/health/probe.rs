//! One check: a GET over a connection of its own.

use std::time::Duration;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use portunus_balance::{Address, Endpoint};
use portunus_compile::HealthPlan;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use crate::task::Task;

/// A check that is ready to run.
pub(super) struct Probe {
    address: Address,
    host: String,
    plan: HealthPlan,
}

impl Probe {
    pub(super) fn new(plan: &HealthPlan, endpoint: &Endpoint) -> Self {
        let host = plan.host.clone().unwrap_or_else(|| endpoint.authority.clone());
        Self { address: endpoint.address.clone(), host, plan: plan.clone() }
    }

    /// Asks; the error says in a few words what is wrong with the endpoint.
    pub(super) async fn run(self) -> Result<(), String> {
        let timeout: Duration = self.plan.timeout;
        match tokio::time::timeout(timeout, self.status()).await {
            Err(_) => Err("no answer in time".to_owned()),
            Ok(Err(error)) => Err(error),
            Ok(Ok(status)) if self.plan.is_good(status) => Ok(()),
            Ok(Ok(status)) => Err(format!("it answered {status}")),
        }
    }

    async fn status(&self) -> Result<u16, String> {
        let refused = |error: std::io::Error| format!("cannot connect: {error}");
        match &self.address {
            Address::Ip(address) => {
                self.ask(TcpStream::connect(address).await.map_err(refused)?).await
            }
            Address::Unix(path) => {
                self.ask(UnixStream::connect(path).await.map_err(refused)?).await
            }
        }
    }

    async fn ask<S>(&self, stream: S) -> Result<u16, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let failed = |error: hyper::Error| format!("no answer: {error}");
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(failed)?;
        let _connection = Task::spawn(async move {
            // What goes wrong with the connection goes wrong with the request too.
            let _ = connection.await;
        });
        let request = Request::get(&self.plan.path)
            .header(header::HOST, &self.host)
            .header(header::USER_AGENT, "portunus-health")
            .header(header::CONNECTION, "close")
            .body(Empty::<Bytes>::new())
            .map_err(|error| format!("the request cannot be made: {error}"))?;
        let answer = sender.send_request(request).await.map_err(failed)?;
        Ok(answer.status().as_u16())
    }
}
