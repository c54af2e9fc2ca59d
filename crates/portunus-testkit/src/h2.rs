//! A client that speaks HTTP/2 over one connection, and one that speaks its bare frames.

mod broken;
mod frames;
pub(crate) mod sending;
mod stream;

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use h2::client::{Builder, Connection, SendRequest};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;

use crate::runtime::{runtime, wait};
use crate::stream::Stream;
use crate::tls::{Secure, TlsFacts};
use crate::wait::Watched;
use crate::{Answer, eventually};

pub use broken::Broken;
pub use frames::{Fault, Frame, Frames, flag, kind};
pub use sending::H2Sending;
pub use stream::H2Stream;

/// A connection of HTTP/2 to the program. Dropping it closes it in good order.
#[derive(Debug)]
pub struct H2Client {
    requests: SendRequest<Bytes>,
    scheme: &'static str,
    host: String,
    tls: Option<TlsFacts>,
    local_address: SocketAddr,
    end: Arc<Watched<Option<Result<(), Broken>>>>,
    driver: JoinHandle<()>,
}

impl H2Client {
    /// Connects without TLS, by prior knowledge.
    #[must_use]
    #[track_caller]
    pub fn connect(address: &str) -> Self {
        Self::connect_with(address, WINDOW)
    }

    /// The same, with another window for each stream: so much comes unread.
    #[must_use]
    #[track_caller]
    pub fn connect_with(address: &str, window: u32) -> Self {
        let connecting = wait("a connection", async {
            let stream = tokio::net::TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok::<_, std::io::Error>(stream)
        });
        let stream = connecting.unwrap_or_else(|error| panic!("no {address}: {error}"));
        let local = stream.local_addr().expect("a connected socket has an address");
        Self::over(stream, local, "http", "shop.test", None, window)
    }

    pub(crate) fn over_tls(secure: Secure, name: &str) -> Self {
        let facts = secure.facts().clone();
        let stream = secure.into_async();
        let local = stream.get_ref().0.local_addr().expect("a connected socket has an address");
        Self::over(stream, local, "https", name, Some(facts), WINDOW)
    }

    fn over(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        local_address: SocketAddr,
        scheme: &'static str,
        host: &str,
        tls: Option<TlsFacts>,
        window: u32,
    ) -> Self {
        let mut builder = Builder::new();
        builder.initial_window_size(window).initial_connection_window_size(window.max(WINDOW));
        builder.enable_push(false);
        let shaking = wait("the start of HTTP/2", builder.handshake::<_, Bytes>(stream));
        let (requests, connection) = shaking.expect("HTTP/2 starts");
        let end = Arc::<Watched<_>>::default();
        let driver = runtime().spawn(drive(connection, Arc::clone(&end)));
        let host = host.to_owned();
        Self { requests, scheme, host, tls, local_address, end, driver }
    }

    /// The same connection, with another authority unless a request has its own.
    #[must_use]
    pub fn for_host(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    /// Our own address.
    #[must_use]
    pub fn local_address(&self) -> SocketAddr {
        self.local_address
    }

    /// What TLS agreed on.
    #[must_use]
    #[track_caller]
    pub fn tls(&self) -> &TlsFacts {
        self.tls.as_ref().expect("a connection over TLS")
    }

    /// Begins a request.
    #[must_use]
    pub fn request(&self, method: &str, target: &str) -> H2Sending<'_> {
        H2Sending::new(self, method, target)
    }

    /// Asks for a path and reads the answer.
    #[track_caller]
    pub fn get(&self, target: &str) -> Answer {
        self.request("GET", target).send()
    }

    /// Whether the program takes extended CONNECT (RFC 8441).
    #[must_use]
    pub fn takes_extended_connect(&self) -> bool {
        self.requests.is_extended_connect_protocol_enabled()
    }

    /// How many requests the program lets run at once.
    #[must_use]
    pub fn streams_max(&self) -> usize {
        self.requests.current_max_send_streams()
    }

    /// Waits until the program takes no more requests on this connection, by GOAWAY or close.
    #[track_caller]
    pub fn wait_for_goaway(&self) {
        let mut requests = self.requests.clone();
        let is_over = |requests: &mut SendRequest<Bytes>| {
            let ready = std::future::poll_fn(|context| {
                std::task::Poll::Ready(requests.poll_ready(context))
            });
            matches!(runtime().block_on(ready), std::task::Poll::Ready(Err(_)))
        };
        eventually("the end of the connection is announced", || is_over(&mut requests));
    }

    /// Waits for the end of the connection, and gives why it ended.
    ///
    /// # Errors
    /// A GOAWAY with an error, or a connection that broke.
    #[track_caller]
    pub fn wait_for_close(&self) -> Result<(), Broken> {
        let end = self.end.wait_for(Clone::clone);
        end.expect("the connection ends")
    }

    /// Goes away without a word.
    pub fn cut(self) {
        self.driver.abort();
    }
}

async fn drive<T: AsyncRead + AsyncWrite + Unpin>(
    connection: Connection<T, Bytes>,
    end: Arc<Watched<Option<Result<(), Broken>>>>,
) {
    let result = connection.await.map_err(|error| Broken::from(&error));
    end.change(|end| *end = Some(result));
}

impl Frames {
    /// Connects without TLS, and sends the preface and our settings.
    #[must_use]
    #[track_caller]
    pub fn connect(address: &str) -> Self {
        let stream = Stream::connect(address);
        Self::over(stream.unwrap_or_else(|error| panic!("no {address}: {error}")))
    }

    /// Connects over TLS with `h2` agreed on.
    #[must_use]
    #[track_caller]
    pub fn over_tls(tls: &crate::TlsClient, address: &str, name: &str) -> Self {
        let secure = tls.clone().alpn(&["h2"]).secure(address, name);
        Self::over(Stream::Tls(Box::new(secure.unwrap_or_else(|why| panic!("no TLS: {why:?}")))))
    }
}

/// As much as a test may want to read at once.
const WINDOW: u32 = 1 << 20;
