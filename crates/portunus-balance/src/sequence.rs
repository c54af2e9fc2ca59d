//! The smooth weighted rotation: an order of endpoints in which each comes by its weight, spread
//! evenly.

use crate::endpoint::Endpoint;

/// One round of the rotation, computed once.
#[derive(Debug)]
pub(crate) struct Sequence {
    order: Box<[u32]>,
}

impl Sequence {
    pub(crate) fn build(tier: &[Endpoint]) -> Self {
        let weights = tier.iter().map(|endpoint| endpoint.weight).collect();
        Self { order: smooth_order(reduced(weights)).into() }
    }

    /// Entries in one round.
    pub(crate) fn round(&self) -> u64 {
        self.order.len() as u64
    }

    /// The endpoint at a place of the endless rotation; `None` only when no endpoint has a weight.
    pub(crate) fn at(&self, cursor: u64) -> Option<usize> {
        let place = cursor.checked_rem(self.round())?;
        self.order.get(place as usize).map(|&index| index as usize)
    }
}

/// One round of nginx's smooth weighted round robin: each turn all gain their weight, the richest
/// is picked and pays the total. Weights 5, 1, 1 give `a a b a c a a`.
fn smooth_order(weights: Vec<u64>) -> Vec<u32> {
    let total: u64 = weights.iter().sum();
    let mut credits = vec![0_i64; weights.len()];
    let turn = |_| {
        for (credit, weight) in credits.iter_mut().zip(&weights) {
            *credit += *weight as i64;
        }
        let richest = credits.iter_mut().enumerate().rev().max_by_key(|(_, credit)| **credit)?;
        *richest.1 -= total as i64;
        Some(richest.0 as u32)
    };
    (0..total).filter_map(turn).collect()
}

/// The same proportions in small numbers, so that a round has at most [`ROUND_MAX`] entries, or
/// four an endpoint in a very large tier. Only where that is not possible exactly, small weights
/// gain a little.
fn reduced(weights: Vec<u32>) -> Vec<u64> {
    let divisor = weights.iter().copied().fold(0, gcd).max(1);
    let weights: Vec<u64> = weights.into_iter().map(|weight| (weight / divisor).into()).collect();
    let total: u64 = weights.iter().sum();
    let round_max = ROUND_MAX.max(4 * weights.len() as u64);
    if total <= round_max {
        return weights;
    }
    let scale = |weight: u64| match weight {
        0 => 0,
        _ => (weight as f64 * round_max as f64 / total as f64).round().max(1.0) as u64,
    };
    weights.into_iter().map(scale).collect()
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

const ROUND_MAX: u64 = 4_096;

#[cfg(test)]
mod tests;
