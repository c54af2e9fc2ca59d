//! Metrics in the text format of Prometheus, read strictly.

use std::collections::BTreeSet;

/// All samples of one scrape.
#[derive(Clone, Debug)]
pub struct Metrics(Vec<Sample>);

#[derive(Clone, Debug)]
struct Sample {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
}

impl Metrics {
    /// Reads a scrape. Whatever is not in the format fails the test, and so does a metric whose
    /// type was not told before its samples.
    #[must_use]
    #[track_caller]
    pub fn parse(text: &str) -> Self {
        let mut types = BTreeSet::new();
        let mut samples = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            match line.split(' ').collect::<Vec<_>>().as_slice() {
                ["#", "TYPE", name, _] => {
                    assert!(types.insert((*name).to_owned()), "twice: {line}")
                }
                ["#", "HELP" | "UNIT" | "EOF", ..] => {}
                _ => samples.push(Sample::parse(line)),
            }
        }
        for Sample { name, .. } in &samples {
            let suffixes = ["_bucket", "_sum", "_count", "_total", ""];
            let mut families = suffixes.iter().filter_map(|suffix| name.strip_suffix(suffix));
            assert!(families.any(|family| types.contains(family)), "no type for {name}");
        }
        Self(samples)
    }

    /// The sum of all samples of this name that have these labels.
    #[must_use]
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let matching = |sample: &&Sample| {
            let has = |(key, value): &(&str, &str)| sample.label(key) == Some(*value);
            sample.name == name && labels.iter().all(has)
        };
        self.0.iter().filter(matching).map(|sample| sample.value).sum()
    }

    /// How many series there are of this name.
    #[must_use]
    pub fn series(&self, name: &str) -> usize {
        self.0.iter().filter(|sample| sample.name == name).count()
    }
}

impl Sample {
    #[track_caller]
    fn parse(line: &str) -> Self {
        let read = || {
            let (series, value) = line.rsplit_once(' ')?;
            let (name, labels) = match series.split_once('{') {
                Some((name, labels)) => (name, read_labels(labels.strip_suffix('}')?)?),
                None => (series, Vec::new()),
            };
            Some(Self { name: name.to_owned(), labels, value: value.parse().ok()? })
        };
        read().unwrap_or_else(|| panic!("no sample: {line}"))
    }

    fn label(&self, key: &str) -> Option<&str> {
        self.labels.iter().find(|(other, _)| other == key).map(|(_, value)| value.as_str())
    }
}

/// Reads `a="b",c="d"`; backslashes escape.
fn read_labels(mut text: &str) -> Option<Vec<(String, String)>> {
    let mut labels = Vec::new();
    while !text.is_empty() {
        let (key, rest) = text.split_once("=\"")?;
        let mut value = String::new();
        let mut letters = rest.char_indices();
        let end = loop {
            match letters.next()? {
                (at, '"') => break at,
                (_, '\\') => match letters.next()?.1 {
                    'n' => value.push('\n'),
                    letter => value.push(letter),
                },
                (_, letter) => value.push(letter),
            }
        };
        labels.push((key.to_owned(), value));
        let rest = rest.get(end + 1..)?;
        text = rest.strip_prefix(',').unwrap_or(rest);
    }
    Some(labels)
}
