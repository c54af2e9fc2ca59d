//! Records of dns-01 by dynamic updates: RFC 2136, signed as RFC 8945 says.
//!
//! Over TCP alone: each server must offer it (RFC 7766), and no answer is cut or forged there.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_proto::op::{Message, Query, ResponseCode, update_message};
use hickory_proto::rr::rdata::TXT;
use hickory_proto::rr::rdata::tsig::TsigAlgorithm as Algorithm;
use hickory_proto::rr::{Name, RData, Record, RecordSet, RecordType, TSigner};
use portunus_base::{Clock as _, SystemClock};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fault::{Fault, FaultKind};
use crate::plan::{Rfc2136, Tsig, TsigAlgorithm};

/// Writes records through one server.
#[derive(Clone, Copy)]
pub(crate) struct Updates<'a> {
    plan: &'a Rfc2136,
    server: SocketAddr,
}

/// A record that is there until it is removed.
pub(crate) struct Written {
    zone: Name,
    record: Record,
}

impl<'a> Updates<'a> {
    /// Finds the server.
    pub(crate) async fn open(plan: &'a Rfc2136) -> Result<Self, Fault> {
        let text = plan.server.as_str();
        let absent = |why: &dyn std::fmt::Display| {
            fault(format!("the DNS server {text}: {why}"), "check `server`")
        };
        let found = tokio::net::lookup_host(host_and_port(text)).await;
        let server = found.map_err(|error| absent(&error))?.next();
        Ok(Self { plan, server: server.ok_or_else(|| absent(&"it has no address"))? })
    }

    /// Adds the record that answers for a host. Others of that name stay: the host and its wildcard
    /// have one each.
    pub(crate) async fn add(&self, host: &str, value: String) -> Result<Written, Fault> {
        let name = dns_name(&format!("_acme-challenge.{host}"))?;
        let zone = self.zone(&name).await?;
        let record = Record::from_rdata(name, TTL_S, RData::TXT(TXT::new(vec![value])));
        let message =
            update_message::append(RecordSet::from(record.clone()), zone.clone(), false, false);
        self.update(message).await?;
        Ok(Written { zone, record })
    }

    /// Removes a record, and no other of its name.
    pub(crate) async fn remove(&self, written: &Written) -> Result<(), Fault> {
        let set = RecordSet::from(written.record.clone());
        self.update(update_message::delete_by_rdata(set, written.zone.clone(), false)).await
    }

    /// Waits until every server of the zones that answers has the records.
    pub(crate) async fn settle(&self, records: &[Written]) -> Result<(), Fault> {
        let all = async {
            for written in records {
                self.settle_one(written).await?;
            }
            Ok(())
        };
        let late = |_| {
            fault(
                "a record is not yet on all servers of its zone after 2 minutes",
                "check the transfers between them",
            )
        };
        tokio::time::timeout(SETTLE_MAX, all).await.map_err(late)?
    }

    async fn settle_one(&self, written: &Written) -> Result<(), Fault> {
        until_seen(self.server, written).await?;
        for server in self.servers(&written.zone).await? {
            if let Err(error) = until_seen(server, written).await {
                tracing::debug!(%server, %error, "a server of the zone is not waited for");
            }
        }
        Ok(())
    }

    /// The servers that the zone names, but for those that have no address.
    async fn servers(&self, zone: &Name) -> Result<Vec<SocketAddr>, Fault> {
        let answer = ask(self.server, zone.clone(), RecordType::NS).await?;
        let mut servers = Vec::new();
        for record in answer.answers {
            let RData::NS(name) = record.data else { continue };
            let name = name.0.to_ascii();
            if let Ok(found) = tokio::net::lookup_host((name.as_str(), DNS_PORT)).await {
                servers.extend(found.filter(|server| *server != self.server));
            }
        }
        Ok(servers)
    }

    /// The zone of a name: as written, or as the server says in a SOA record.
    async fn zone(&self, name: &Name) -> Result<Name, Fault> {
        let zone = match &self.plan.zone {
            Some(zone) => dns_name(zone)?,
            None => self.find_zone(name).await?,
        };
        if zone.zone_of(name) {
            return Ok(zone);
        }
        let what = format!("{name} is not in the zone {zone}");
        Err(fault(what, "leave `zone` away, or write that of the name"))
    }

    async fn find_zone(&self, name: &Name) -> Result<Name, Fault> {
        let mut at = name.clone();
        while !at.is_root() {
            let answer = ask(self.server, at.clone(), RecordType::SOA).await?;
            let mut records = answer.answers.iter().chain(&answer.authorities);
            if let Some(soa) = records.find(|record| record.record_type() == RecordType::SOA) {
                return Ok(soa.name.clone());
            }
            at = at.base_name();
        }
        let what = format!("{} knows no zone of {name}", self.server);
        Err(fault(what, "give the server of the zone, and write `zone`"))
    }

