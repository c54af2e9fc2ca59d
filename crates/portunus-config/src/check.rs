//! Rules that need more than one value but nothing beyond the spec: names that must exist, forms
//! that exclude each other, numbers that make no sense.
//!
//! Whether a filter, a balancer or a path pattern is right is for their owners to say.

mod consumers;
mod limits;
mod listeners;
mod routes;
mod tls;
mod upstreams;

use std::time::Duration;

use portunus_spec::{Named, Node, Problem, Reader, Span, check as rule, suggestion};

use crate::address::host_name;
use crate::salvage::Gaps;
use crate::spec::{AdminAddressSpec, AdminSpec, TestSpec, UseSpec};
use crate::{ConfigSpec, ListenAddress};

/// Reports everything that the spec alone shows to be wrong, but nothing that only seems so
/// because of a gap.
pub(crate) fn check(config: &ConfigSpec, gaps: Gaps<'_>, reader: &mut Reader<'_>) {
    let names = Names { config, gaps };
    reader.key("listeners", |reader| listeners::listeners(names, reader));
    reader.key("tls", |reader| tls::defaults(names, reader));
    reader.key("acme", |reader| tls::acme(names, reader));
    reader.key("hosts", |reader| routes::hosts(names, reader));
    reader.key("upstreams", |reader| {
        for (name, upstream) in &config.upstreams {
            reader.key(name, |reader| upstreams::upstream(name.span, upstream, gaps, reader));
        }
    });
    reader.key("filters", |reader| chains(config, reader));
    reader.key("consumers", |reader| consumers::consumers(names, reader));
    reader.key("plans", |reader| consumers::plans(names, reader));
    reader.key("stores", |reader| consumers::stores(&config.stores, names, reader));
    reader.key("limits", |reader| limits::limits(&config.limits, reader));
    reader.key("admin", |reader| admin(&config.admin, reader));
    reader.key("group", |reader| group(names, reader));
    reader.key("shutdown", |reader| {
        rule(&config.shutdown.grace, reader, |grace| self::grace(*grace));
        rule(&config.shutdown.delay, reader, |delay| match *delay <= DELAY_MAX {
            true => Ok(()),
            false => Err(Problem::new("longer than anybody waits").help("write 1h or less")),
        });
    });
    reader.key("tests", |reader| {
        for (index, test) in config.tests.iter().enumerate() {
            reader.index(index, |reader| self::test(test, names, reader));
        }
    });
}

fn group(names: Names<'_>, reader: &mut Reader<'_>) {
    if let (Some(group), None) = (&names.config.group, &names.config.user)
        && !names.gaps.within("user")
    {
        let help = "write `user` too: it is root that takes another group";
        reader.error(group.span, "a group without a user").help(help);
    }
}

/// Reports each `use` that names neither a filter of `kinds` nor a chain, and each chain that is
/// given settings. The kinds come from the registry of filters, which this crate does not know.
pub fn check_uses(config: &ConfigSpec, kinds: &[&str], reader: &mut Reader<'_>) {
    let known = || kinds.iter().copied().chain(config.filters.names());
    let check = |uses: &[UseSpec], reader: &mut Reader<'_>| {
        for filter in uses {
            let name = &filter.name;
            let is_chain = config.filters.contains(name);
            if is_chain && filter.node != Node::default() {
                let message = format!("the chain `{}` takes no settings", name.value);
                reader.error(name.span, message).help("write its name alone");
            } else if LATER_FILTERS.contains(&name.as_str()) && !kinds.contains(&name.as_str()) {
                let message = format!("`{}` is not supported by this version yet", name.value);
                reader.error(name.span, message).help("leave it out: nothing would be done for it");
            } else if !is_chain && !kinds.contains(&name.as_str()) {
                let help = suggestion(name, known(), "filters and chains");
                let message = format!("there is no filter or chain `{}`", name.value);
                reader.error(name.span, message).help_if(help);
            }
        }
    };
    each_use(config, reader, check);
}

