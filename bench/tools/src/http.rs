//! The little HTTP/1.1 that a benchmark needs: one GET, and where its answer ends.

use anyhow::{Context, Result, bail};
use memchr::memmem;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// A keep-alive GET of `path`.
#[must_use]
pub fn request(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: bench.test\r\n\r\n").into_bytes()
}

/// Sends `request` and reads the whole answer into `buffer`, which is only working space.
///
/// # Errors
/// When the connection fails or closes, or the answer is not a 200 with a `Content-Length`.
pub async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    request: &[u8],
    buffer: &mut [u8],
) -> Result<()> {
    stream.write_all(request).await?;
    let (filled, total) = read_head(stream, buffer).await?;
    let mut left = total.checked_sub(filled).context("bytes after the answer")?;
    while left > 0 {
        match stream.read(buffer).await? {
            0 => bail!("closed within the body"),
            count => left = left.checked_sub(count).context("bytes after the answer")?,
        }
    }
    Ok(())
}

/// Reads until the head is whole; gives the bytes read and the length of the whole answer.
async fn read_head<S: AsyncRead + Unpin>(
    stream: &mut S,
    buffer: &mut [u8],
) -> Result<(usize, usize)> {
    let mut filled = 0;
    loop {
        let room = buffer.get_mut(filled..).filter(|room| !room.is_empty());
        let count = stream.read(room.context("the head is too long")?).await?;
        if count == 0 {
            bail!("closed before the answer");
        }
        filled += count;
        if let Some(total) = answer_length(buffer.get(..filled).unwrap_or_default())? {
            return Ok((filled, total));
        }
    }
}

/// The length of the answer that begins `bytes`, or `None` while its head is not whole.
///
/// # Errors
/// When it is not a 200 with a `Content-Length`.
pub fn answer_length(bytes: &[u8]) -> Result<Option<usize>> {
    let Some(head) = Head::parse(bytes)? else { return Ok(None) };
    if head.status != 200 {
        bail!("the answer is not a 200: {}", head.status);
    }
    let body = head.body_bytes.context("the answer has no Content-Length")?;
    Ok(Some(head.bytes + body))
}

/// What matters of the head of an answer.
#[derive(Debug, PartialEq)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// The length of the head itself.
    pub bytes: usize,
    /// The length of the body, where the head tells it.
    pub body_bytes: Option<usize>,
    /// Whether the connection closes after the answer.
    pub closes: bool,
}

impl Head {
    /// Reads the head that begins `bytes`; `None` while it is not whole.
    ///
    /// # Errors
    /// When it is not HTTP/1.
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>> {
        let Some(end) = memmem::find(bytes, b"\r\n\r\n") else { return Ok(None) };
        let text = std::str::from_utf8(bytes.get(..end).unwrap_or_default())?;
        let mut lines = text.split("\r\n");
        let first = lines.next().unwrap_or_default();
        let status = first.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1));
        let status = status.with_context(|| format!("no status in {first}"))?.parse()?;
        let mut head = Self { status, bytes: end + 4, body_bytes: None, closes: false };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            if name.eq_ignore_ascii_case("content-length") {
                head.body_bytes = Some(value.trim().parse()?);
            } else if name.eq_ignore_ascii_case("connection") {
                head.closes = value.trim().eq_ignore_ascii_case("close");
            }
        }
        Ok(Some(head))
    }
}
