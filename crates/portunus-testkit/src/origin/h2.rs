//! The connections of an origin that speaks HTTP/2.

use std::sync::Arc;

use h2::RecvStream;
use h2::ext::Protocol;
use h2::server::{Builder, Connection};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::exchange::Order;
use super::{H2Exchange, Request, Seen};
use crate::h2::sending::from_map;
use crate::runtime::runtime;
use crate::stream::Stream;
use crate::wait::Watched;

/// What an origin does with each request.
pub(super) type Serve = Arc<dyn Fn(H2Exchange) + Send + Sync>;

/// One connection, and what is known of it before the first request.
pub(super) struct Incoming {
    pub(super) first: Request,
    pub(super) seen: Arc<Watched<Seen>>,
    pub(super) serve: Serve,
}

impl Incoming {
    /// Serves the connection to its end, each request on a thread of its own.
    pub(super) fn serve(self, stream: Stream) {
        // A program that goes away early is no fault here: it is seen on its other side.
        let _ = runtime().block_on(async {
            match stream {
                Stream::Tls(secure) => self.run(secure.into_async()).await,
                Stream::Unix(_) => panic!("an origin listens on TCP"),
                Stream::Tcp(stream) => {
                    stream.set_nonblocking(true).expect("a socket that does not block");
                    let stream = tokio::net::TcpStream::from_std(stream);
                    self.run(stream.expect("a socket of the runtime")).await
                }
            }
        });
    }

    async fn run<T: AsyncRead + AsyncWrite + Unpin>(self, io: T) -> Result<(), h2::Error> {
        let mut builder = Builder::new();
        builder.enable_connect_protocol().max_concurrent_streams(STREAMS_MAX);
        let mut connection = builder.handshake(io).await?;
        let (orders, mut ordered) = unbounded_channel();
        while let Some(next) = next(&mut connection, &mut ordered).await {
            let (request, response) = next?;
            let (parts, incoming) = request.into_parts();
            let exchange = H2Exchange {
                request: self.request(&parts),
                incoming,
                response,
                sink: None,
                connection: orders.clone(),
                seen: Arc::clone(&self.seen),
            };
            let serve = Arc::clone(&self.serve);
            runtime().spawn_blocking(move || serve(exchange));
        }
        Ok(())
    }

    fn request(&self, head: &http::request::Parts) -> Request {
        let text = |text: &dyn ToString| text.to_string();
        let protocol = head.extensions.get::<Protocol>();
        Request {
            method: head.method.to_string(),
            target: head.uri.path_and_query().map(|path| text(path)).unwrap_or_default(),
            version: "HTTP/2".to_owned(),
            scheme: head.uri.scheme().map(|scheme| text(scheme)),
            authority: head.uri.authority().map(|authority| text(authority)),
            protocol: protocol.map(|protocol| protocol.as_str().to_owned()),
            headers: from_map(&head.headers),
            ..self.first.clone()
        }
    }
}

type Next = (http::Request<RecvStream>, h2::server::SendResponse<bytes::Bytes>);

/// The next request; orders for the connection are carried out meanwhile.
async fn next<T: AsyncRead + AsyncWrite + Unpin>(
    connection: &mut Connection<T, bytes::Bytes>,
    orders: &mut UnboundedReceiver<Order>,
) -> Option<Result<Next, h2::Error>> {
    loop {
        tokio::select! {
            next = connection.accept() => return next,
            Some(order) = orders.recv() => match order {
                Order::Graceful => connection.graceful_shutdown(),
                Order::Abrupt(reason) => connection.abrupt_shutdown(reason),
            },
        }
    }
}

const STREAMS_MAX: u32 = 100;
