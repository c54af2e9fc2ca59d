//! A DNS server for the tests: answers from a table that the test changes, and counts the
//! questions.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::resolver::ResolveOptions;

/// One record of the table.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    name: &'static str,
    kind: u16,
    ttl: u32,
    bytes: Vec<u8>,
}

pub(crate) fn a(name: &'static str, ttl: u32, address: [u8; 4]) -> Entry {
    Entry { name, kind: A, ttl, bytes: Ipv4Addr::from(address).octets().into() }
}

pub(crate) fn aaaa(name: &'static str, ttl: u32, address: Ipv6Addr) -> Entry {
    Entry { name, kind: AAAA, ttl, bytes: address.octets().into() }
}

pub(crate) fn srv(
    name: &'static str,
    [priority, weight, port]: [u16; 3],
    target: &'static str,
) -> Entry {
    let mut bytes: Vec<u8> =
        [priority, weight, port].iter().flat_map(|part| part.to_be_bytes()).collect();
    for label in target.split('.') {
        bytes.push(label.len() as u8);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    Entry { name, kind: SRV, ttl: 0, bytes }
}

/// What the server knows. A name that is not in the table does not exist.
#[derive(Clone, Debug)]
pub(crate) enum Zone {
    Table(Vec<Entry>),
    /// The server takes questions and gives no answers.
    Silent,
}

/// Runs until it is dropped.
pub(crate) struct FakeDns {
    pub(crate) address: SocketAddr,
    zone: watch::Sender<Zone>,
    questions: watch::Receiver<u64>,
    _server: JoinSet<()>,
}

impl FakeDns {
    pub(crate) async fn start(zone: Zone) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let (zone, zone_seen) = watch::channel(zone);
        let (count, questions) = watch::channel(0);
        let mut server = JoinSet::new();
        server.spawn(serve(socket, zone_seen, count));
        Self { address, zone, questions, _server: server }
    }

    pub(crate) fn set(&self, zone: Zone) {
        self.zone.send_replace(zone);
    }

    /// Waits until the server has dealt with `count` more questions.
    pub(crate) async fn questions(&mut self, count: u64) {
        let until = *self.questions.borrow() + count;
        self.questions.wait_for(|&asked| asked >= until).await.unwrap();
    }

    /// Options that ask this server, and again after a few milliseconds.
    pub(crate) fn options(&self) -> ResolveOptions {
        ResolveOptions {
            servers: vec![self.address],
            ttl_min: Duration::from_millis(5),
            retry_min: Duration::from_millis(5),
            retry_max: Duration::from_millis(10),
            timeout: Some(Duration::from_millis(50)),
            ..ResolveOptions::default()
        }
    }
}

async fn serve(socket: UdpSocket, zone: watch::Receiver<Zone>, count: watch::Sender<u64>) {
    let mut buffer = [0; 1_500];
    loop {
        let (length, client) = socket.recv_from(&mut buffer).await.unwrap();
        let answer = match &*zone.borrow() {
            Zone::Table(entries) => Some(answer(&buffer[..length], entries)),
            Zone::Silent => None,
        };
        if let Some(answer) = answer {
            socket.send_to(&answer, client).await.unwrap();
        }
        count.send_modify(|count| *count += 1);
    }
}

/// RFC 1035, section 4: header, the question again, one record for each entry that fits.
fn answer(question: &[u8], entries: &[Entry]) -> Vec<u8> {
    let (name, after) = name_at(question, 12);
    let kind = u16::from_be_bytes([question[after], question[after + 1]]);
    let named = || entries.iter().filter(|entry| entry.name.eq_ignore_ascii_case(&name));
    let fitting: Vec<&Entry> = named().filter(|entry| entry.kind == kind).collect();
    let code = if named().next().is_none() { NAME_ERROR } else { 0 };
    let mut answer = question[..2].to_vec();
    answer.extend([0x81, 0x80 | code, 0, 1, 0, fitting.len() as u8, 0, 0, 0, 0]);
    answer.extend(&question[12..after + 4]);
    for entry in fitting {
        answer.extend([0xc0, 12]);
        answer.extend(entry.kind.to_be_bytes());
        answer.extend([0, 1]);
        answer.extend(entry.ttl.to_be_bytes());
        answer.extend((entry.bytes.len() as u16).to_be_bytes());
        answer.extend(&entry.bytes);
    }
    answer
}

/// The name that begins at `at`, and where it ends.
fn name_at(message: &[u8], mut at: usize) -> (String, usize) {
    let mut labels = Vec::new();
    while message[at] != 0 {
        let end = at + 1 + usize::from(message[at]);
        labels.push(String::from_utf8(message[at + 1..end].to_vec()).unwrap());
        at = end;
    }
    (labels.join("."), at + 1)
}

const A: u16 = 1;
const AAAA: u16 = 28;
const SRV: u16 = 33;
const NAME_ERROR: u8 = 3;
