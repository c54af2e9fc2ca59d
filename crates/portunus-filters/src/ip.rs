//! `ip`: lets clients in or keeps them out by address.

mod table;

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use portunus_exchange::{Exchange, Phase, PhaseSet, Reply};
use portunus_filter::{BuildCx, Buildable, Filter, FilterCx, FilterReason, Interest, Verdict};
use portunus_spec::{Reader, Spanned, spec};

use crate::every::every;
use table::{Access, AddressTable};

spec! {
    /// Lets clients in or keeps them out by address.
    ///
    /// The most specific prefix decides. An address in none of them is let in, unless there is an `allow` list.
    pub struct IpSpec {
        short = allow;
        /// Addresses and prefixes to let in, such as `10.0.0.0/8` or `::1`; everybody else is kept out.
        allow: Vec<Spanned<String>> = Vec::new(),
        /// Addresses and prefixes to keep out.
        deny: Vec<Spanned<String>> = Vec::new(),
    }
}

impl Buildable for IpSpec {
    const NAME: &'static str = "ip";
    const DOC: &'static str = "Lets clients in or keeps them out by address.";
    const REASONS: &'static [FilterReason] =
        &[FilterReason::new("ip.denied", 403, "The address of the client is not let in.")];

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        if self.allow.is_empty() && self.deny.is_empty() {
            let error = cx.reader.error(cx.span, "`ip` has nobody to let in or keep out");
            error.help("write `allow: [10.0.0.0/8]` or `deny: [192.0.2.0/24]`");
            return None;
        }
        let allow = prefixes(&self.allow, cx.reader);
        let deny = prefixes(&self.deny, cx.reader);
        let (allow, deny) = (allow?, deny?);
        refuse_both(&allow, &deny, cx.reader).then_some(())?;
        let rest = if allow.is_empty() { Access::Allow } else { Access::Deny };
        let allowed = allow.iter().map(|net| (net.value, Access::Allow));
        let rules: Vec<_> =
            allowed.chain(deny.iter().map(|net| (net.value, Access::Deny))).collect();
        Some(Arc::new(Ip { table: AddressTable::new(&rules, rest) }))
    }
}

struct Ip {
    table: AddressTable,
}

impl Filter for Ip {
    fn interest(&self) -> Interest {
        Interest { phases: PhaseSet::NONE.with(Phase::Request), ..Interest::default() }
    }

    fn refuses(&self) -> bool {
        true
    }

    fn on_request(&self, exchange: &mut Exchange, _cx: &mut FilterCx<'_>) -> Verdict {
        match self.table.access(exchange.client.ip) {
            Access::Allow => Verdict::Continue,
            Access::Deny => Verdict::reply(Reply::problem(403, "ip.denied")),
        }
    }
}

fn prefixes(list: &[Spanned<String>], reader: &mut Reader<'_>) -> Option<Vec<Spanned<IpNet>>> {
    every(list.iter().map(|text| prefix(text, reader)))
}

/// Reads an address or a prefix. IPv4 addresses within IPv6 (`::ffff:0:0/96`) become IPv4.
fn prefix(text: &Spanned<String>, reader: &mut Reader<'_>) -> Option<Spanned<IpNet>> {
    let alone = || text.parse::<IpAddr>().map(IpNet::from).ok();
    let Some(net) = text.parse::<IpNet>().ok().or_else(alone) else {
        let message = format!("`{}` is neither an address nor a prefix", text.value);
        reader.error(text.span, message).help("write 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32");
        return None;
    };
    if net != net.trunc() {
        let message = format!("`{}` has bits beyond its prefix", text.value);
        let help = format!("write `{}` or `{}`", net.trunc(), net.addr());
        reader.error(text.span, message).help(help);
        return None;
    }
    Some(Spanned::new(text.span, table::unified(net)))
}

fn refuse_both(allow: &[Spanned<IpNet>], deny: &[Spanned<IpNet>], reader: &mut Reader<'_>) -> bool {
    let mut fine = true;
    for net in deny {
        if let Some(other) = allow.iter().find(|other| other.value == net.value) {
            let error = reader.error(net.span, format!("`{}` is allowed and denied", net.value));
            error.related(other.span, "allowed here").help("keep one of them");
            fine = false;
        }
    }
    fine
}

#[cfg(test)]
mod tests;
