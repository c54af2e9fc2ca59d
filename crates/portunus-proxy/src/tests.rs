//! The data path on the test's own thread, between a client and an origin of other threads.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use portunus_balance::{Address, BalanceSpec, Endpoint};
use portunus_base::{ListenerId, RouteId, Wall, WorkerId};
use portunus_net::{ListenAddress, ListenSocket, Listener};
use portunus_resilience::Priority;
use portunus_route::{HostPattern, PathPattern, RouteRule, RouterBuilder};
use portunus_snapshot::{Destination, ListenerPlan, Route, Snapshot};
use portunus_spec::{NoLookup, Node, Reader, Spec};
use portunus_telemetry::{Format, LogTarget, LogWriter, Options, Registry};
use portunus_upstream::{StateStore, Upstream, UpstreamPlan};
use portunus_worker::{Published, Worker};

use crate::load::Loads;
use crate::local::{Local, Shared};
use crate::protocol::h1;
use crate::serve::{self, Peers};

mod over_h1;
mod simulation;
mod unrouted;

/// A plan that sends everything to one endpoint.
fn snapshot(metrics: &Registry, origin: SocketAddr) -> Snapshot {
    snapshot_with(metrics, origin, |_| {})
}

/// The same, with some of the upstream's settings.
// LONG: plans name each of their fields.
fn snapshot_with(
    metrics: &Registry,
    origin: SocketAddr,
    set: impl FnOnce(&mut UpstreamPlan),
) -> Snapshot {
    let store = StateStore::default();
    let id = store.upstream("origin");
    let mut reader = Reader::new(&NoLookup);
    let balance = BalanceSpec::read(&Node::text("round_robin"), &mut reader).unwrap();
    let long = Duration::from_secs(30);
    let mut plan = UpstreamPlan {
        id,
        name: "origin".into(),
        balancer: balance.plan,
        zone: None,
        connect_timeout: long,
        first_byte_timeout: long,
        idle_timeout: long,
        pool_idle_timeout: long,
        pool_idle_max: 16,
        connections_max: None,
        requests_max: None,
        adaptive: None,
        queue: None,
        rest_for: Duration::from_secs(1),
        outlier: None,
        slow_start: Duration::ZERO,
        breaker: None,
        limits: portunus_h1::Limits::default(),
        tls: None,
        http: Default::default(),
        streams_max: 100,
        proxy_protocol: None,
        sticky: None,
    };
    set(&mut plan);
    let upstream = Arc::new(Upstream::new(plan, store.upstream_state(id), metrics));
    let address = Address::Ip(origin);
    let state = store.endpoint(id, &address, "origin");
    let (name, authority) = (origin.to_string(), origin.to_string());
    let endpoint =
        Endpoint { address, name, authority, weight: 1, zone: None, backup: false, state };
    upstream.serve(vec![endpoint], metrics);
    let mut router = RouterBuilder::new();
    let path = PathPattern::parse("/**").unwrap();
    router.add(RouteRule { id: RouteId(0), host: HostPattern::Any, path, conditions: vec![] });
    let route = Route {
        id: RouteId(0),
        name: "*/**".into(),
        series: metrics.route("*/**"),
        chain: portunus_filter::Chain::default(),
        destination: Destination::Upstream(id),
        timeouts: Default::default(),
        priority: Priority::default(),
        retry: Default::default(),
        mirror: None,
        preserve_host: true,
        upgrade: true,
        forwarded: false,
    };
    let listener = ListenerPlan::new(ListenerId(0), "web".into(), metrics.listener("web"));
    Snapshot {
        unrouted: Default::default(),
        generation: 1,
        router: router.build().unwrap(),
        routes: vec![Arc::new(route)],
        listeners: vec![Some(Arc::new(listener))],
        upstreams: vec![Some(upstream)],
        slots: Default::default(),
        trusted: Default::default(),
        limits: Default::default(),
        access_log: Some(Arc::new(Format::json())),
    }
}

/// Serves the snapshot that `make` makes, on this thread, until the client on a thread of its own is done.
fn serve_while<T: Send + 'static>(
    make: impl FnOnce(&Worker, &Registry) -> Snapshot,
    client: impl FnOnce(SocketAddr) -> T + Send + 'static,
) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(Default::default())
        .unwrap();
    runtime.block_on(async {
        let (worker, metrics) =
            (Worker::new(WorkerId(0)), Registry::new(Options::new("0", Wall(0))));
        let snapshot = Published::new(Arc::new(make(&worker, &metrics)));
        let (metrics, directory) = (Arc::new(metrics), Arc::default());
        let shared = Shared {
            snapshot,
            metrics,
            directory,
            loads: Loads::new(1),
            clients: Default::default(),
        };
        let local = Local::new(worker.clone(), Arc::new(shared), None);
        worker.spawn(worker.clone().run_timers());
        let any = ListenAddress::Ip("127.0.0.1:0".parse().unwrap());
        let socket = ListenSocket::bind(&any, 1).unwrap().remove(0);
        let ListenAddress::Ip(address) = socket.address().clone() else { unreachable!() };
        let taker = serve::taker(&local, ListenerId(0));
        let listener = Listener::adopt(socket).unwrap();
        let peers = Peers::new(vec![]);
        worker.spawn(serve::accept(Rc::clone(&local), listener, taker, peers, |_, s| Err(s)));
        let (done, is_done) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || done.send(client(address)));
        is_done.await.unwrap()
    })
}

