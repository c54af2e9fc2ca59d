use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::LazyLock;

use portunus_balance::{BalanceSpec, EndpointState};
use portunus_base::{UpstreamId, WorkerId};
use portunus_h1::Limits;
use portunus_h2::{ErrorCode, Request, Server, ServerOptions};
use portunus_http::{Framing, HeaderList, Method, RequestHead, ResponseHead};
use portunus_net::{ListenAddress, ListenSocket, Listener, SystemNetwork};
use portunus_spec::{NoLookup, Node, Reader, Spec};

use super::*;
use crate::{AnswerSource, Found, Pools, RequestSink, Step, UpstreamStream};

/// Nobody waits.
static NOBODY: LazyLock<Arc<Queue>> = LazyLock::new(Arc::default);
const LONG: std::time::Duration = std::time::Duration::from_secs(30);

fn plan(http: HttpVersion, proxy_protocol: Option<proxy_protocol::Version>) -> UpstreamPlan {
    let mut reader = Reader::new(&NoLookup);
    let balance = BalanceSpec::read(&Node::text("round_robin"), &mut reader).unwrap();
    UpstreamPlan {
        id: UpstreamId(0),
        name: "up".into(),
        balancer: balance.plan,
        zone: None,
        connect_timeout: LONG,
        first_byte_timeout: LONG,
        idle_timeout: LONG,
        pool_idle_timeout: LONG,
        pool_idle_max: 16,
        connections_max: None,
        requests_max: None,
        adaptive: None,
        queue: None,
        rest_for: LONG,
        outlier: None,
        slow_start: std::time::Duration::ZERO,
        breaker: None,
        limits: Limits::default(),
        tls: None,
        http,
        streams_max: 2,
        proxy_protocol,
        sticky: None,
    }
}

fn endpoint(address: SocketAddr) -> Endpoint {
    let (name, state) = (address.to_string(), Arc::new(EndpointState::new(0)));
    let (authority, address) = (name.clone(), Address::Ip(address));
    Endpoint { address, name, authority, weight: 1, zone: None, backup: false, state }
}

/// Runs a test on a worker of its own.
fn on_worker<F: Future<Output = ()>>(test: impl FnOnce(Worker) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(Default::default())
        .unwrap();
    runtime.block_on(test(Worker::new(WorkerId(0))));
}

fn listen() -> (Listener, SocketAddr) {
    let any = ListenAddress::Ip("127.0.0.1:0".parse().unwrap());
    let socket = ListenSocket::bind(&any, 1).unwrap().remove(0);
    let ListenAddress::Ip(address) = socket.address().clone() else { unreachable!() };
    (Listener::adopt(socket).unwrap(), address)
}

/// An endpoint that speaks HTTP/2 on each connection, and serves each request by `serve`.
fn serve<F: Future<Output = ()> + 'static>(
    worker: &Worker,
    serve: impl Fn(Request) -> F + Copy + 'static,
) -> SocketAddr {
    let (listener, address) = listen();
    let own = worker.clone();
    worker.spawn(async move {
        loop {
            let io = Io::adopt(listener.accept().await.unwrap().socket).unwrap();
            let options = ServerOptions::default();
            let mut server = Server::handshake(io, Vec::new(), &options, &own).await.unwrap();
            let task = own.clone();
            own.spawn(async move {
                while let Some(Ok(request)) = server.accept().await {
                    task.spawn(serve(request));
                }
            });
        }
    });
    address
}

fn dial<'d>(plan: &'d UpstreamPlan, endpoint: &'d Endpoint, worker: &'d Worker) -> Dial<'d> {
    Dial {
        plan,
        endpoint,
        queue: &NOBODY,
        client: None,
        tlvs: &[],
        client_tls: None,
        h1_only: false,
        worker,
        network: &SystemNetwork,
    }
}

async fn session(plan: &UpstreamPlan, endpoint: &Endpoint, worker: &Worker) -> crate::H2Session {
    match dial(plan, endpoint, worker).open().await.unwrap() {
        Opened::H2(session) => session,
        Opened::H1(_) => panic!("HTTP/2 was asked for"),
    }
}

fn post() -> RequestHead {
    let mut head = RequestHead::default();
    head.set_method(b"POST");
    head.set_path(b"/x");
    head.set_authority(b"shop.test");
    head
}

/// Sends the body and its trailers; the whole answer, and its trailers.
async fn ask<U: UpstreamStream>(
    stream: &mut U,
    body: &[u8],
) -> Result<(u16, Vec<u8>, Option<HeaderList>), ProxyError> {
    stream.begin(&post(), Framing::Chunked, None)?;
    let mut trailers = HeaderList::default();
    trailers.append(b"sum", b"7");
    let (sink, source) = stream.split();
    let sending = async {
        // What the endpoint does not take, its answer tells of.
        let _ = sink.body(body).await;
        sink.end(Some(&trailers));
        let _ = sink.flush().await;
    };
    let receiving = async {
        let mut head = ResponseHead::default();
        source.head(&mut head).await?;
        source.begin(&head, Method::Post)?;
        let mut all = Vec::new();
        loop {
            match source.step()? {
                Step::Piece(piece) => all.extend_from_slice(piece),
                Step::Starved => source.fill().await?,
                Step::End => return Ok((head.status, all, source.trailers().cloned())),
            }
        }
    };
    tokio::join!(sending, receiving).1
}

/// Answers with the request's body and trailers.
async fn echo(request: Request) {
    let (mut incoming, mut answer) = request.split();
    let mut head = ResponseHead::default();
    head.set_status(200);
    answer.head(&head, Framing::Chunked).unwrap();
    loop {
        let piece = incoming.next().await.unwrap();
        if piece.is_empty() {
            break;
        }
        answer.bytes(piece).await.unwrap();
    }
    answer.end(incoming.trailers());
    answer.flush().await.unwrap();
}

