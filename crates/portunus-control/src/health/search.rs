//! The search for a text in a body, while that still comes in.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Body;
use portunus_compile::BodyText;
use tokio::sync::Semaphore;

use super::probe::{BODY_BYTES_MAX, add};

/// Bounds the searches for patterns that run at once.
pub(super) type Searches = Semaphore;

/// A search for a text.
pub(super) struct Search<'w> {
    wanted: &'w BodyText,
    searches: &'w Arc<Searches>,
    bytes: Vec<u8>,
    /// How many of the bytes were searched.
    seen: usize,
}

impl<'w> Search<'w> {
    pub(super) fn new(wanted: &'w BodyText, searches: &'w Arc<Searches>) -> Self {
        Self { wanted, searches, bytes: Vec::new(), seen: 0 }
    }

    /// Whether the text is in the beginning of a body. It ends as soon as that is known: a body may never end.
    pub(super) async fn found_in<B>(mut self, mut body: B) -> bool
    where
        B: Body<Data = Bytes> + Unpin,
    {
        while self.bytes.len() < BODY_BYTES_MAX {
            match tokio::time::timeout(LULL, body.frame()).await {
                Ok(Some(Ok(frame))) => {
                    frame.data_ref().into_iter().for_each(|piece| add(&mut self.bytes, piece));
                    // Looking again at twice as much costs no more than looking at all of it, however small the pieces.
                    if self.bytes.len() / 2 >= self.seen && self.is_there().await {
                        return true;
                    }
                }
                // It broke off, perhaps: there may be enough of it.
                Ok(_) => break,
                Err(_) if self.is_there().await => return true,
                Err(_) => {}
            }
        }
        self.is_there().await
    }

    async fn is_there(&mut self) -> bool {
        if self.seen == self.bytes.len() {
            return false;
        }
        self.seen = self.bytes.len();
        if self.wanted.is_pattern() {
            self.is_pattern_there().await
        } else {
            self.wanted.is_in(&self.bytes)
        }
    }

    /// On a thread of its own: the one of all checks does not wait for it.
    async fn is_pattern_there(&mut self) -> bool {
        let Ok(turn) = Arc::clone(self.searches).acquire_owned().await else { return false };
        let (wanted, bytes) = (self.wanted.clone(), self.bytes.clone());
        let search = tokio::task::spawn_blocking(move || {
            let is_there = wanted.is_in(&bytes);
            drop(turn);
            is_there
        });
        search.await.unwrap_or(false)
    }
}

/// After this time without another piece, what there is is searched.
const LULL: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests;
