//! The reports: for each scenario a table in Markdown, a chart, and the numbers as JSON, from which
//! the summary over all scenarios is made again after each run.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::chart;
use super::peer::{self, NGINX, RELAY};
use super::scenario::{self, Scenario};
use super::session::{Row, Session};
use crate::process;

/// Writes the three files of one scenario, and the table to the screen.
pub(super) fn write(
    session: &Session<'_>,
    scenario: &Scenario,
    rows: &[Row],
    args: &[String],
) -> Result<()> {
    let out = &session.options.out;
    fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let lines: Vec<Line> = rows.iter().map(|row| Line::new(scenario, row)).collect();
    let table = table(scenario, &lines);
    println!("\n{table}");
    let text = format!("{}{table}{}", heading(scenario), circumstances(session, args)?);
    let bars: Vec<_> = lines.iter().map(|line| line.bar(scenario, &lines)).collect();
    let chart = chart::draw(scenario.title, scenario.headline(), &bars);
    let numbers = lines.iter().map(Line::json).collect::<Vec<_>>();
    let numbers = json!({"scenario": scenario.name, "rows": numbers});
    fs::write(out.join(format!("{}.md", scenario.name)), text)?;
    fs::write(out.join(format!("{}.svg", scenario.name)), chart)?;
    let numbers = format!("{}\n", serde_json::to_string_pretty(&numbers)?);
    fs::write(out.join(format!("{}.json", scenario.name)), numbers)?;
    eprintln!("written: {}", out.join(format!("{}.md", scenario.name)).display());
    Ok(())
}

/// One line of the table: the medians of a subject's rounds.
pub(super) struct Line {
    peer: String,
    variant: String,
    medians: Vec<f64>,
    /// Largest less smallest first value, in percent of its median.
    spread_percent: f64,
    rounds: usize,
}

impl Line {
    fn new(scenario: &Scenario, row: &Row) -> Self {
        let column = |at: usize| row.rounds.iter().filter_map(move |round| round.get(at)).copied();
        let medians: Vec<f64> =
            (0..scenario.columns.len()).map(|at| median(column(at).collect())).collect();
        let (low, high) = column(0)
            .fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
        let spread_percent = 100.0 * (high - low) / medians.first().copied().unwrap_or(1.0);
        Self {
            peer: row.peer.to_owned(),
            variant: row.variant.to_owned(),
            medians,
            spread_percent,
            rounds: row.rounds.len(),
        }
    }

    fn headline(&self) -> f64 {
        self.medians.first().copied().unwrap_or(f64::NAN)
    }

    /// How many times the value of `other`, as the tables show it.
    fn times(&self, other: Option<&Self>) -> String {
        other.map_or_else(
            || "-".to_owned(),
            |other| format!("{:.2}", self.headline() / other.headline()),
        )
    }

    fn bar(&self, scenario: &Scenario, lines: &[Self]) -> chart::Bar {
        let shown = scenario.columns.first().map(|column| column.shown(self.headline()));
        let relay = lines.iter().find(|line| line.peer == RELAY && self.variant.is_empty());
        let times = relay.map(|relay| format!(" ({} x relay)", self.times(Some(relay))));
        chart::Bar {
            label: [self.peer.as_str(), self.variant.as_str()].join(" ").trim().to_owned(),
            value: self.headline(),
            shown: shown.unwrap_or_default() + &times.unwrap_or_default(),
            ours: self.peer == "portunus",
        }
    }

