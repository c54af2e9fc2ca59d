//! What costs a client nothing is bounded, counted by kind, and answered by GOAWAY.

use portunus_h2::{Allowance, FloodKind, FloodLimits, H2Error, H2ErrorKind, ServerOptions};
use tokio::task::JoinHandle;

use crate::frames::{
    ACK, CONTINUATION, DATA, END_STREAM, Frames, HEADERS, Outcome, PING, PRIORITY, RST_STREAM,
    SETTINGS, WINDOW_UPDATE, block, frame, get, pair,
};
use crate::serve::{Log, run, serve, short_answer};

const ENHANCE_YOUR_CALM: u32 = 11;

async fn connected(options: ServerOptions) -> (Frames, JoinHandle<Result<(), H2Error>>) {
    let (io, mut frames) = pair();
    let served = serve(io, options, Log::default(), |_, mut body, answer| async move {
        while body.next().await.is_ok_and(|piece| !piece.is_empty()) {}
        short_answer(200, answer).await;
    });
    frames.begin(&[]).await;
    (frames, served)
}

/// Sends `flood` until the connection ends; by which kind it ended, and with which code.
fn flood(
    options: ServerOptions,
    begin: &[u8],
    mut flood: impl FnMut(u32) -> Vec<u8>,
) -> (FloodKind, Outcome) {
    run(async {
        let (mut frames, served) = connected(options).await;
        frames.write(begin).await;
        for round in 0..FRAMES_AT_MOST {
            if served.is_finished() || !frames.try_write(&flood(round)).await {
                break;
            }
            tokio::task::yield_now().await;
        }
        let error = served.await.unwrap().unwrap_err();
        let outcome = loop {
            match frames.outcome().await {
                Outcome::Status(_) | Outcome::Reset(_) => {}
                end => break end,
            }
        };
        let H2ErrorKind::Flood(kind) = error.kind else { panic!("{error}") };
        (kind, outcome)
    })
}

const FRAMES_AT_MOST: u32 = 20_000;

fn calm(kind: FloodKind) -> (FloodKind, Outcome) {
    (kind, Outcome::GoAway(ENHANCE_YOUR_CALM))
}

fn open(stream: u32) -> Vec<u8> {
    frame(HEADERS, 4, stream, &block(&get(&[])))
}

#[test]
fn pings() {
    let kind = flood(ServerOptions::default(), &[], |_| frame(PING, 0, 0, &[0; 8]));
    assert_eq!(kind, calm(FloodKind::Ping));
}

#[test]
fn settings() {
    let kind =
        flood(ServerOptions::default(), &[], |_| frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 100, 0]));
    assert_eq!(kind, calm(FloodKind::Settings));
}

#[test]
fn empty_data() {
    let kind = flood(ServerOptions::default(), &open(1), |_| frame(DATA, 0, 1, &[]));
    assert!([FloodKind::EmptyData, FloodKind::SmallData].contains(&kind.0), "{kind:?}");
    assert_eq!(kind.1, Outcome::GoAway(ENHANCE_YOUR_CALM));
}

#[test]
fn small_data() {
    // Nobody takes them.
    run(async {
        let (io, mut frames) = pair();
        let served =
            serve(io, ServerOptions::default(), Log::default(), |_, body, answer| async move {
                std::future::pending::<()>().await;
                drop((body, answer));
            });
        frames.begin(&[]).await;
        frames.write(&open(1)).await;
        for _ in 0..FRAMES_AT_MOST {
            if served.is_finished() || !frames.try_write(&frame(DATA, 0, 1, &[1])).await {
                break;
            }
            tokio::task::yield_now().await;
        }
        let error = served.await.unwrap().unwrap_err();
        assert_eq!(error.kind, H2ErrorKind::Flood(FloodKind::SmallData));
    });
}

