//! Laws over made-up input.

use portunus_h2::{ClientOptions, Server, ServerOptions, connect};
use portunus_http::RequestHead;
use proptest::prelude::*;
use tokio::task::spawn_local;

use crate::frames::{PREFACE, frame, pair};
use crate::serve::{run, short_answer, worker};

/// Frames of all kinds, with any payload, and bytes that are no frames.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let payload = prop::collection::vec(any::<u8>(), 0..60);
    let one = (0u8..12, any::<u8>(), 0u32..6, payload.clone());
    let framed =
        one.prop_map(|(kind, flags, stream, payload)| frame(kind, flags, stream, &payload));
    let pieces = prop::collection::vec(prop_oneof![8 => framed, 1 => payload], 0..20);
    pieces.prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_of_a_client_end_in_an_end(bytes in bytes()) {
        run(async {
            let (io, mut frames) = pair();
            frames.write(&[PREFACE, &frame(4, 0, 0, &[]), &bytes].concat()).await;
            frames.end().await;
            let options = ServerOptions::default();
            if let Ok(mut server) = Server::handshake(io, Vec::new(), &options, &worker()).await {
                while let Some(Ok(request)) = server.accept().await {
                    let _ = request.head_into(&mut RequestHead::default());
                    let (mut body, answer) = request.split();
                    spawn_local(async move {
                        while body.next().await.is_ok_and(|piece| !piece.is_empty()) {}
                        short_answer(200, answer).await;
                    });
                }
            }
        });
    }

    #[test]
    fn any_bytes_of_an_upstream_end_in_an_end(bytes in bytes()) {
        run(async {
            let (io, mut frames) = pair();
            frames.write(&[frame(4, 0, 0, &[]), bytes].concat()).await;
            let (_client, driver) = connect(io, &ClientOptions::default(), &worker()).await.unwrap();
            frames.end().await;
            let _ = driver.await;
        });
    }
}