    fn json(&self) -> Value {
        json!({
            "peer": self.peer,
            "variant": self.variant,
            "medians": self.medians,
            "spread_percent": self.spread_percent,
            "rounds": self.rounds,
        })
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    if values.len() % 2 == 1 {
        at(middle)
    } else {
        f64::midpoint(at(middle.wrapping_sub(1)), at(middle))
    }
}

fn heading(scenario: &Scenario) -> String {
    format!(
        "# {}: {}\n\n{}\n\n![chart]({}.svg)\n\n",
        scenario.name, scenario.title, scenario.about, scenario.name
    )
}

/// With variants each line is compared with its proxy's first variant, else with relay and nginx.
fn table(scenario: &Scenario, lines: &[Line]) -> String {
    let variants = scenario.variants.len() > 1;
    let mut header = vec!["proxy", scenario.headline()];
    header.extend(if variants { ["x first", "difference"] } else { ["x relay", "x nginx"] });
    header.extend(["spread %", "rounds"]);
    header.extend(scenario.columns.iter().skip(1).map(|column| column.title));
    let mut text =
        format!("| {} |\n|---|{}\n", header.join(" | "), "---:|".repeat(header.len() - 1));
    for line in lines {
        let compared = if variants { by_variant(line, lines) } else { by_peer(line, lines) };
        let mut shown =
            scenario.columns.iter().zip(&line.medians).map(|(c, value)| c.shown(*value));
        let mut cells = vec![line.bar(scenario, &[]).label, shown.next().unwrap_or_default()];
        cells.extend(compared);
        cells.extend([format!("{:.1}", line.spread_percent), line.rounds.to_string()]);
        cells.extend(shown);
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

fn by_peer(line: &Line, lines: &[Line]) -> [String; 2] {
    [RELAY, NGINX].map(|name| line.times(lines.iter().find(|other| other.peer == name)))
}

fn by_variant(line: &Line, lines: &[Line]) -> [String; 2] {
    let first = lines.iter().find(|other| other.peer == line.peer);
    let difference = first.map_or(f64::NAN, |first| line.headline() - first.headline());
    [line.times(first), format!("{difference:+.2}")]
}

/// What a reader needs to judge the numbers or to make them again.
fn circumstances(session: &Session<'_>, args: &[String]) -> Result<String> {
    let date = process::output(process::command("date")?.args(["-u", "+%Y-%m-%d %H:%M UTC"]))?;
    let mut text = format!(
        "\nMedians over interleaved rounds of {} s, one worker each, access log {}.\n\n\
         - date: {}\n- machine: {}\n- cores: proxy {}, load and origin {}\n\
         - command: `{}`\n",
        session.options.seconds,
        if session.options.access_log { "on" } else { "off" },
        date.trim(),
        session.machine.description,
        session.machine.proxy_core,
        session.machine.load_cores,
        [&["cargo xtask bench".to_owned()], args].concat().join(" "),
    );
    for found in &session.installed {
        let _ = writeln!(text, "- {}: {}", found.peer.name, found.version);
    }
    Ok(text)
}

/// Writes `summary.md` from the numbers of all scenarios that lie in the folder.
pub(super) fn write_summary(out: &Path) -> Result<()> {
    let mut found = Vec::new();
    for scenario in scenario::SCENARIOS {
        if let Ok(text) = fs::read_to_string(out.join(format!("{}.json", scenario.name))) {
            let numbers: Value = serde_json::from_str(&text)
                .with_context(|| format!("{}.json in {}", scenario.name, out.display()))?;
            found.push((scenario, numbers));
        }
    }
    Ok(fs::write(out.join("summary.md"), summary(&found))?)
}

/// One line per proxy, one column per scenario with its first value.
fn summary(found: &[(&Scenario, Value)]) -> String {
    let mut text =
        "# Summary\n\nThe first value of each scenario; its own page has the rest.\n\n| proxy |"
            .to_owned();
    for (scenario, _) in found {
        let _ = write!(text, " [{0}]({0}.md): {1} |", scenario.name, scenario.headline());
    }
    let _ = writeln!(text, "\n|---|{}", "---:|".repeat(found.len()));
    for peer in peer::PEERS {
        let cells: Vec<_> =
            found.iter().map(|(scenario, n)| cell(scenario, n, peer.name)).collect();
        if cells.iter().any(|cell| cell != "-") {
            let _ = writeln!(text, "| {} | {} |", peer.name, cells.join(" | "));
        }
    }
    text
}

/// The values of one proxy in one scenario, its variants in their order.
fn cell(scenario: &Scenario, numbers: &Value, peer: &str) -> String {
    let rows = numbers.get("rows").and_then(Value::as_array).into_iter().flatten();
    let values = rows
        .filter(|row| row.get("peer").and_then(Value::as_str) == Some(peer))
        .filter_map(|row| Some((scenario.columns.first()?, row.get("medians")?.get(0)?.as_f64()?)))
        .map(|(column, value)| column.shown(value))
        .collect::<Vec<_>>();
    if values.is_empty() { "-".to_owned() } else { values.join(" -> ") }
}

#[cfg(test)]
mod tests;
