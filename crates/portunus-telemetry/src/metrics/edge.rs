//! What a listener counts before there is a request: TLS handshakes, and connections of HTTP/2 that went wrong.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::series::Cell;

/// One shard's part of a listener.
#[derive(Debug, Default)]
pub(super) struct EdgeCells {
    handshakes: [Cell; HANDSHAKES.len()],
    tls_errors: KindCells,
    h2_errors: KindCells,
}

impl EdgeCells {
    pub(super) fn handshake(&self, tls13: bool, resumed: bool) {
        let place = usize::from(tls13) * 2 + usize::from(resumed);
        self.handshakes.get(place).into_iter().for_each(|cell| cell.add(1));
    }

    pub(super) fn tls_error(&self, kind: &'static str) {
        self.tls_errors.count(kind);
    }

    pub(super) fn h2_error(&self, kind: &'static str) {
        self.h2_errors.count(kind);
    }
}

/// Counts by a word of the code's own. A word gets its place when it is first counted.
#[derive(Debug, Default)]
struct KindCells {
    places: [(OnceLock<&'static str>, Cell); KINDS_MAX],
    /// Words that found no place.
    other: Cell,
}

impl KindCells {
    fn count(&self, kind: &'static str) {
        let mut places = self.places.iter();
        let place = places.find(|(word, _)| *word.get_or_init(|| kind) == kind);
        place.map_or(&self.other, |(_, cell)| cell).add(1);
    }

    fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let known = self.places.iter().map_while(|(word, cell)| Some((*word.get()?, cell.load())));
        known.chain(std::iter::once(("other", self.other.load())))
    }
}

/// The sums of a listener over all shards.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct EdgeSums {
    /// Handshakes that succeeded, in the order of [`HANDSHAKES`].
    pub handshakes: [u64; HANDSHAKES.len()],
    /// Handshakes that failed, by kind.
    pub tls_errors: BTreeMap<&'static str, u64>,
    /// Connections of HTTP/2 that were ended because of what the client did, by kind.
    pub h2_errors: BTreeMap<&'static str, u64>,
}

impl EdgeSums {
    pub(super) fn add(&mut self, cells: &EdgeCells) {
        add(&mut self.handshakes, &cells.handshakes);
        add_kinds(&mut self.tls_errors, &cells.tls_errors);
        add_kinds(&mut self.h2_errors, &cells.h2_errors);
    }

    pub(super) fn subtract(&mut self, earlier: &Self) {
        subtract(&mut self.handshakes, &earlier.handshakes);
        subtract_kinds(&mut self.tls_errors, &earlier.tls_errors);
        subtract_kinds(&mut self.h2_errors, &earlier.h2_errors);
    }
}

fn add_kinds(sums: &mut BTreeMap<&'static str, u64>, cells: &KindCells) {
    cells.iter().for_each(|(kind, count)| *sums.entry(kind).or_default() += count);
}

fn subtract_kinds(sums: &mut BTreeMap<&'static str, u64>, earlier: &BTreeMap<&'static str, u64>) {
    for (kind, sum) in sums {
        *sum = sum.wrapping_sub(earlier.get(kind).copied().unwrap_or_default());
    }
}

/// Adds cells to sums.
pub(super) fn add(sums: &mut [u64], cells: &[Cell]) {
    sums.iter_mut().zip(cells).for_each(|(sum, cell)| *sum = sum.wrapping_add(cell.load()));
}

/// Takes earlier sums away.
pub(super) fn subtract(sums: &mut [u64], earlier: &[u64]) {
    sums.iter_mut().zip(earlier).for_each(|(sum, old)| *sum = sum.wrapping_sub(*old));
}

/// Handshakes that succeeded: the version, and whether a session was resumed.
pub const HANDSHAKES: [(&str, &str); 4] =
    [("1.2", "full"), ("1.2", "resumed"), ("1.3", "full"), ("1.3", "resumed")];
/// The most kinds of one thing.
const KINDS_MAX: usize = 24;
