//! What several limits are written with: `100/s per client_ip`, rates, and the plan's.

use std::borrow::Cow;

use portunus_base::{Rate, parse_rate};
use portunus_filter::BuildCx;
use portunus_spec::shape::{Json, Scalar};
use portunus_spec::{Entry, spec_enum};
use portunus_spec::{Node, Reader, Shape, Span, Spanned, Spec, Value, read_parsed};

use crate::cost::Cost;
use crate::key::PerSpec;

/// Makes a spec of another one whose main field may say whom it is for: `100/s per client_ip`.
macro_rules! with_per {
    ($name:ident, $fields:ident, $main:literal) => {
        impl portunus_spec::Spec for $name {
            fn read(
                node: &portunus_spec::Node,
                reader: &mut portunus_spec::Reader<'_>,
            ) -> Option<Self> {
                $fields::read(&$crate::written::apart(node, $main), reader).map(Self)
            }

            fn write(&self) -> portunus_spec::Node {
                self.0.write()
            }

            fn shape() -> portunus_spec::Shape {
                $fields::shape()
            }
        }
    };
}
pub(crate) use with_per;

/// The node with `per` as a key of its own, where it stands in the main field.
pub(crate) fn apart<'n>(node: &'n Node, main: &str) -> Cow<'n, Node> {
    let entries = match &node.value {
        Value::Text(_) => vec![entry(node.span, main, node.clone())],
        Value::Map(entries) if entries.iter().all(|it| it.key.value != "per") => entries.clone(),
        _ => return Cow::Borrowed(node),
    };
    let halves = |entry: &Entry| match &entry.value.value {
        Value::Text(text) if entry.key.value == main => split(text),
        _ => None,
    };
    let Some((at, (amount, per))) =
        entries.iter().enumerate().find_map(|(at, entry)| Some((at, halves(entry)?)))
    else {
        return Cow::Borrowed(node);
    };
    let mut entries = entries;
    let span = entries.get(at).map_or(node.span, |entry| entry.value.span);
    if let Some(entry) = entries.get_mut(at) {
        entry.value.value = amount;
    }
    entries.push(entry(span, "per", Node::new(span, per)));
    Cow::Owned(Node::new(node.span, Value::Map(entries)))
}

/// `100/s per client_ip, route`: the amount, and whom it is for.
fn split(text: &str) -> Option<(Value, Value)> {
    let (amount, per) = text.split_once(" per ")?;
    let parts: Vec<&str> = per.split(", ").map(str::trim).collect();
    let per = match parts.as_slice() {
        [only] => Value::Text((*only).to_owned()),
        many => Value::Seq(many.iter().map(|part| Node::text(*part)).collect()),
    };
    Some((Value::plain(amount.trim()), per))
}

fn entry(span: Span, key: &str, value: Node) -> Entry {
    Entry { key: Spanned::new(span, key.to_owned()), value }
}

/// Rates: written, or those of the plan of whoever asks.
#[derive(Clone, Debug)]
pub(crate) enum RatesSpec {
    /// Those of the plan.
    Plan,
    /// These, all of which must hold.
    List(Vec<Spanned<Rate>>),
}

impl Spec for RatesSpec {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match node.scalar().as_deref() {
            Some("plan") => Some(Self::Plan),
            Some(_) => {
                let rate = read_parsed(node, reader, "a rate", |text| {
                    parse_rate(text).map_err(|error| format!("{error}, or `plan`"))
                });
                Some(Self::List(vec![Spanned::new(node.span, rate?)]))
            }
            None if node.value == Value::Null => {
                reader.wrong_kind(node, "a rate").help("write 100/s, or a list of rates");
                None
            }
            None => Vec::read(node, reader).map(Self::List),
        }
    }

    fn write(&self) -> Node {
        match self {
            Self::Plan => Node::text("plan"),
            Self::List(list) => match list.as_slice() {
                [only] => only.write(),
                many => Node::seq(many.iter().map(Spec::write)),
            },
        }
    }

    fn shape() -> Shape {
        Shape::List(|| {
            Shape::Scalar(Scalar {
                name: "rate",
                json: Json::String,
                pattern: Some(r"^(\d+/(s|m|h|d|month)( per .+)?|plan)$"),
                examples: &["100/s per client_ip", "5000/h"],
            })
        })
    }
}

spec_enum! {
    /// What happens to a request that has nothing of what clients are told apart by.
    pub(crate) enum Missing {
        /// All such requests share one budget.
        Share = "share",
        /// The request is not limited.
        Skip = "skip",
        /// The request is answered with 403.
        Refuse = "refuse",
    }
}

spec_enum! {
    /// What happens to a request of nobody who has a plan.
    pub(crate) enum NoPlan {
        /// The request is answered with 403.
        Refuse = "refuse",
        /// The request is not limited.
        Skip = "skip",
    }
}

impl NoPlan {
    /// What is written, else `refuse`: what has no limits must be wanted. `None`, with diagnostics, where no plan is
    /// asked for.
    pub(crate) fn build(
        written: Option<&Spanned<Self>>,
        rates: &RatesSpec,
        cx: &mut BuildCx<'_, '_>,
    ) -> Option<Self> {
        if let (Some(written), RatesSpec::List(_)) = (written, rates) {
            let error = cx.reader.error(written.span, "`no_plan` is for the limits of plans");
            error.help("leave it out");
            return None;
        }
        Some(written.map_or(Self::Refuse, |written| written.value))
    }
}

/// Each window may be there once, and there must be one.
pub(crate) fn differ(list: &[Spanned<Rate>], cx: &mut BuildCx<'_, '_>) -> bool {
    if list.is_empty() {
        cx.reader.error(cx.span, format!("`{}` has no limit", cx.name)).help("write a rate");
        return false;
    }
    let twice = |(at, rate): (usize, &Spanned<Rate>)| {
        let mut before = list.iter().take(at);
        before.any(|other| other.value.window == rate.value.window).then_some(rate.span)
    };
    let Some(span) = list.iter().enumerate().find_map(twice) else { return true };
    cx.reader.error(span, "two rates have the same window").help("keep the smaller one");
    false
}

/// For how many keys there is room. Where all share one, that is enough.
pub(crate) fn room(
    keys_max: &Spanned<usize>,
    per: &[Spanned<PerSpec>],
    cx: &mut BuildCx<'_, '_>,
) -> Option<usize> {
    if (1..=KEYS_MAX).contains(&keys_max.value) {
        return Some(if per.is_empty() { 1 } else { keys_max.value });
    }
    cx.reader.error(keys_max.span, format!("`keys_max` must be from 1 to {KEYS_MAX}"));
    None
}

/// Where counters belong: to the name of the limit, else to the list that it stands in and to what else it is written
/// with; and to those whom it tells apart.
pub(crate) fn place(
    name: Option<&Spanned<String>>,
    per: &[Spanned<PerSpec>],
    written: &str,
    cx: &BuildCx<'_, '_>,
) -> String {
    let per: Vec<String> = per.iter().map(|part| part.value.to_string()).collect();
    let per = per.join(", ");
    match name {
        Some(name) => format!("{} per {per}", name.value),
        None => format!("{} per {per}{written}", cx.scope),
    }
}

/// What tells limits of the same rates apart: one that only counts takes nothing from one that refuses.
pub(crate) fn written_apart(cost: &Cost, dry_run: bool) -> String {
    match (cost, dry_run) {
        (Cost::Fixed(1), false) => String::new(),
        _ => format!(" {cost:?} {dry_run}"),
    }
}

/// So many keys are 3 GiB.
const KEYS_MAX: usize = 100_000_000;
