//! Clients that stay at their endpoint by a cookie: read before an endpoint is chosen, written when another one has
//! answered.

use std::sync::Arc;

use portunus_exchange::Exchange;
use portunus_http::{Header, HeaderId, HeaderList, list_items};
use portunus_upstream::{Picked, StickyPlan, Upstream};

use crate::run::{Attempt, Run};

/// Where the client of one exchange stays.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Stay {
    /// Its cookie was not looked at.
    #[default]
    Unread,
    /// It has no cookie that means an endpoint of now.
    Nowhere,
    /// At the endpoint whose state has this key.
    At(u32),
    /// Its cookie means this endpoint, which has failed.
    Left(u32),
}

impl Stay {
    /// Another attempt must go elsewhere.
    pub(crate) fn leave(&mut self) {
        if let Self::At(key) = *self {
            *self = Self::Left(key);
        }
    }

    /// The client has an endpoint that no other one stands in for.
    pub(crate) fn is_kept(self) -> bool {
        matches!(self, Self::At(_))
    }

    /// Whether the client's cookie means the endpoint already.
    fn is_of(self, picked: &Picked) -> bool {
        matches!(self, Self::At(key) | Self::Left(key) if key == picked.endpoint().state.key())
    }
}

/// The endpoint where the client stays, if it may.
pub(crate) fn endpoint(run: &Run<'_>, upstream: &Arc<Upstream>, stay: &mut Stay) -> Option<Picked> {
    let plan = upstream.plan.sticky.as_ref()?;
    let picked = match *stay {
        Stay::Unread => {
            let marked = marked(run, upstream, plan);
            *stay = match &marked {
                Some(picked) => Stay::At(picked.endpoint().state.key()),
                None => Stay::Nowhere,
            };
            marked?
        }
        // The endpoints may be others than at the first attempt.
        Stay::At(key) => run.local.keyed(upstream, key)?,
        Stay::Nowhere | Stay::Left(_) => return None,
    };
    picked.keeps(run.local.worker.now()).then_some(picked)
}

/// The endpoint that the client's cookie means. The cookie is ours: where that is wanted, the upstream does not see it.
fn marked(run: &Run<'_>, upstream: &Arc<Upstream>, plan: &StickyPlan) -> Option<Picked> {
    let mut exchange = run.exchange.borrow_mut();
    let name = plan.name.as_bytes();
    // One of another path or domain may stand before ours.
    let marked =
        values(&exchange.request.headers, name).find_map(|mark| run.local.marked(upstream, mark));
    if plan.hide && values(&exchange.request.headers, name).next().is_some() {
        hide(&mut exchange.request.headers, name);
    }
    marked
}

/// The values of all cookies of that name.
fn values<'h>(headers: &'h HeaderList, name: &[u8]) -> impl Iterator<Item = &'h [u8]> {
    let pairs = headers.values_of(HeaderId::Cookie).flat_map(|value| value.split(|&b| b == b';'));
    pairs.filter_map(move |pair| {
        let (found, value) = pair.split_at_checked(pair.iter().position(|&b| b == b'=')?)?;
        (found.trim_ascii() == name).then(|| value.get(1..).unwrap_or_default().trim_ascii())
    })
}

/// Takes all cookies of that name out of a request.
fn hide(headers: &mut HeaderList, name: &[u8]) {
    let is_other = |pair: &&[u8]| {
        let found = pair.split(|&byte| byte == b'=').next().unwrap_or_default();
        !pair.is_empty() && found.trim_ascii() != name
    };
    let pairs = headers.values_of(HeaderId::Cookie).flat_map(|value| value.split(|&b| b == b';'));
    let kept = pairs.map(<[u8]>::trim_ascii).filter(is_other).collect::<Vec<_>>().join(&b"; "[..]);
    match kept.is_empty() {
        true => _ = headers.remove_id(HeaderId::Cookie),
        false => headers.set_id(HeaderId::Cookie, &kept),
    }
}

/// Lets the client stay at the endpoint that has answered, unless it does already.
pub(crate) fn keep(run: &Run<'_>, attempt: &Attempt<'_>) {
    let Some(plan) = &attempt.upstream.plan.sticky else { return };
    let Some(mark) = attempt.picked.mark().filter(|_| !attempt.tries.stay.is_of(attempt.picked))
    else {
        return;
    };
    if matches!(attempt.tries.stay, Stay::At(_) | Stay::Left(_)) {
        run.local.shard.sticky_moved(attempt.upstream.series);
    }
    let mut exchange = run.exchange.borrow_mut();
    let Exchange { client, response, .. } = &mut *exchange;
    let set_cookie = plan.set_cookie(mark, client.scheme.text() == "https");
    response.headers.append_id(HeaderId::SetCookie, set_cookie.as_bytes());
    make_private(&mut response.headers);
}

/// Keeps an answer that is for one client alone out of shared caches (RFC 9111 section 5.2.2.7).
fn make_private(headers: &mut HeaderList) {
    // Such caches heed these before `Cache-Control` (RFC 9213, Edge Architecture).
    headers.retain(|header| !FOR_SHARED_CACHES.iter().any(|name| is_named(&header, name)));
    let items = || headers.values_of(HeaderId::CacheControl).flat_map(list_items);
    let is = |item: &[u8], word: &[u8]| item.eq_ignore_ascii_case(word);
    if items().any(|item| is(item, b"private") || is(item, b"no-store")) {
        return;
    }
    // With a field's name, `private` is about that field alone.
    let speaks_of_shared = |item: &&[u8]| {
        let name = item.split(|&byte| byte == b'=').next().unwrap_or_default();
        [&b"public"[..], b"s-maxage", b"private"].iter().any(|word| is(name.trim_ascii(), word))
    };
    let kept = items().filter(|item| !speaks_of_shared(item));
    let all = kept.chain([&b"private"[..]]).collect::<Vec<_>>().join(&b", "[..]);
    headers.set_id(HeaderId::CacheControl, &all);
}

fn is_named(header: &Header<'_>, name: &[u8]) -> bool {
    header.name.eq_ignore_ascii_case(name)
}

/// Headers that speak to shared caches alone.
const FOR_SHARED_CACHES: [&[u8]; 2] = [b"CDN-Cache-Control", b"Surrogate-Control"];

#[cfg(test)]
mod tests;
