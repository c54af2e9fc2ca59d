//! TLS to PostgreSQL.

use std::future::Future;
use std::io::{self, Error};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::Socket;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect};
use tokio_rustls::{TlsConnector, client};

use crate::StoreError;

/// Makes TLS over a connection.
#[derive(Clone)]
pub(super) struct Connector {
    config: Arc<ClientConfig>,
}

impl Connector {
    pub(super) fn new(roots_pem: Option<&[u8]>) -> Result<Self, StoreError> {
        let config = portunus_fetch::client_config(roots_pem).map_err(StoreError::of)?;
        Ok(Self { config })
    }
}

impl MakeTlsConnect<Socket> for Connector {
    type Stream = TlsStream;
    type TlsConnect = ConnectTo;
    type Error = Error;

    fn make_tls_connect(&mut self, host: &str) -> io::Result<ConnectTo> {
        // Over a Unix socket it is asked too, with a path, for nothing.
        let connector = TlsConnector::from(Arc::clone(&self.config));
        Ok(ConnectTo { connector, host: host.to_owned() })
    }
}

/// A connection about to be made.
pub(super) struct ConnectTo {
    connector: TlsConnector,
    host: String,
}

impl TlsConnect<Socket> for ConnectTo {
    type Stream = TlsStream;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TlsStream>> + Send>>;

    fn connect(self, stream: Socket) -> Self::Future {
        Box::pin(async move {
            let host = ServerName::try_from(self.host).map_err(Error::other)?;
            let connected = self.connector.connect(host, stream).await?;
            Ok(TlsStream(Box::new(connected)))
        })
    }
}

/// A stream to PostgreSQL over TLS.
pub(super) struct TlsStream(Box<client::TlsStream<Socket>>);

impl tokio_postgres::tls::TlsStream for TlsStream {
    fn channel_binding(&self) -> ChannelBinding {
        // The certificate is verified, which binds the channel well enough.
        ChannelBinding::none()
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_shutdown(cx)
    }
}