#[test]
fn priorities_and_unknown_frames() {
    let kind = flood(ServerOptions::default(), &[], |_| frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 1]));
    assert_eq!(kind, calm(FloodKind::Priority));
    let kind = flood(ServerOptions::default(), &[], |_| frame(0xfa, 0, 1, &[]));
    assert_eq!(kind, calm(FloodKind::Priority));
}

#[test]
fn window_updates() {
    let kind = flood(ServerOptions::default(), &[], |_| frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]));
    assert_eq!(kind, calm(FloodKind::WindowUpdate));
}

#[test]
fn rapid_reset_one_by_one() {
    let kind = flood(ServerOptions::default(), &[], |round| {
        let stream = 2 * round + 1;
        [open(stream), frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat()
    });
    assert_eq!(kind, calm(FloodKind::Reset));
}

#[test]
fn rapid_reset_at_once() {
    let kind = flood(ServerOptions::default(), &[], |round| {
        let streams = (0..100).map(|at| 2 * (100 * round + at) + 1);
        streams
            .flat_map(|stream| [open(stream), frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat())
            .collect()
    });
    assert_eq!(kind, calm(FloodKind::Reset));
}

#[test]
fn faults_of_streams() {
    let kind = flood(ServerOptions::default(), &[], |round| {
        frame(HEADERS, 5, 2 * round + 1, &block(&get(&[("te", "gzip")])))
    });
    assert_eq!(kind, calm(FloodKind::Faults));
}

#[test]
fn streams_over_the_limit() {
    let options = ServerOptions { streams_max: 3, ..ServerOptions::default() };
    let kind = flood(options, &[], |round| open(2 * round + 1));
    assert_eq!(kind, calm(FloodKind::Faults));
}

#[test]
fn continuations() {
    let begin = frame(HEADERS, 0, 1, &block(&get(&[])));
    let kind = flood(ServerOptions::default(), &begin, |_| {
        frame(CONTINUATION, 0, 1, &block(&[("x-a", "1")]))
    });
    assert_eq!(kind, calm(FloodKind::Continuation));
}

#[test]
fn header_bomb() {
    let options = ServerOptions { header_bytes_max: 1000, ..ServerOptions::default() };
    let long = "v".repeat(120);
    let fields: Vec<_> = (0..100).map(|_| ("x-bomb", long.as_str())).collect();
    let bomb = frame(HEADERS, 5, 1, &block(&get(&fields)));
    let kind = flood(options, &[], |_| bomb.clone());
    assert_eq!(kind, calm(FloodKind::HeaderList));
}

#[test]
fn what_a_client_may_do_is_no_flood() {
    run(async {
        let (mut frames, served) = connected(ServerOptions::default()).await;
        for stream in (0..100).map(|at| 2 * at + 1) {
            frames.write(&open(stream)).await;
            frames.send(DATA, END_STREAM, stream, &[]).await;
            frames.send(PING, 0, 0, &[1; 8]).await;
            frames.send(PRIORITY, 0, stream, &[0, 0, 0, 0, 1]).await;
            frames.send(WINDOW_UPDATE, 0, 0, &[0, 0, 1, 0]).await;
            assert_eq!(frames.next_of(&[HEADERS]).await.unwrap().stream, stream);
        }
        frames.send(SETTINGS, ACK, 0, &[]).await;
        assert!(!served.is_finished());
        frames.end().await;
        assert_eq!(served.await.unwrap(), Ok(()));
    });
}

#[test]
fn limits_can_be_set() {
    let ping = Allowance { burst: 3, per_second: 0 };
    let floods = FloodLimits { ping, ..FloodLimits::default() };
    let options = ServerOptions { floods, ..ServerOptions::default() };
    let mut pings = 0;
    let kind = flood(options, &[], |_| {
        pings += 1;
        frame(PING, 0, 0, &[0; 8])
    });
    assert_eq!(kind, calm(FloodKind::Ping));
    assert!((4..10).contains(&pings), "{pings}");
}
