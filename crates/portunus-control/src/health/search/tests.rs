use std::collections::VecDeque;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::Frame;
use portunus_compile::{HealthAsk, Registries};
use portunus_config::{Env, load_text};

use super::*;
use crate::World;

/// A body of these pieces that never ends, unless it is said to.
struct Pieces(VecDeque<&'static [u8]>, bool);

impl Body for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        match self.0.pop_front() {
            Some(piece) => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(piece))))),
            None if self.1 => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

fn wanted(text: &str) -> BodyText {
    let world = World::new("test", Env::default(), Registries { filters: &[] });
    let health = format!("{{path: /, body: {text}}}");
    let text = format!(
        "upstreams: {{up: {{endpoints: http://10.0.0.1, health: {health}}}}}\nhosts: {{'*': {{routes: {{/: up}}}}}}"
    );
    let loaded = load_text("portunus.yaml", &text, &Env::default());
    let (compiled, _) = world.compile(loaded.spec.as_ref().unwrap(), Path::new("."), None);
    match compiled.unwrap().upstreams[0].health.clone().unwrap().ask {
        HealthAsk::Http(ask) => ask.body.unwrap(),
        _ => panic!("no path"),
    }
}

async fn search(text: &str, pieces: &[&'static [u8]], ends: bool) -> bool {
    let (wanted, searches) = (wanted(text), Arc::new(Searches::new(1)));
    let body = Pieces(pieces.iter().copied().collect(), ends);
    Search::new(&wanted, &searches).found_in(body).await
}

#[tokio::test]
async fn a_text_is_found_as_soon_as_it_is_there_in_a_body_that_never_ends() {
    for text in ["ready", "'~ re+a(d)y'"] {
        assert!(search(text, &[b"data: rea", b"dy\n\n"], false).await, "{text}");
        // One piece is looked at at once, and a small one that follows when nothing follows it.
        assert!(search(text, &[b"data: something else\n\n", b"data: ready"], false).await);
        assert!(search(text, &[b"x", b"ready"], true).await && !search(text, &[b"x"], true).await);
    }
}

#[tokio::test]
async fn only_the_beginning_is_looked_at() {
    static MUCH: [u8; BODY_BYTES_MAX] = [b'x'; BODY_BYTES_MAX];
    assert!(!search("ready", &[&MUCH, b"ready"], false).await);
    assert!(!search("ready", &[&MUCH[3..], b"ready"], false).await);
    assert!(search("ready", &[&MUCH[5..], b"ready"], false).await);
}
