//! Flow control joined end to end: who is slow makes the other side slow.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::rc::Rc;
use std::task::{Context, Poll};

use portunus_h2::ServerOptions;
use portunus_http::Framing;
use portunus_net::{Io, Layer};

use crate::frames::{
    ACK, DATA, END_STREAM, HEADERS, PING, WINDOW_UPDATE, block, frame, get, number, pair,
};
use crate::serve::{Log, response, run, serve};

#[test]
fn an_answer_waits_for_the_windows_of_its_client() {
    run(async {
        let (io, mut frames) = pair();
        let sent = Rc::new(Cell::new(0));
        let told = Rc::clone(&sent);
        serve(io, ServerOptions::default(), Log::default(), move |_, _, mut answer| {
            let told = Rc::clone(&told);
            async move {
                answer.head(&response(200), Framing::Chunked).unwrap();
                for piece in 0..10u8 {
                    answer.body(&[piece; 7]).await.unwrap();
                    answer.flush().await.unwrap();
                    told.set(told.get() + 7);
                }
                answer.end(None);
                answer.flush().await.unwrap();
            }
        });
        // SETTINGS_INITIAL_WINDOW_SIZE
        frames.begin(&[(4, 10)]).await;
        frames.headers(END_STREAM, 1, &get(&[])).await;
        let mut received = Vec::new();
        while received.len() < 10 {
            received.extend(frames.next_of(&[DATA]).await.unwrap().payload);
        }
        frames.send(PING, 0, 0, b"all sent").await;
        let next = frames.next_of(&[PING, DATA]).await.unwrap();
        assert_eq!((next.kind, next.flags), (PING, ACK), "no byte beyond the window");
        assert_eq!(sent.get(), 7, "the second piece is half sent");
        let mut granted = 10;
        while received.len() < 70 {
            granted += 3;
            frames.send(WINDOW_UPDATE, 0, 1, &3u32.to_be_bytes()).await;
            let piece = frames.next_of(&[DATA]).await.unwrap();
            received.extend(piece.payload);
            assert!(received.len() <= granted);
        }
        let expected: Vec<u8> = (0..10u8).flat_map(|piece| [piece; 7]).collect();
        assert_eq!(received, expected);
    });
}

#[test]
fn a_window_is_given_back_as_pieces_are_consumed() {
    run(async {
        let (io, mut frames) = pair();
        let options = ServerOptions { stream_window_bytes: 1000, ..ServerOptions::default() };
        let gate = Rc::new(tokio::sync::Semaphore::new(0));
        let consumer = Rc::clone(&gate);
        serve(io, options, Log::default(), move |_, mut body, mut answer| {
            let gate = Rc::clone(&consumer);
            async move {
                loop {
                    gate.acquire().await.unwrap().forget();
                    if body.next().await.unwrap().is_empty() {
                        break;
                    }
                }
                answer.head(&response(200), Framing::None).unwrap();
                answer.end(None);
                answer.flush().await.unwrap();
            }
        });
        frames.begin(&[]).await;
        let settings = frames.next().await.unwrap();
        assert!(settings.payload.chunks(6).any(|pair| pair == [0, 4, 0, 0, 3, 232]));
        frames.send(4, ACK, 0, &[]).await;
        frames.headers(0, 1, &get(&[])).await;
        frames.send(DATA, 0, 1, &[1; 1000]).await;
        gate.add_permits(1);
        frames.send(PING, 0, 0, b"consumed").await;
        let update = frames.next_of(&[PING, WINDOW_UPDATE]).await;
        let update = match update {
            Some(frame) if frame.stream == 0 && frame.kind == WINDOW_UPDATE => {
                frames.next_of(&[PING, WINDOW_UPDATE]).await
            }
            other => other,
        };
        assert_eq!(update.unwrap().kind, PING, "the piece is held: no update for the stream");
        gate.add_permits(1);
        let update = loop {
            let update = frames.next_of(&[WINDOW_UPDATE]).await.unwrap();
            if update.stream == 1 {
                break update;
            }
        };
        assert_eq!(number(&update.payload), 1000);
        frames.send(DATA, END_STREAM, 1, &[2; 1000]).await;
        gate.add_permits(10);
        assert!(frames.next_of(&[HEADERS]).await.is_some());
    });
}

/// Passes bytes on as they are, and counts the writes.
#[derive(Debug)]
struct CountedWrites {
    socket: Io,
    writes: Rc<Cell<usize>>,
}

impl Layer for CountedWrites {
    fn socket(&self) -> &Io {
        &self.socket
    }

    fn try_read(&self, buf: &mut Vec<u8>) -> io::Result<usize> {
        self.socket.try_read(buf)
    }

    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_readable(cx)
    }

    fn try_write(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        self.writes.set(self.writes.get() + 1);
        self.socket.try_write(bytes)
    }

    fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_flush(cx)
    }

    fn shutdown_write(&self) {
        self.socket.shutdown_write();
    }
}

#[test]
fn the_answers_of_a_turn_leave_in_one_write() {
    run(async {
        let (socket, mut frames) = pair();
        let writes = Rc::new(Cell::new(0));
        let io = Io::Layered(Box::new(CountedWrites { socket, writes: Rc::clone(&writes) }));
        serve(io, ServerOptions::default(), Log::default(), |_, _, mut answer| async move {
            answer.head(&response(200), Framing::Length(1000)).unwrap();
            answer.body(&[1; 1000]).await.unwrap();
            answer.end(None);
            answer.flush().await.unwrap();
        });
        frames.begin(&[]).await;
        frames.send(PING, 0, 0, b"settled?").await;
        frames.next_of(&[PING]).await.unwrap();
        writes.set(0);
        let requests = [1, 3, 5, 7, 9].map(|id| frame(HEADERS, 5, id, &block(&get(&[]))));
        frames.write(&requests.concat()).await;
        for _ in 0..5 {
            let piece = frames.next_of(&[DATA]).await.unwrap();
            assert_eq!((piece.flags, piece.payload.len()), (END_STREAM, 1000));
        }
        assert_eq!(writes.get(), 1);
    });
}
