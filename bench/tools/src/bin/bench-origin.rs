//! The origin: fixed answers, chosen by the last segment of the path (`/1k`, `/100k`, `/100m`,
//! anything before it is ignored; every other path is answered like `/1k`). Keep-alive,
//! `Content-Length`, pipelining; requests with a body are not understood.
//!
//! `bench-origin --listen 127.0.0.1:8081 --threads 1`

use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result, bail};
use memchr::memmem;
use portunus_bench_tools::args::Args;
use portunus_bench_tools::{block_on, listen};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_local;

fn main() -> Result<()> {
    let args = Args::from_env()?;
    let listener = listen(args.required("listen")?)?;
    let answers = Arc::new(Answers::new());
    for _ in 1..args.optional("threads")?.unwrap_or(1) {
        let (listener, answers) = (listener.try_clone()?, Arc::clone(&answers));
        thread::spawn(move || serve(listener, answers));
    }
    serve(listener, answers)
}

/// Accepts on this thread for ever; the threads share the listening socket.
fn serve(listener: StdListener, answers: Arc<Answers>) -> Result<()> {
    block_on(async move {
        let listener = TcpListener::from_std(listener)?;
        loop {
            let (client, _) = listener.accept().await?;
            client.set_nodelay(true)?;
            spawn_local(answer_all(client, Arc::clone(&answers)));
        }
    })
}

/// Answers the requests of one connection in their order until it closes.
async fn answer_all(mut client: TcpStream, answers: Arc<Answers>) -> Result<()> {
    let mut buffer = vec![0; REQUEST_BYTES_MAX];
    let mut filled = 0;
    loop {
        let room = buffer.get_mut(filled..).unwrap_or_default();
        match client.read(room).await? {
            0 => return Ok(()),
            count => filled += count,
        }
        let mut done = 0;
        while let Some(head) = next_head(buffer.get(done..filled).unwrap_or_default()) {
            done += head.len();
            answers.of(head).send(&mut client).await?;
        }
        if done == 0 && filled == buffer.len() {
            bail!("the request is too long");
        }
        buffer.copy_within(done..filled, 0);
        filled -= done;
    }
}

/// The first whole request head in `bytes`, with the empty line that ends it.
fn next_head(bytes: &[u8]) -> Option<&[u8]> {
    bytes.get(..memmem::find(bytes, b"\r\n\r\n")? + 4)
}

struct Answers {
    small: Answer,
    middle: Answer,
    large: Answer,
}

impl Answers {
    fn new() -> Self {
        Self {
            small: Answer::new(1024, 1),
            middle: Answer::new(100 * 1024, 1),
            large: Answer::new(1024 * 1024, 100),
        }
    }

    fn of(&self, head: &[u8]) -> &Answer {
        let target = head.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
        match target.rsplit(|byte| *byte == b'/').next() {
            Some(b"100k") => &self.middle,
            Some(b"100m") => &self.large,
            _ => &self.small,
        }
    }
}

/// A head, and a body that is one block sent some times over.
struct Answer {
    head_and_block: Vec<u8>,
    block_bytes: usize,
    blocks: usize,
}

impl Answer {
    fn new(block_bytes: usize, blocks: usize) -> Self {
        let length = block_bytes * blocks;
        let mut head_and_block = format!(
            "HTTP/1.1 200 OK\r\nServer: bench-origin\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n\
             Content-Type: application/octet-stream\r\nContent-Length: {length}\r\n\r\n"
        )
        .into_bytes();
        head_and_block.resize(head_and_block.len() + block_bytes, b'x');
        Self { head_and_block, block_bytes, blocks }
    }

    async fn send(&self, client: &mut TcpStream) -> Result<()> {
        client.write_all(&self.head_and_block).await?;
        let head_bytes = self.head_and_block.len() - self.block_bytes;
        let block = self.head_and_block.get(head_bytes..).context("a block is never empty")?;
        for _ in 1..self.blocks {
            client.write_all(block).await?;
        }
        Ok(())
    }
}

const REQUEST_BYTES_MAX: usize = 16 * 1024;
