//! Endpoints and a worker for the tests of this crate.

use std::sync::Arc;
use std::time::Duration;

use portunus_base::{Mono, Rng};

use crate::{
    Address, Balancer, Endpoint, EndpointSet, EndpointState, Outcome, PickCx, PickLocal, Tried,
};

/// Endpoint `index` of this weight, at an address and with a state key of its own.
pub(crate) fn endpoint(index: u32, weight: u32) -> Endpoint {
    let [_, _, high, low] = index.to_be_bytes();
    let address = Address::Ip(([10, 0, high, low], 8080).into());
    Endpoint {
        name: format!("http://{address}"),
        authority: address.to_string(),
        address,
        weight,
        zone: None,
        backup: false,
        state: Arc::new(EndpointState::new(index)),
    }
}

pub(crate) fn endpoints(weights: &[u32]) -> Vec<Endpoint> {
    (0..).zip(weights).map(|(index, &weight)| endpoint(index, weight)).collect()
}

/// The endpoint cannot be connected to, and rests for a second.
pub(crate) fn rest(state: &EndpointState, now: Mono) {
    state.observe(Outcome::Unreachable, Duration::from_secs(1), None, now);
}

/// What a worker brings to a pick.
pub(crate) struct Picker {
    pub(crate) rng: Rng,
    pub(crate) local: PickLocal,
    pub(crate) tried: Tried,
    pub(crate) now: Mono,
    pub(crate) key: Option<u64>,
}

impl Picker {
    /// A worker whose rotation starts at the first endpoint.
    pub(crate) fn new() -> Self {
        let mut local = PickLocal::default();
        local.set_cursor(0);
        let (rng, tried) = (Rng::seeded(1), Tried::new());
        Self { rng, local, tried, now: Mono(0), key: None }
    }

    pub(crate) fn keyed(key: u64) -> Self {
        Self { key: Some(key), ..Self::new() }
    }

    pub(crate) fn cx(&mut self) -> PickCx<'_> {
        PickCx::new(self.now, &mut self.rng, &mut self.local, &self.tried).keyed(self.key)
    }

    /// One pick of one algorithm among one tier.
    pub(crate) fn pick(&mut self, balancer: &dyn Balancer, tier: &[Endpoint]) -> Option<usize> {
        balancer.pick(tier, &mut self.cx())
    }

    /// One pick of a set: the key of the endpoint's state.
    pub(crate) fn pick_of(&mut self, set: &EndpointSet) -> Option<u32> {
        set.pick(&mut self.cx()).map(|index| set.endpoints()[index].state.key())
    }

    /// Many picks, as letters.
    pub(crate) fn letters(
        &mut self,
        balancer: &dyn Balancer,
        tier: &[Endpoint],
        count: usize,
    ) -> String {
        let letter = |index: usize| char::from(b'a' + index as u8);
        (0..count).map(|_| self.pick(balancer, tier).map_or('-', letter)).collect()
    }
}
