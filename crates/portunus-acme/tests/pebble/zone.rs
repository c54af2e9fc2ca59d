//! A name server of one zone: every name is 127.0.0.1, and signed updates (RFC 2136) change its TXT records.
#![expect(clippy::disallowed_types, reason = "tests run on threads that are no workers")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::rdata::tsig::TsigAlgorithm;
use hickory_proto::rr::rdata::{A, SOA};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType, TSigResponseContext, TSigner};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;

pub(crate) const ZONE: &str = "example.test.";
pub(crate) const KEY_NAME: &str = "acme.";

/// The zone, and what happened to it.
pub(crate) struct Zone {
    state: Mutex<State>,
    signer: TSigner,
}

#[derive(Default)]
struct State {
    records: Vec<Record>,
    /// Looks at a record over TCP before it shows.
    looks_before_shown: u32,
    updates: u32,
    most_records: usize,
}

impl Zone {
    /// Serves UDP and TCP on one port; both go with the tasks.
    pub(crate) async fn serve(key: &[u8], tasks: &mut JoinSet<()>) -> (Arc<Self>, SocketAddr) {
        let name = Name::from_ascii(KEY_NAME).unwrap();
        let signer = TSigner::new(key.to_vec(), TsigAlgorithm::HmacSha256, name, 300).unwrap();
        let zone = Arc::new(Self { state: Mutex::default(), signer });
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let udp = UdpSocket::bind(address).await.unwrap();
        let by_udp = Arc::clone(&zone);
        tasks.spawn(async move { by_udp.serve_udp(udp).await });
        let by_tcp = Arc::clone(&zone);
        tasks.spawn(async move {
            while let Ok((stream, _)) = tcp.accept().await {
                by_tcp.serve_tcp(stream).await;
            }
        });
        (zone, address)
    }

    /// From now on a record shows after so many looks at it.
    pub(crate) fn delay(&self, looks: u32) {
        self.state.lock().unwrap().looks_before_shown = looks;
    }

    /// Accepted updates, the most records that there were at once, and those that there are.
    pub(crate) fn history(&self) -> (u32, usize, usize) {
        let state = self.state.lock().unwrap();
        (state.updates, state.most_records, state.records.len())
    }

    async fn serve_udp(&self, socket: UdpSocket) {
        let mut buffer = [0; 4096];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let answer = self.answer(&buffer[..length], true);
            socket.send_to(&answer, from).await.unwrap();
        }
    }

    async fn serve_tcp(&self, mut stream: TcpStream) {
        while let Ok(length) = stream.read_u16().await {
            let mut bytes = vec![0; usize::from(length)];
            stream.read_exact(&mut bytes).await.unwrap();
            let answer = self.answer(&bytes, false);
            stream.write_u16(u16::try_from(answer.len()).unwrap()).await.unwrap();
            stream.write_all(&answer).await.unwrap();
        }
    }

    fn answer(&self, bytes: &[u8], is_udp: bool) -> Vec<u8> {
        let request = Message::from_vec(bytes).unwrap();
        let mut answer =
            Message::new(request.metadata.id, MessageType::Response, request.metadata.op_code);
        answer.metadata.authoritative = true;
        answer.add_queries(request.queries.clone());
        if request.metadata.op_code == OpCode::Update {
            self.update(bytes, &request, answer)
        } else {
            self.query(&request, &mut answer, is_udp);
            answer.to_vec().unwrap()
        }
    }

    fn query(&self, request: &Message, answer: &mut Message, is_udp: bool) {
        let query = request.queries.first().unwrap();
        let mut state = self.state.lock().unwrap();
        match query.query_type() {
            RecordType::A => {
                let a = RData::A(A::new(127, 0, 0, 1));
                answer.add_answer(Record::from_rdata(query.name().clone(), 1, a));
            }
            RecordType::TXT if !is_udp && state.looks_before_shown > 0 => {
                state.looks_before_shown -= 1;
            }
            RecordType::TXT => {
                let found = state.records.iter().filter(|record| record.name == *query.name());
                answer.add_answers(found.cloned());
            }
            _ => {}
        }
        if answer.answers.is_empty() {
            let zone = Name::from_ascii(ZONE).unwrap();
            let soa = SOA::new(zone.clone(), zone.clone(), 1, 60, 60, 60, 60);
            answer.add_authority(Record::from_rdata(zone, 60, RData::SOA(soa)));
        }
    }

    fn update(&self, bytes: &[u8], request: &Message, mut answer: Message) -> Vec<u8> {
        let Ok((mac, time, _)) = self.signer.verify_message_byte(bytes, None, true) else {
            answer.metadata.response_code = ResponseCode::NotAuth;
            return answer.to_vec().unwrap();
        };
        let mut state = self.state.lock().unwrap();
        state.updates += 1;
        // The update section has the place of the authorities.
        for record in &request.authorities {
            match record.dns_class {
                DNSClass::IN => state.records.push(record.clone()),
                DNSClass::NONE => state
                    .records
                    .retain(|one| (&one.name, &one.data) != (&record.name, &record.data)),
                class => panic!("an update of {class}"),
            }
        }
        state.most_records = state.most_records.max(state.records.len());
        let unsigned = answer.to_vec().unwrap();
        let context =
            TSigResponseContext::new(request.metadata.id, time, self.signer.clone(), mac, None);
        answer.set_signature(context.sign(&unsigned).unwrap());
        answer.to_vec().unwrap()
    }
}
