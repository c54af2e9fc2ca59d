//! What operators wish of endpoints, kept apart from the endpoints: one that is gone for a moment finds its drain and
//! its weight again when it comes back.
//!
//! A wish is for an address, or for a name with all the addresses that it has or will have. Of several that are for one
//! endpoint, the newest counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use portunus_balance::{Address, Endpoint};
use portunus_discovery::Discovered;

/// The wishes of now. Whoever serves endpoints reads them.
#[derive(Debug, Default)]
pub(crate) struct Wishes(ArcSwap<WishTable>);

/// All wishes.
#[derive(Clone, Debug, Default)]
pub(crate) struct WishTable {
    /// Grows by one with each change.
    version: u64,
    wishes: BTreeMap<Place, Said>,
}

/// Which endpoints of which upstream a wish is for, and what it is about.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Place {
    upstream: String,
    called: Called,
    what: What,
}

#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Called {
    Address(String),
    Name(String),
}

/// What a wish is about.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum What {
    Drain,
    Weight,
}

/// What somebody said.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Said {
    /// The weight, 0 for a drain; `None` for what the configuration says, though an older wish says something else.
    wish: Option<u32>,
    /// The version of the change.
    at: u64,
}

/// Wishes for endpoints that are not there now.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Absent {
    pub(crate) drain: bool,
    pub(crate) weight: Option<u32>,
}

impl Wishes {
    pub(crate) fn load(&self) -> Arc<WishTable> {
        self.0.load_full()
    }

    /// Replaces them. Only control does, and only from what it has just loaded.
    pub(crate) fn store(&self, table: WishTable) {
        self.0.store(Arc::new(table));
    }

    /// Ends the weights that say what was found. That is a change too.
    pub(crate) fn settle(&self, upstream: &str, found: &[Discovered]) {
        if self.load().settled(upstream, found).is_some() {
            self.0.rcu(|table| match table.settled(upstream, found) {
                Some(settled) => Arc::new(settled),
                None => Arc::clone(table),
            });
        }
    }
}

impl WishTable {
    /// The version of the last change.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Counts one more change.
    pub(crate) fn next_version(&mut self) {
        self.version += 1;
    }

    /// Whether the operator lets an endpoint drain.
    pub(crate) fn drains(&self, upstream: &str, name: &str, address: &Address) -> bool {
        self.newest(What::Drain, upstream, name, address).is_some()
    }

    /// The weight that the operator gives an endpoint, if any.
    pub(crate) fn weight(&self, upstream: &str, name: &str, address: &Address) -> Option<u32> {
        self.newest(What::Weight, upstream, name, address)
    }

    fn newest(&self, what: What, upstream: &str, name: &str, address: &Address) -> Option<u32> {
        // Nearly always there is no wish at all.
        if self.wishes.is_empty() {
            return None;
        }
        let both = [Called::Name(name.to_owned()), Called::Address(address.to_string())];
        let said = both.map(|called| {
            self.wishes.get(&Place { upstream: upstream.to_owned(), called, what }).copied()
        });
        said.into_iter().flatten().max_by_key(|said| said.at)?.wish
    }

    /// Takes a wish for the endpoints that are called so; `all` are those of the upstream, those that are meant among
    /// them. `None` takes wishes back. Answers whether that changes something.
    ///
    /// # Errors
    /// There are too many.
    pub(crate) fn set(
        &mut self,
        what: What,
        upstream: &str,
        called: &str,
        wish: Option<u32>,
        all: &[Endpoint],
    ) -> Result<bool, TooMany> {
        let before = self.wishes.clone();
        let meant: Vec<&Endpoint> = all.iter().filter(|one| is_called(one, called)).collect();
        let at = self.version + 1;
        let mut is_excepted = false;
        if wish.is_none() {
            self.wishes.retain(|place, said| {
                let is_about = place.upstream == upstream && place.what == what;
                if !is_about || said.wish.is_none() {
                    return true;
                }
                let its: Vec<&Endpoint> = all.iter().filter(|one| place.called.is(one)).collect();
                let is_it = |one: &&Endpoint| meant.iter().any(|it| std::ptr::eq(*it, *one));
                let keeps = if its.is_empty() {
                    !place.called.is_called(called)
                } else {
                    !its.iter().all(is_it)
                };
                is_excepted |= keeps && its.iter().any(is_it);
                keeps
            });
        }
        let places = match meant.is_empty() {
            true => self.places_called(what, upstream, called),
            false => Called::of(&meant, called),
        };
        for called in places {
            let place = Place { upstream: upstream.to_owned(), called, what };
            match self.wishes.get(&place) {
                Some(said) if said.wish == wish && self.is_so(what, upstream, &meant, wish) => {}
                _ if wish.is_some() || is_excepted => {
                    self.wishes.insert(place, Said { wish, at });
                }
                _ => {
                    self.wishes.remove(&place);
                }
            }
        }
        if self.wishes.len() > WISHES_MAX && self.wishes.len() > before.len() {
            self.wishes = before;
            return Err(TooMany);
        }
        self.forget_exceptions();
        Ok(self.wishes != before)
    }

