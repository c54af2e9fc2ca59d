//! One pick by each balancing algorithm of the registry, among few endpoints and among many.

use std::hint::black_box;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use portunus_balance::{
    Address, BALANCERS, BalancerFactory, Endpoint, EndpointSet, EndpointState, PickCx, PickLocal,
    Tried,
};
use portunus_base::{Mono, Rng};
use portunus_spec::{NoLookup, Node, Reader};

use super::Case;

pub(super) fn cases() -> Vec<Case> {
    let sizes = |factory| [3, 100].map(|endpoints| (factory, endpoints));
    let pairs = BALANCERS.iter().copied().flat_map(sizes);
    let case = |(factory, endpoints): (&'static dyn BalancerFactory, u32)| {
        let name = format!("balance/{}-{endpoints}", factory.name());
        Case::new(name, move || pick(factory, endpoints))
    };
    pairs.map(case).collect()
}

fn pick(factory: &dyn BalancerFactory, count: u32) -> Result<impl FnMut() + use<>> {
    let plan = factory.read(&Node::default(), &mut Reader::new(&NoLookup));
    let plan = plan.with_context(|| format!("{} has no defaults", factory.name()))?;
    let set = EndpointSet::build((0..count).map(endpoint).collect(), plan.as_ref(), None, 1);
    let keyed = factory.keyed();
    let (mut rng, mut local, tried) = (Rng::seeded(1), PickLocal::default(), Tried::new());
    let mut pick = move |turn: u64| {
        let key = keyed.then(|| turn.wrapping_mul(ODD));
        set.pick(&mut PickCx::new(NOW, &mut rng, &mut local, &tried).keyed(key))
    };
    ensure!(pick(0).is_some(), "{} picks nothing", factory.name());
    let mut turn = 0;
    Ok(move || {
        turn += 1;
        black_box(pick(black_box(turn)));
    })
}

/// An endpoint that has been at work: some requests in flight, and a latency.
fn endpoint(index: u32) -> Endpoint {
    let [_, _, high, low] = index.to_be_bytes();
    let address = Address::Ip(([10, 0, high, low], 8080).into());
    let state = EndpointState::new(index);
    (0..1 + index % 3).for_each(|_| state.begin());
    state.end(Some(1000 + 100 * u64::from(index % 7)), Mono(0));
    Endpoint {
        name: format!("http://{address}"),
        authority: address.to_string(),
        address,
        weight: 1,
        zone: None,
        backup: false,
        state: Arc::new(state),
    }
}

const NOW: Mono = Mono(1_000_000);
/// Spreads the keys over all 64 bits.
const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