/// Sends a request, and reads what comes until `last` is the end of it.
fn ask(address: SocketAddr, request: &str, last: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let (mut seen, mut piece) = (Vec::new(), [0; 1024]);
    while !seen.ends_with(last.as_bytes()) {
        let bytes = stream.read(&mut piece).unwrap();
        assert!(bytes > 0, "the connection ended after {}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&piece[..bytes]);
    }
    String::from_utf8(seen).unwrap()
}

/// An origin that answers each request with 1 KB.
fn origin() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let body = [b'x'; 1024];
                let mut buf = [0u8; 4096];
                while matches!(stream.read(&mut buf), Ok(bytes) if bytes > 0) {
                    let mut answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n".to_vec();
                    answer.extend_from_slice(&body);
                    if stream.write_all(&answer).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

/// Sends `count` requests over one connection, one after the other.
fn requests(stream: &mut TcpStream, count: usize) {
    let request = b"GET /a/b?c=d HTTP/1.1\r\nHost: shop.example.com\r\nUser-Agent: test\r\n\
        Accept: */*\r\nAccept-Encoding: gzip\r\nCookie: a=b; c=d\r\nX-One: 1\r\n\r\n";
    let mut buf = [0u8; 4096];
    for _ in 0..count {
        stream.write_all(request).unwrap();
        let mut got = 0;
        while !buf[..got].ends_with(b"xx") || got < 1024 {
            got += stream.read(&mut buf[got..]).unwrap();
        }
        assert!(buf.starts_with(b"HTTP/1.1 200 OK\r\n"));
    }
}

#[test]
fn a_request_in_steady_state_allocates_nothing() {
    let dir = std::env::temp_dir().join(format!("portunus-proxy-{}.log", std::process::id()));
    let metrics = Arc::new(Registry::new(Options::new("0", Wall(0))));
    let plan = Arc::new(snapshot(&metrics, origin()));
    let (snapshot, directory) = (Published::new(plan), Arc::default());
    let shared = Arc::new(Shared {
        snapshot,
        metrics,
        directory,
        loads: Loads::new(1),
        clients: Default::default(),
    });
    let log = LogWriter::start(LogTarget::File(dir.clone()), 16).unwrap();
    let any = ListenAddress::Ip("127.0.0.1:0".parse().unwrap());
    let socket = ListenSocket::bind(&any, 1).unwrap().remove(0);
    let ListenAddress::Ip(address) = socket.address().clone() else { unreachable!() };
    let (phases, counted) = (std::sync::mpsc::channel(), 2000);
    let client = std::thread::spawn(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        requests(&mut stream, 200);
        phases.0.send(()).unwrap();
        requests(&mut stream, counted);
        phases.0.send(()).unwrap();
        std::thread::park();
    });

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(Default::default())
        .unwrap();
    let local = runtime.block_on(async {
        let local = Local::new(Worker::new(WorkerId(0)), shared, Some(log.handle()));
        local.worker.spawn(local.worker.clone().run_timers());
        let taker = serve::taker(&local, ListenerId(0));
        let listener = Listener::adopt(socket).unwrap();
        let accept =
            serve::accept(Rc::clone(&local), listener, taker, Peers::new(vec![]), |_, s| Err(s));
        local.worker.spawn(accept);
        local
    });
    // A yield polls the sockets; the channel tells when the client is done.
    let run_until_told = || {
        runtime.block_on(async {
            while phases.1.try_recv().is_err() {
                tokio::task::yield_now().await;
            }
        });
    };
    run_until_told();
    let allocations = allocation_counter::measure(run_until_told);
    // What the runtime and the timers do now and then is not a request's.
    assert!(allocations.count_total < 10, "{counted} requests allocated: {allocations:?}");
    client.thread().unpark();
    drop(local);
    let _ = std::fs::remove_file(dir);
}

#[test]
fn an_idle_connection_is_small() {
    fn size<F, M: Fn(Box<h1::Conn>, Rc<crate::recycle::Recycled<F>>) -> R, R>(_: M) -> usize {
        std::mem::size_of::<R>()
    }
    let outer = size(|conn, memory| h1::serve(conn, memory, h1::serve_active));
    let conn = std::mem::size_of::<h1::Conn>();
    assert!(outer + conn <= 600, "an idle connection has {outer} + {conn} bytes");
}