    /// What there are wishes for, among what is called so.
    fn places_called(&self, what: What, upstream: &str, called: &str) -> Vec<Called> {
        let is_it = |place: &&Place| {
            place.what == what && place.upstream == upstream && place.called.is_called(called)
        };
        self.wishes.keys().filter(is_it).map(|place| place.called.clone()).collect()
    }

    /// Whether all of these are as wished already.
    fn is_so(&self, what: What, upstream: &str, meant: &[&Endpoint], wish: Option<u32>) -> bool {
        let now = |one: &&Endpoint| self.newest(what, upstream, &one.name, &one.address);
        meant.iter().all(|one| now(one) == wish)
    }

    /// Takes back all wishes, or those for one upstream. Answers whether there were any.
    pub(crate) fn reset(&mut self, upstream: Option<&str>) -> bool {
        let before = self.wishes.len();
        self.wishes.retain(|place, _| upstream.is_some_and(|name| place.upstream != name));
        self.wishes.len() != before
    }

    /// Whether there is a wish for an upstream, or for endpoints of it that are called so.
    pub(crate) fn knows(&self, upstream: &str, called: Option<&str>) -> bool {
        let is_it = |place: &Place| called.is_none_or(|called| place.called.is_called(called));
        self.wishes.keys().any(|place| place.upstream == upstream && is_it(place))
    }

    /// The upstreams that there are wishes for, with the wishes that none of their endpoints of now has: by what is
    /// called so.
    pub(crate) fn absent<'e>(
        &self,
        endpoints: impl Fn(&str) -> Option<&'e [Endpoint]>,
    ) -> BTreeMap<(String, String), Absent> {
        let mut absent: BTreeMap<(String, String), Absent> = BTreeMap::new();
        for (Place { upstream, called, what }, said) in &self.wishes {
            let Some(wish) = said.wish else { continue };
            let there = endpoints(upstream).unwrap_or_default();
            if there.iter().any(|one| called.is(one)) {
                continue;
            }
            let place = (upstream.clone(), called.text().to_owned());
            let found = absent.entry(place).or_default();
            match what {
                What::Drain => found.drain = true,
                What::Weight => found.weight = Some(wish),
            }
        }
        absent
    }

    /// Without the weights that are those that were found; `None` where there are none.
    fn settled(&self, upstream: &str, found: &[Discovered]) -> Option<Self> {
        let is_settled = |place: &Place, said: &Said| {
            let is_it = |one: &&Discovered| place.called.is_at(&one.name, &one.address);
            let mut its = found.iter().filter(is_it).peekable();
            place.what == What::Weight
                && place.upstream == upstream
                && its.peek().is_some()
                && its.all(|one| said.wish == Some(one.weight))
        };
        let count = self.wishes.iter().filter(|(place, said)| is_settled(place, said)).count();
        let mut next = (count > 0).then(|| self.clone())?;
        next.wishes.retain(|place, said| !is_settled(place, said));
        next.forget_exceptions();
        next.version += 1;
        Some(next)
    }

    /// An exception is there for the wishes that it is one of.
    fn forget_exceptions(&mut self) {
        let wishes = self.wishes.clone();
        self.wishes.retain(|place, said| {
            let is_older = |(other, its): (&Place, &Said)| {
                other.upstream == place.upstream
                    && other.what == place.what
                    && its.wish.is_some()
                    && its.at < said.at
            };
            said.wish.is_some() || wishes.iter().any(is_older)
        });
    }
}

impl Called {
    /// What is meant by a name: the address, or each of the names that may be meant.
    fn of(meant: &[&Endpoint], called: &str) -> Vec<Self> {
        if meant.iter().any(|one| one.address.to_string() == called) {
            return vec![Self::Address(called.to_owned())];
        }
        let mut names: Vec<Self> = meant.iter().map(|one| Self::Name(one.name.clone())).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn is(&self, endpoint: &Endpoint) -> bool {
        self.is_at(&endpoint.name, &endpoint.address)
    }

    fn is_at(&self, name: &str, address: &Address) -> bool {
        match self {
            Self::Address(known) => address.to_string() == *known,
            Self::Name(known) => name == known,
        }
    }

    fn is_called(&self, called: &str) -> bool {
        self.text() == called || without_scheme(self.text()) == called
    }

    fn text(&self) -> &str {
        match self {
            Self::Address(text) | Self::Name(text) => text,
        }
    }
}

/// An endpoint is called by its address, or by what is written: its URL, or the host and port in it. A host that has
/// several addresses stands for all of them.
pub(crate) fn is_called(endpoint: &Endpoint, called: &str) -> bool {
    endpoint.name == called
        || without_scheme(&endpoint.name) == called
        || endpoint.address.to_string() == called
}

fn without_scheme(name: &str) -> &str {
    name.split_once("://").map_or(name, |(_, rest)| rest)
}

/// There are as many wishes as there may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct TooMany;

/// How many wishes are kept: those for endpoints that never come back are too, until they are reset.
const WISHES_MAX: usize = 10_000;

#[cfg(test)]
mod tests;
