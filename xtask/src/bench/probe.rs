//! One request by hand, to see whether a proxy answers as it should.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::process;

/// The status and the number of bytes after the head.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub status: u16,
    pub body_bytes: u64,
}

/// A port of the loopback address that was free a moment ago.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Gets `path`; `None` while nobody listens on the port.
pub(crate) fn get(port: u16, path: &str, token: Option<&str>) -> Result<Option<Answer>> {
    let token = token.map_or_else(String::new, |it| format!("Authorization: Bearer {it}\r\n"));
    ask(port, &format!("GET {path} HTTP/1.1\r\nHost: bench.test\r\n{token}"))
}

/// Sends a head, to which the end is added.
fn ask(port: u16, head: &str) -> Result<Option<Answer>> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = match TcpStream::connect_timeout(&address, TIMEOUT) {
        Ok(stream) => stream,
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())?;
    read_answer(&mut stream).map(Some)
}

/// As [`get`], over TLS with whatever certificate.
pub(crate) fn get_over_tls(port: u16, path: &str, token: Option<&str>) -> Result<Option<Answer>> {
    let mut curl = process::command("curl")?;
    curl.args(["--silent", "--insecure", "--http1.1", "--max-time", "10", "--output", "/dev/null"]);
    curl.args(["--header", "Host: bench.test", "--write-out", "%{http_code} %{size_download}"]);
    if let Some(token) = token {
        curl.arg("--header").arg(format!("Authorization: Bearer {token}"));
    }
    curl.arg(format!("https://127.0.0.1:{port}{path}"));
    let said = String::from_utf8(curl.output()?.stdout)?;
    let (status, bytes) = said.split_once(' ').context("curl said nothing")?;
    let answer = Answer { status: status.parse()?, body_bytes: bytes.parse()? };
    Ok((answer.status != 0).then_some(answer))
}

/// Reads as much as the head announces, or to the end where it announces nothing.
fn read_answer(stream: &mut TcpStream) -> Result<Answer> {
    let mut buffer = vec![0; 64 * 1024];
    let mut filled = 0;
    let head = loop {
        let count = stream.read(buffer.get_mut(filled..).unwrap_or_default());
        let count = count.context("no answer")?;
        ensure!(count > 0, "no whole head");
        filled += count;
        if let Some(head) = Head::parse(buffer.get(..filled).unwrap_or_default())? {
            break head;
        }
    };
    let mut body_bytes = u64::try_from(filled - head.bytes)?;
    while head.announced != Some(body_bytes) {
        match stream.read(&mut buffer).context("a broken body")? {
            0 => break,
            count => body_bytes += u64::try_from(count)?,
        }
    }
    Ok(Answer { status: head.status, body_bytes })
}

#[derive(Debug, PartialEq)]
struct Head {
    status: u16,
    /// Its own length.
    bytes: usize,
    /// The length of the body, where the head tells it.
    announced: Option<u64>,
}

impl Head {
    fn parse(received: &[u8]) -> Result<Option<Self>> {
        let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = String::from_utf8_lossy(received.get(..end).unwrap_or_default());
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let announced = head
            .split("\r\n")
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, value)| value.trim().parse().ok());
        let status = status.context("no status")?;
        Ok(Some(Self { status, bytes: end + 4, announced }))
    }
}

const TIMEOUT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
