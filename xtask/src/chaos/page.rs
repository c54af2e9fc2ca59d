//! The page `chaos.md`. It is made from `chaos.json`, which keeps the rows of each scenario from its
//! latest run, so that one scenario can be run again by itself.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use super::row::{COLUMNS, Row};
use super::scenario::{SCENARIOS, Scenario};

/// The rows of all scenarios that have been run.
pub(super) struct Page {
    folder: PathBuf,
    scenarios: Map<String, Value>,
}

impl Page {
    /// Reads what earlier runs left in the folder.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let file = folder.join(NUMBERS);
        let scenarios = match fs::read_to_string(&file) {
            Ok(text) => serde_json::from_str(&text)
                .with_context(|| format!("{} is broken", file.display()))?,
            Err(_) => Map::new(),
        };
        Ok(Self { folder: folder.to_owned(), scenarios })
    }

    /// Puts the rows of a scenario in the place of those that it had, and shows them.
    pub(super) fn enter(&mut self, scenario: &Scenario, rows: &[Row], circumstances: &str) {
        let rows: Vec<_> = rows.iter().map(Row::json).collect();
        println!("{}", table(rows.iter()));
        let entry = json!({"circumstances": circumstances, "rows": rows});
        self.scenarios.insert(scenario.name.to_owned(), entry);
    }

    pub(super) fn write(&self) -> Result<()> {
        fs::create_dir_all(&self.folder)?;
        let numbers = format!("{}\n", serde_json::to_string_pretty(&self.scenarios)?);
        fs::write(self.folder.join(NUMBERS), numbers)?;
        Ok(fs::write(self.folder.join("chaos.md"), self.text())?)
    }

    fn text(&self) -> String {
        let mut text = HEADING.to_owned();
        let is_ours = |row: &&Value| !is_compared(row);
        text.push_str(&table(self.rows().filter(is_ours)));
        if self.rows().any(is_compared) {
            text.push_str("\n## Side by side\n\nAll proxies get the same requests a second.\n\n");
            text.push_str(&table(self.rows().filter(|row| is_compared(row))));
        }
        text.push_str("\n## Circumstances\n\n");
        for (scenario, entry) in self.entries() {
            let said = entry.get("circumstances").and_then(Value::as_str).unwrap_or_default();
            let _ = writeln!(text, "- {}: {said}", scenario.name);
        }
        text
    }

    fn entries(&self) -> impl Iterator<Item = (&'static Scenario, &Value)> {
        SCENARIOS.iter().filter_map(|scenario| Some((scenario, self.scenarios.get(scenario.name)?)))
    }

    fn rows(&self) -> impl Iterator<Item = &Value> {
        let rows = self.entries().filter_map(|(_, entry)| entry.get("rows")?.as_array());
        rows.flatten()
    }
}

/// Whether the row stands beside those of peers.
fn is_compared(row: &Value) -> bool {
    row.get("compared").and_then(Value::as_bool).unwrap_or(false)
}

/// The rows, and below them what is to be said about each.
fn table<'r>(rows: impl Iterator<Item = &'r Value>) -> String {
    let mut text = format!("| {} |\n|---|---{}|---|---|\n", COLUMNS.join(" | "), "|---:".repeat(7));
    let mut notes = String::new();
    for row in rows {
        let cells: Vec<_> = cells(row).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
        let said = row.get("notes").and_then(Value::as_array).into_iter().flatten();
        let said: Vec<_> = said.filter_map(Value::as_str).collect();
        if let [fault, proxy, ..] = cells.as_slice()
            && !said.is_empty()
        {
            let _ = writeln!(notes, "- {fault}, {proxy}: {}", said.join("; "));
        }
    }
    let gap = if notes.is_empty() { "" } else { "\n" };
    text + gap + &notes
}

fn cells(row: &Value) -> impl Iterator<Item = &str> {
    row.get("cells").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

const NUMBERS: &str = "chaos.json";
const HEADING: &str = "\
# Chaos: what becomes of requests while things break

A request is lost when it gets no 2xx answer: other statuses, connections that fail or end, and 5 s of
waiting. The load is an open loop: each request has its due time, is sent once, and its latency counts
from when it was due. p99 is that of the good answers over the whole fault; the worst second shows what
that hides. [How it is done](../../docs/internals/chaos.md).

";

#[cfg(test)]
mod tests;