    async fn update(&self, mut message: Message) -> Result<(), Fault> {
        let server = self.server;
        let verifier = match &self.plan.tsig {
            Some(tsig) => {
                let now_s = SystemClock.wall().0 / 1_000_000;
                let signed = message.finalize(&signer(tsig)?, now_s);
                signed.map_err(|error| fault(format!("TSIG: {error}"), "check the key"))?
            }
            None => None,
        };
        let answer = exchange(server, &message).await?;
        let parsed = parse(server, &answer)?;
        if parsed.metadata.response_code != ResponseCode::NoError {
            return Err(refused(server, parsed.metadata.response_code));
        }
        let Some(mut verifier) = verifier else { return Ok(()) };
        verifier.verify(&answer).map(|_| ()).map_err(|error| {
            fault(
                format!("the answer of {server} is not signed as it should be: {error}"),
                KEY_HELP,
            )
        })
    }
}

/// The port is 53 unless it is written; an IPv6 address with a port has brackets.
fn host_and_port(text: &str) -> (&str, u16) {
    let split =
        text.rsplit_once(':').filter(|(host, _)| !host.contains(':') || host.ends_with(']'));
    let (host, port) =
        split.and_then(|(host, port)| Some((host, port.parse().ok()?))).unwrap_or((text, DNS_PORT));
    (host.trim_start_matches('[').trim_end_matches(']'), port)
}

/// Asks a server until it has the record, or fails to answer.
async fn until_seen(server: SocketAddr, written: &Written) -> Result<(), Fault> {
    let mut wait = Duration::from_millis(250);
    loop {
        let answer = ask(server, written.record.name.clone(), RecordType::TXT).await?;
        if answer.answers.iter().any(|record| record.data == written.record.data) {
            return Ok(());
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(5));
    }
}

async fn ask(server: SocketAddr, name: Name, kind: RecordType) -> Result<Message, Fault> {
    let mut message = Message::query();
    message.metadata.recursion_desired = false;
    message.add_query(Query::query(name, kind));
    let answer = exchange(server, &message).await?;
    parse(server, &answer)
}

async fn exchange(server: SocketAddr, message: &Message) -> Result<Vec<u8>, Fault> {
    let silent = |error: &dyn std::fmt::Display| {
        fault(
            format!("the DNS server {server}: {error}"),
            "check `server`, and that it takes TCP from here",
        )
    };
    let bytes = message.to_vec().map_err(|error| silent(&error))?;
    let answer = tokio::time::timeout(EXCHANGE_MAX, exchange_bytes(server, &bytes)).await;
    let answer =
        answer.map_err(|_| silent(&"no answer in 10 s"))?.map_err(|error| silent(&error))?;
    match answer.first_chunk::<2>() {
        Some(id) if u16::from_be_bytes(*id) == message.metadata.id => Ok(answer),
        _ => Err(silent(&"the answer is to another question")),
    }
}

/// One message each way, with its length in front: RFC 1035, section 4.2.2.
async fn exchange_bytes(server: SocketAddr, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(bytes.len()).map_err(std::io::Error::other)?;
    let framed = [&length.to_be_bytes(), bytes].concat();
    stream.write_all(&framed).await?;
    let mut answer = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

fn parse(server: SocketAddr, answer: &[u8]) -> Result<Message, Fault> {
    Message::from_vec(answer).map_err(|error| {
        fault(format!("{server} sent no message of DNS: {error}"), "check `server`")
    })
}

fn signer(tsig: &Tsig) -> Result<TSigner, Fault> {
    let algorithm = match tsig.algorithm {
        TsigAlgorithm::HmacSha256 => Algorithm::HmacSha256,
        TsigAlgorithm::HmacSha384 => Algorithm::HmacSha384,
        TsigAlgorithm::HmacSha512 => Algorithm::HmacSha512,
    };
    TSigner::new(tsig.key.bytes().to_vec(), algorithm, dns_name(&tsig.name)?, FUDGE_S)
        .map_err(|error| fault(format!("TSIG: {error}"), "check the key"))
}

fn dns_name(text: &str) -> Result<Name, Fault> {
    let mut name = Name::from_ascii(text)
        .map_err(|error| fault(format!("`{text}` is no name of DNS: {error}"), "correct it"))?;
    name.set_fqdn(true);
    Ok(name)
}

fn refused(server: SocketAddr, code: ResponseCode) -> Fault {
    let help = match code {
        ResponseCode::NotAuth => KEY_HELP,
        ResponseCode::Refused => "let the key update `_acme-challenge` names of the zone",
        ResponseCode::NotZone => "correct `zone`",
        _ => "read the log of the DNS server",
    };
    fault(format!("{server} did not take an update of DNS: {code}"), help)
}

fn fault(what: impl Into<String>, help: &str) -> Fault {
    Fault::new(FaultKind::Records, what, help)
}

const KEY_HELP: &str = "check `key_name`, `key` and `algorithm`, and the clocks of both machines";
const DNS_PORT: u16 = 53;
/// Nobody but the authority asks for it, and it must not see an old one.
const TTL_S: u32 = 1;
const FUDGE_S: u16 = 300;
const EXCHANGE_MAX: Duration = Duration::from_secs(10);
const SETTLE_MAX: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests;
