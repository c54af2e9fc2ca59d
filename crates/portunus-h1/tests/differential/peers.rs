//! nginx and HAProxy, where they are installed: real proxies between us and an origin that records.

use std::{
    io::{Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::Duration,
};

use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};

use super::{Accepted, Seen, accepted, check, with_sentinel};
use crate::{
    message::{Outcome, read_request},
    properties::request,
};

/// Requests of the corpus that nginx may refuse.
const REFUSED_BY_NGINX: &[&str] = &["method-lower-case", "method-odd-token", "options-asterisk"];

/// Requests of the corpus that HAProxy may refuse.
const REFUSED_BY_HAPROXY: &[&str] = &["path-high-bytes"];

const NGINX: &str = "
    daemon off; master_process off; error_log stderr crit; pid DIR/nginx.pid;
    events {}
    http {
        access_log off; client_body_temp_path DIR/body; proxy_temp_path DIR/proxy;
        fastcgi_temp_path DIR/fastcgi; uwsgi_temp_path DIR/uwsgi; scgi_temp_path DIR/scgi;
        large_client_header_buffers 8 64k; underscores_in_headers on; ignore_invalid_headers off;
        server {
            listen unix:DIR/peer.sock; merge_slashes off;
            location / {
                proxy_pass http://unix:DIR/origin.sock:; proxy_http_version 1.1;
                proxy_set_header Host $http_host; proxy_set_header Connection '';
                proxy_buffer_size 64k; proxy_buffers 8 64k;
            }
        }
    }
";

const HAPROXY: &str = "
global
    tune.bufsize 131072
    tune.http.maxhdr 200
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend client
    bind unix@DIR/peer.sock
    default_backend origin
backend origin
    server origin unix@DIR/origin.sock
";

#[test]
fn nginx_reads_what_we_forward_as_we_do() {
    run("nginx", &["-c"], NGINX, REFUSED_BY_NGINX);
}

#[test]
fn haproxy_reads_what_we_forward_as_we_do() {
    run("haproxy", &["-db", "-f"], HAPROXY, REFUSED_BY_HAPROXY);
}

fn run(program: &str, options: &[&str], config: &str, may_refuse: &[&str]) {
    let Some(mut peer) = Peer::start(program, options, config) else {
        println!("skipped: {program} is not installed");
        return;
    };
    let mut refused = Vec::new();
    for accepted in accepted() {
        let seen = peer.requests_seen(&with_sentinel(&accepted.forwarded));
        check(program, &accepted, &seen);
        if seen.is_empty() {
            refused.push(accepted.name.clone());
        }
        let seen = peer.requests_seen(&with_sentinel(&accepted.sent));
        let first = seen.iter().filter(|seen| seen.target != b"/sentinel");
        let bodies: Vec<_> = first.map(|seen| &seen.body).collect();
        let alike = bodies.iter().all(|body| **body == accepted.ours.body);
        assert!(bodies.len() <= 1 && alike, "{program} on {} as sent: {seen:?}", accepted.name);
    }
    refused.retain(|name| !may_refuse.contains(&name.as_str()));
    assert_eq!(refused, Vec::<String>::new(), "{program} refuses what we forward");
    generated(100).iter().for_each(|accepted| {
        check(program, accepted, &peer.requests_seen(&with_sentinel(&accepted.forwarded)));
    });
}

/// The same requests in each run.
fn generated(count: usize) -> Vec<Accepted> {
    let mut runner = TestRunner::deterministic();
    let requests = (0..count).map(|_| request().new_tree(&mut runner).unwrap().current());
    let accepted = requests.map(|sent| match read_request(&sent) {
        Outcome::Whole { message, again, .. } => {
            let name = String::from_utf8_lossy(&again).into_owned();
            Accepted { name, ours: Seen::of(&message), sent, forwarded: again }
        }
        other => panic!("a whole request: {other:?}"),
    });
    accepted.collect()
}

/// A running proxy with the origin behind it; ends with the value.
struct Peer {
    process: Child,
    folder: tempfile::TempDir,
    recorded: Receiver<Seen>,
}

impl Peer {
    fn start(program: &str, options: &[&str], config: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let recorded = origin(&folder.path().join("origin.sock"));
        let file = folder.path().join("peer.conf");
        std::fs::write(&file, config.replace("DIR", folder.path().to_str()?)).unwrap();
        let quiet = std::env::var_os("PEER_OUTPUT").is_none();
        let output = || if quiet { Stdio::null() } else { Stdio::inherit() };
        let mut command = Command::new(program);
        command.args(options).arg(&file).stdin(Stdio::null()).stdout(output()).stderr(output());
        let process = command.spawn().ok()?;
        let peer = Self { process, folder, recorded };
        peer.connect();
        Some(peer)
    }

    /// Waits for the start of the process: there is nothing but its socket to watch.
    fn connect(&self) -> UnixStream {
        for _ in 0..500 {
            if let Ok(stream) = UnixStream::connect(self.folder.path().join("peer.sock")) {
                return stream;
            }
            thread::park_timeout(Duration::from_millis(10));
        }
        panic!("the peer did not start");
    }

    /// What reaches the origin of the requests in `bytes`.
    fn requests_seen(&mut self, bytes: &[u8]) -> Vec<Seen> {
        let mut stream = self.connect();
        stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        // A peer that refuses early closes early.
        let _ = stream.write_all(bytes);
        let _ = stream.read_to_end(&mut Vec::new());
        self.recorded.try_iter().collect()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn origin(path: &Path) -> Receiver<Seen> {
    let listener = UnixListener::bind(path).unwrap();
    let (sender, recorded) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let sender = sender.clone();
            thread::spawn(move || record(stream, &sender));
        }
    });
    recorded
}

/// Records each request before it is answered, so that who has the answer finds the record.
fn record(mut stream: UnixStream, sender: &Sender<Seen>) {
    let (mut bytes, mut part) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        match read_request(&bytes) {
            Outcome::Whole { message, len, .. } => {
                bytes.drain(..len);
                let _ = sender.send(Seen::of(&message));
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
                if stream.write_all(answer).is_err() {
                    return;
                }
            }
            Outcome::Incomplete => match stream.read(&mut part) {
                Ok(len) if len > 0 => bytes.extend_from_slice(&part[..len]),
                _ => return,
            },
            Outcome::Fault(_) => return,
        }
    }
}
