//! `maglev`: the same key to the same endpoint, by one look into a table.

use std::sync::Arc;

use portunus_base::hash_pair;
use portunus_spec::{Node, Problem, Reader, Shape, Spanned, Spec, check, spec};

use crate::endpoint::Endpoint;
use crate::key::KeySource;
use crate::pick::{Balancer, PickCx};
use crate::registry::{BalancerFactory, BalancerPlan};

/// Maglev hashing (D. Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load
/// Balancer", NSDI 2016, section 3.4), with weights as in Envoy: a lighter endpoint skips turns.
///
/// More even than the ring and faster; when an endpoint leaves, slightly more keys of the others
/// move.
#[derive(Debug)]
pub(crate) struct Maglev {
    /// Index in the tier for each slot; a prime number of slots.
    table: Box<[u32]>,
}

impl Maglev {
    /// `size` is a prime number, larger than the number of endpoints.
    pub(crate) fn build(tier: &[Endpoint], size: u32) -> Self {
        let mut slots: Vec<Option<u32>> = vec![None; size as usize];
        let mut walks: Vec<Walk> = tier.iter().map(|endpoint| Walk::new(endpoint, size)).collect();
        let weight_max = tier.iter().map(|endpoint| endpoint.weight).max().unwrap_or(0);
        if weight_max == 0 {
            return Self { table: Box::default() };
        }
        let mut free = slots.len();
        while free > 0 {
            for (index, walk) in (0u32..).zip(&mut walks) {
                if free > 0 && walk.has_turn(weight_max) {
                    free -= usize::from(walk.claim(&mut slots, index));
                }
            }
        }
        Self { table: slots.into_iter().flatten().collect() }
    }

    fn slot(&self, hash: u64) -> Option<usize> {
        let slot = hash.checked_rem(self.table.len() as u64)?;
        self.table.get(slot as usize).map(|&index| index as usize)
    }
}

impl Balancer for Maglev {
    fn pick(&self, tier: &[Endpoint], cx: &mut PickCx<'_>) -> Option<usize> {
        let key = cx.key_or_random();
        let first = self.slot(key)?;
        if tier.get(first).is_some_and(|endpoint| cx.accepts(endpoint)) {
            return Some(first);
        }
        // Further hashes of the key spread the keys of a missing endpoint evenly over the others.
        let others = (1..=REHASHES_MAX).filter_map(|attempt| self.slot(hash_pair(key, attempt)));
        others
            .into_iter()
            .find(|&index| tier.get(index).is_some_and(|endpoint| cx.accepts(endpoint)))
            .or_else(|| cx.scan(tier, first))
    }
}

spec! {
    /// The same key to the same endpoint, by a table.
    pub(crate) struct MaglevSpec {
        short = key;
        /// What requests have in common that go to the same endpoint: client_ip, path, or one of
        /// header, cookie and query with a name.
        key: KeySource = KeySource::ClientIp,
        /// Slots of the table, a prime number, about a hundred times the number of endpoints or
        /// more. 65537 is right for hundreds of endpoints, 2039 for a few.
        table: Spanned<u32> = Spanned::none(65_537),
    }
}

impl BalancerPlan for MaglevSpec {
    fn build(&self, tier: &[Endpoint]) -> Box<dyn Balancer> {
        Box::new(Maglev::build(tier, self.table.value))
    }

    fn key(&self) -> Option<&KeySource> {
        Some(&self.key)
    }

    fn write(&self) -> Node {
        Spec::write(self)
    }
}

/// The entry of the registry.
pub(crate) static FACTORY: MaglevFactory = MaglevFactory;

pub(crate) struct MaglevFactory;

impl BalancerFactory for MaglevFactory {
    fn name(&self) -> &'static str {
        "maglev"
    }

    fn doc(&self) -> &'static str {
        "The same key to the same endpoint, by one look into a table: more even than hash, without \
         a bound on the load."
    }

    fn keyed(&self) -> bool {
        true
    }

    fn shape(&self) -> Shape {
        MaglevSpec::shape()
    }

    fn read(&self, node: &Node, reader: &mut Reader<'_>) -> Option<Arc<dyn BalancerPlan>> {
        let spec = MaglevSpec::read(node, reader)?;
        let fine = check(&spec.table, reader, |&table| match table {
            2..=TABLE_MAX if is_prime(table) => Ok(()),
            _ => Err(Problem::new("not a prime number in the range")
                .help("write 2039, 65537, or another prime number up to 5000011")),
        });
        fine.then(|| Arc::new(spec) as _)
    }
}

/// One endpoint's own order of all slots, and how far it has come.
struct Walk {
    slot: u64,
    skip: u64,
    size: u64,
    weight: u64,
    credit: u64,
}

impl Walk {
    fn new(endpoint: &Endpoint, size: u32) -> Self {
        let size = u64::from(size);
        let identity = endpoint.identity();
        Self {
            slot: hash_pair(identity, 0) % size,
            skip: hash_pair(identity, 1) % (size - 1).max(1) + 1,
            size,
            weight: endpoint.weight.into(),
            credit: 0,
        }
    }

    /// True when the endpoint claims a slot in this round: in each one at full weight, else in
    /// some.
    fn has_turn(&mut self, weight_max: u32) -> bool {
        self.credit += self.weight;
        let turn = self.credit >= u64::from(weight_max);
        if turn {
            self.credit -= u64::from(weight_max);
        }
        turn
    }

    /// Claims the next free slot of the walk; a prime size makes the walk meet every slot.
    fn claim(&mut self, slots: &mut [Option<u32>], index: u32) -> bool {
        for _ in 0..self.size {
            let here = self.slot as usize;
            self.slot = (self.slot + self.skip) % self.size;
            if let Some(slot @ None) = slots.get_mut(here) {
                *slot = Some(index);
                return true;
            }
        }
        false
    }
}

fn is_prime(number: u32) -> bool {
    let divisors = (2..).take_while(|divisor| divisor * divisor <= number);
    number >= 2 && divisors.into_iter().all(|divisor| !number.is_multiple_of(divisor))
}

const TABLE_MAX: u32 = 5_000_011;
const REHASHES_MAX: u64 = 8;

#[cfg(test)]
mod tests;