#[test]
fn bodies_and_trailers_pass_both_ways_over_http_2() {
    on_worker(|worker| async move {
        let endpoint = endpoint(serve(&worker, echo));
        let plan = plan(HttpVersion::H2, None);
        let session = session(&plan, &endpoint, &worker).await;
        assert_eq!(endpoint.state.connections(), 1);
        let mut stream = session.stream(worker.now());
        let (status, body, trailers) = ask(&mut stream, b"abc").await.unwrap();
        assert_eq!((status, body), (200, b"abc".to_vec()));
        assert_eq!(trailers.unwrap().value(b"sum"), Some(&b"7"[..]));
        drop(stream);
        let mut streams = [session.stream(worker.now()), session.stream(worker.now())];
        let [first, second] = &mut streams;
        let (first, second) = tokio::join!(ask(first, b"1"), ask(second, b"2"));
        assert_eq!((first.unwrap().1, second.unwrap().1), (b"1".to_vec(), b"2".to_vec()));
        // More than any window, so that each side has to open it for the other.
        let long = vec![b'x'; 5 << 20];
        let (_, body, _) = ask(&mut session.stream(worker.now()), &long).await.unwrap();
        assert!(body == long, "{} bytes", body.len());
    });
}

#[test]
fn a_refused_stream_may_be_sent_again_and_another_reset_not() {
    async fn refuse(request: Request) {
        request.split().1.reset(ErrorCode::REFUSED_STREAM);
    }
    async fn older(request: Request) {
        request.split().1.reset(ErrorCode::HTTP_1_1_REQUIRED);
    }
    async fn reset(request: Request) {
        request.split().1.reset(ErrorCode::INTERNAL_ERROR);
    }
    on_worker(|worker| async move {
        let plan = plan(HttpVersion::H2, None);
        for (address, retry) in [
            (serve(&worker, refuse), Retry::Unsent),
            (serve(&worker, older), Retry::OverH1),
            (serve(&worker, reset), Retry::Never),
        ] {
            let endpoint = endpoint(address);
            let session = session(&plan, &endpoint, &worker).await;
            let error = ask(&mut session.stream(worker.now()), b"abc").await.unwrap_err();
            assert_eq!(error, ProxyError::upstream(ErrorKind::Reset, retry));
        }
    });
}

#[test]
fn a_cold_pool_opens_one_connection_for_as_many_as_it_carries() {
    on_worker(|worker| async move {
        let (plan, pools) = (plan(HttpVersion::H2, None), Pools::default());
        let Found::Open(first) = pools.find(0, &plan) else { panic!("nothing is there") };
        let Found::Wait(pending) = pools.find(0, &plan) else { panic!("one is being opened") };
        let mut waiting = Box::pin(pending.wait());
        assert!(futures_poll(&mut waiting).is_pending());
        let Found::Open(second) = pools.find(0, &plan) else { panic!("the first one is full") };
        let endpoint = endpoint(serve(&worker, echo));
        let shared = session(&plan, &endpoint, &worker).await;
        pools.share(0, shared, LONG);
        drop((first, second));
        waiting.await.unwrap();
        assert!(matches!(pools.find(0, &plan), Found::Session(_)));
        assert_eq!(pools.sessions(0), 1);
        pools.sweep(worker.now().after(2 * LONG));
        assert_eq!(pools.sessions(0), 0, "what nobody used is closed");
    });
}

fn futures_poll<F: Future>(future: &mut std::pin::Pin<Box<F>>) -> std::task::Poll<F::Output> {
    future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
}

#[test]
fn a_connection_begins_with_the_addresses_of_its_client() {
    on_worker(|worker| async move {
        let client = "192.0.2.7:4000".parse().unwrap();
        let local = "192.0.2.1:443".parse().unwrap();
        for (client, expected) in [
            (Some((client, local)), "PROXY TCP4 192.0.2.7 192.0.2.1 4000 443\r\n"),
            (None, "PROXY UNKNOWN\r\n"),
        ] {
            let (listener, address) = listen();
            let (plan, endpoint) =
                (plan(HttpVersion::H1, Some(proxy_protocol::Version::V1)), endpoint(address));
            let dial = Dial { client, ..dial(&plan, &endpoint, &worker) };
            let (opened, accepted) = tokio::join!(dial.open(), listener.accept());
            assert!(matches!(opened.unwrap(), Opened::H1(_)));
            let io = Rc::new(Io::adopt(accepted.unwrap().socket).unwrap());
            let mut read = Vec::with_capacity(200);
            io.read(&mut read).await.unwrap();
            assert_eq!(String::from_utf8(read).unwrap(), expected);
        }
    });
}

#[test]
fn what_a_proxy_before_us_said_is_told_on() {
    on_worker(|worker| async move {
        let (listener, address) = listen();
        let version = Some(proxy_protocol::Version::V2);
        let (plan, endpoint) = (plan(HttpVersion::H1, version), endpoint(address));
        let client = Some(("192.0.2.7:4000".parse().unwrap(), "192.0.2.1:443".parse().unwrap()));
        let tlvs = b"\x02\x00\x09shop.test\xe1\x00\x04abcd";
        let dial = Dial { client, tlvs, ..dial(&plan, &endpoint, &worker) };
        let (opened, accepted) = tokio::join!(dial.open(), listener.accept());
        assert!(matches!(opened.unwrap(), Opened::H1(_)));
        let io = Io::adopt(accepted.unwrap().socket).unwrap();
        let mut read = Vec::with_capacity(200);
        io.read(&mut read).await.unwrap();
        assert!(read.ends_with(tlvs), "{read:?}");
        assert_eq!(read.len(), 16 + 12 + tlvs.len());
    });
}
