//! `rewrite`: changes path and query before the request goes to the upstream.

mod replace;

use std::sync::Arc;

use portunus_exchange::{Exchange, Phase, PhaseSet, Reply, Template};
use portunus_filter::{
    BuildCx, Buildable, Filter, FilterCx, FilterReason, Interest, SlotId, Verdict,
};
use portunus_http::HeaderId;
use portunus_spec::{Problem, Spanned, check, spec};

use crate::target::{self, Target};
use replace::{RegexLocal, Replace};

spec! {
    /// Changes path and query of the request to the upstream.
    ///
    /// Either `to` alone, or any of `strip`, `regex` and `prefix`, which are made in this order.
    pub struct RewriteSpec {
        short = to;
        /// The new path. Variables and named parts of the route's path are filled in: `/v2/orders/{id}`.
        /// The query is kept, unless there is a `?` in the result.
        to: Option<Spanned<String>>,
        /// What to take away from the start of the path, by whole segments. `X-Forwarded-Prefix` tells the upstream.
        strip: Option<Spanned<String>>,
        /// A part of the path to replace.
        regex: Option<RegexSpec>,
        /// What to put before the path.
        prefix: Option<Spanned<String>>,
    }
}

spec! {
    /// Replaces the first match of a regular expression in the path.
    pub struct RegexSpec {
        /// The regular expression; it matches anywhere, unless it has `^` and `$`.
        r#match: Spanned<String>,
        /// What the match becomes: `$1` and `$name` are its groups, `$$` is a dollar sign, variables in braces are
        /// filled in.
        to: Spanned<String>,
    }
}

impl Buildable for RewriteSpec {
    const NAME: &'static str = "rewrite";
    const DOC: &'static str = "Changes path and query before the request goes to the upstream.";
    const REASONS: &'static [FilterReason] =
        &[FilterReason::new("rewrite.bad_path", 400, "A rewrite made a path that is none.")];

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        let steps = self.steps(cx)?;
        Some(Arc::new(Rewrite { steps, scratch: cx.slot() }))
    }
}

impl RewriteSpec {
    fn steps(self, cx: &mut BuildCx<'_, '_>) -> Option<Steps> {
        let parts = self.strip.is_some() || self.regex.is_some() || self.prefix.is_some();
        match self.to {
            Some(to) if parts => {
                let error = cx.reader.error(to.span, "`to` does not go with other steps");
                error.help("write `to` alone, or `strip`, `regex` and `prefix`");
                None
            }
            Some(to) => {
                let fine = check(&to, cx.reader, |text| begins_well(text));
                cx.template(&to).filter(|_| fine).map(Steps::To)
            }
            None if parts => {
                let strip = self.strip.map(|text| literal_path(&text, cx));
                let regex = self.regex.map(|regex| Replace::build(&regex, cx));
                let prefix = self.prefix.map(|text| literal_path(&text, cx));
                let (strip, prefix) = (transposed(strip)?, transposed(prefix)?);
                Some(Steps::Parts { strip, regex: transposed(regex)?, prefix })
            }
            None => {
                let error = cx.reader.error(cx.span, "`rewrite` has nothing to do");
                error.help("write `to`, `strip`, `regex` or `prefix`");
                None
            }
        }
    }
}

/// What is missing is fine; what is there must have been understood.
fn transposed<T>(tried: Option<Option<T>>) -> Option<Option<T>> {
    tried.map_or(Some(None), |found| found.map(Some))
}

fn begins_well(text: &str) -> Result<(), Problem> {
    match text.starts_with(['/', '{']) {
        true => Ok(()),
        false => Err(Problem::new("a path begins with `/`").help(format!("write `/{text}`"))),
    }
}

/// A path that is written as it is, without its final slash.
fn literal_path(text: &Spanned<String>, cx: &mut BuildCx<'_, '_>) -> Option<Box<[u8]>> {
    let fine = check(text, cx.reader, |text| {
        let whole = target::parse(text.as_bytes()).is_some_and(|target| target.query.is_none());
        let help = "write a path such as `/api`, without variables and query";
        if whole && !text.contains(['{', '}']) {
            return Ok(());
        }
        Err(Problem::new(format!("`{text}` is not a path")).help(help))
    });
    let trimmed = text.value.strip_suffix('/').unwrap_or(&text.value);
    fine.then(|| trimmed.as_bytes().into())
}

struct Rewrite {
    steps: Steps,
    scratch: SlotId,
}

enum Steps {
    To(Template),
    Parts { strip: Option<Box<[u8]>>, regex: Option<Replace>, prefix: Option<Box<[u8]>> },
}

/// Memory that a worker uses again and again.
#[derive(Default)]
struct RewriteLocal {
    path: Vec<u8>,
    replaced: Vec<u8>,
    regex: RegexLocal,
}

impl Filter for Rewrite {
    fn interest(&self) -> Interest {
        Interest { phases: PhaseSet::NONE.with(Phase::Request), ..Interest::default() }
    }

    fn on_request(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        let local = cx.local::<RewriteLocal>(self.scratch);
        local.path.clear();
        let stripped = self.steps.run(exchange, local);
        let Some(Target { path, query }) = target::parse(&local.path) else {
            let reply = Reply::problem(400, "rewrite.bad_path");
            return Verdict::reply(reply.with_detail("The request leads to no valid path."));
        };
        exchange.request.set_path(path);
        if let Some(query) = query {
            exchange.request.set_query(Some(query).filter(|query| !query.is_empty()));
        }
        if let Some(prefix) = stripped {
            tell_prefix(exchange, prefix, &mut local.replaced);
        }
        Verdict::Continue
    }
}

impl Steps {
    /// Writes the new target to `local.path`; the prefix that was stripped from it.
    fn run(&self, exchange: &Exchange, local: &mut RewriteLocal) -> Option<&[u8]> {
        match self {
            Self::To(to) => {
                to.render(exchange, &mut local.path);
                None
            }
            Self::Parts { strip, regex, prefix } => {
                let path = exchange.request.path();
                let rest = strip.as_deref().and_then(|strip| without(path, strip));
                local.path.extend_from_slice(rest.unwrap_or(path));
                if let Some(regex) = regex {
                    regex.run(exchange, &mut local.path, &mut local.replaced, &mut local.regex);
                }
                if let Some(prefix) = prefix {
                    local.path.splice(..0, prefix.iter().copied());
                }
                strip.as_deref().filter(|_| rest.is_some())
            }
        }
    }
}

/// The path without `prefix`, which ends at a segment's end.
fn without<'a>(path: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    match path.strip_prefix(prefix)? {
        [] => Some(b"/"),
        rest @ [b'/', ..] => Some(rest),
        _ => None,
    }
}

/// Adds `prefix` to what was taken away before: by a trusted proxy in front, or by another `rewrite`.
fn tell_prefix(exchange: &mut Exchange, prefix: &[u8], scratch: &mut Vec<u8>) {
    let headers = &mut exchange.request.headers;
    scratch.clear();
    scratch.extend_from_slice(headers.value_of(HeaderId::XForwardedPrefix).unwrap_or(b""));
    scratch.extend_from_slice(prefix);
    headers.set_id(HeaderId::XForwardedPrefix, scratch);
}

#[cfg(test)]
mod tests;