/// Visits every `use` of the configuration at its path.
fn each_use(
    config: &ConfigSpec,
    reader: &mut Reader<'_>,
    visit: impl Fn(&[UseSpec], &mut Reader<'_>),
) {
    let under = |reader: &mut Reader<'_>, steps: &[&str], uses: &[UseSpec]| {
        reader.key(&steps.join("."), |reader| visit(uses, reader));
    };
    for (name, chain) in &config.filters {
        under(reader, &["filters", name], chain);
    }
    for (name, host) in &config.hosts {
        under(reader, &["hosts", name, "use"], &host.r#use);
        for (path, rules) in &host.routes {
            for route in &rules.rules {
                under(reader, &["hosts", name, "routes", path, "use"], &route.r#use);
            }
        }
    }
}

/// Chains may use chains, but not themselves.
fn chains(config: &ConfigSpec, reader: &mut Reader<'_>) {
    for (name, chain) in &config.filters {
        if let Some(span) = use_of_itself(name, chain, config) {
            let message = format!("the chain `{}` uses itself", name.value);
            let error = reader.error(span, message);
            error.related(name.span, "the chain").help("remove the name from the chain");
        }
    }
}

/// Where a chain, or one that it uses, names the chain itself.
fn use_of_itself(name: &str, chain: &[UseSpec], config: &ConfigSpec) -> Option<Span> {
    let mut open = vec![chain];
    let mut seen: Vec<&str> = Vec::new();
    while let Some(uses) = open.pop() {
        for filter in uses {
            if filter.name.value == name {
                return Some(filter.name.span);
            }
            let Some(inner) = config.filters.get(&filter.name) else { continue };
            if !seen.contains(&filter.name.as_str()) {
                seen.push(&filter.name);
                open.push(inner);
            }
        }
    }
    None
}

fn admin(admin: &AdminSpec, reader: &mut Reader<'_>) {
    let open = match &admin.address.value {
        AdminAddressSpec::On(ListenAddress::Any(_)) => true,
        AdminAddressSpec::On(ListenAddress::Tcp(address)) => !address.ip().is_loopback(),
        AdminAddressSpec::On(ListenAddress::Unix(_)) | AdminAddressSpec::Off => false,
    };
    if let Some(token) = &admin.token {
        let length = token.expose().chars().count();
        if length < TOKEN_CHARS_MIN {
            let message =
                format!("a token of less than {TOKEN_CHARS_MIN} characters can be guessed");
            reader.error(token.span, message).help("`openssl rand -hex 32` makes a good one");
        }
    }
    if open {
        let warning = reader.warning(admin.address.span, "other machines can reach the admin API");
        warning.help("write 127.0.0.1:8170 unless a firewall guards it");
    }
}

fn grace(grace: Duration) -> Result<(), Problem> {
    if grace <= GRACE_MAX {
        return Ok(());
    }
    Err(Problem::new("a process that is told to stop must end one day")
        .help("write 24h or less; what is still open then is closed"))
}

fn test(test: &TestSpec, names: Names<'_>, reader: &mut Reader<'_>) {
    rule(&test.request, reader, |request| {
        let parts: Vec<&str> = request.split_whitespace().collect();
        match parts.as_slice() {
            [_, url] if url.starts_with("http://") || url.starts_with("https://") => Ok(()),
            _ => Err(Problem::new("expected a method and a URL")
                .help("write GET http://shop.example.com/orders/7")),
        }
    });
    if let Some(name) = &test.expect.upstream {
        names.upstream(name.span, name, reader);
    }
}

/// The names that the configuration gives.
#[derive(Clone, Copy)]
struct Names<'n> {
    config: &'n ConfigSpec,
    gaps: Gaps<'n>,
}

impl Names<'_> {
    /// Reports a name that no upstream has.
    fn upstream(self, span: Span, name: &str, reader: &mut Reader<'_>) {
        self.known(span, name, ("upstream", &self.config.upstreams), reader);
    }

    /// Reports a name that no listener has.
    fn listener(self, span: Span, name: &str, reader: &mut Reader<'_>) {
        self.known(span, name, ("listener", &self.config.listeners_in_force()), reader);
    }

    fn known<T>(
        self,
        span: Span,
        name: &str,
        (what, map): (&str, &Named<T>),
        reader: &mut Reader<'_>,
    ) {
        let key = format!("{what}s");
        if map.contains(name) || self.gaps.hide_name(&key, map, name) {
            return;
        }
        let help = suggestion(name, map.names(), &key);
        let help = help.unwrap_or_else(|| format!("add `{name}` to `{key}`"));
        reader.error(span, format!("there is no {what} `{name}`")).help(help);
    }
}

/// Whether a text can stand under `hosts`.
fn host_pattern(text: &str) -> Result<(), Problem> {
    let bare = text.strip_prefix("*.").unwrap_or(text);
    let help = "write a name such as shop.example.com, *.example.com, or \"*\" for all others";
    if text == "*" {
        return Ok(());
    }
    if text.contains("://") || text.contains('/') {
        return Err(Problem::new("a host is a name, not a URL").help(help));
    }
    if text.parse::<std::net::Ipv6Addr>().is_ok() {
        return Ok(());
    }
    if text.contains(':') {
        return Err(Problem::new("a host has no port; listeners have").help(help));
    }
    if !text.is_ascii() {
        return Err(
            Problem::new("a host is written in ASCII").help("write it in Punycode: xn--...")
        );
    }
    if bare.chars().any(|c| c.is_ascii_uppercase()) {
        let help = format!("write {}", text.to_ascii_lowercase());
        return Err(Problem::new("a host is written in lower case").help(help));
    }
    if !host_name(bare) {
        return Err(Problem::new(format!("`{text}` is not a host")).help(help));
    }
    Ok(())
}

/// The longest wait before a stop begins.
const DELAY_MAX: Duration = Duration::from_secs(3600);
/// A day: longer than any exchange that somebody still waits for.
const GRACE_MAX: Duration = Duration::from_secs(24 * 3600);
/// Fewer characters in the admin API's token could be guessed.
const TOKEN_CHARS_MIN: usize = 16;
/// Filters of the language that later versions bring: nobody should believe that they are on.
const LATER_FILTERS: &[&str] = &["cache", "compress", "decompress", "grpc_web", "wasm"];
