//! The tests of a configuration: each asks [`explain`] and compares.

use std::fmt::Display;

use portunus_config::spec::{ExpectSpec, TestSpec};
use portunus_spec::{Diagnostics, Reader, Span, Spanned};

use crate::explain::{End, Explanation};
use crate::{Compiled, Question, explain};

/// What became of one test.
#[derive(Clone, Debug, PartialEq)]
pub struct TestOutcome {
    /// What the test shows.
    pub name: Spanned<String>,
    /// What is not as expected; nothing where the test passes.
    pub failures: Vec<TestFailure>,
    /// What became of the request; `None` where the request is none.
    pub explanation: Option<Explanation>,
}

/// One thing that is not as expected.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TestFailure {
    /// What it is about: `status`, `header x-a`.
    pub what: String,
    /// What the test wants.
    pub expected: String,
    /// What there is.
    pub found: String,
    /// Where the test says so.
    pub span: Span,
}

impl TestOutcome {
    /// True when everything is as expected.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// Runs all tests, without sending anything.
#[must_use]
pub fn run_tests(compiled: &Compiled, tests: &[TestSpec]) -> Vec<TestOutcome> {
    tests.iter().map(|test| run(compiled, test)).collect()
}

/// The failures of tests as located errors.
#[must_use]
pub fn test_diagnostics(outcomes: &[TestOutcome]) -> Diagnostics {
    let mut reader = Reader::at(&portunus_spec::NoLookup, "tests");
    for (index, outcome) in outcomes.iter().enumerate() {
        reader.index(index, |reader| {
            for failure in &outcome.failures {
                let TestFailure { what, expected, found, span } = failure;
                let name = &outcome.name.value;
                let error = reader.error(*span, format!("test `{name}`: wrong {what}"));
                error.label(format!("expected {expected}, found {found}"));
            }
        });
    }
    reader.finish()
}

fn run(compiled: &Compiled, test: &TestSpec) -> TestOutcome {
    let name = test.name.clone();
    match question(test) {
        Ok(question) => {
            let explanation = explain(compiled, &question);
            let failures = compare(test, &explanation);
            TestOutcome { name, failures, explanation: Some(explanation) }
        }
        Err(problem) => {
            let expected = "a request such as `GET http://shop.example.com/`".to_owned();
            let (what, span) = ("request".to_owned(), test.request.span);
            let failure = TestFailure { what, expected, found: problem, span };
            TestOutcome { name, failures: vec![failure], explanation: None }
        }
    }
}

fn question(test: &TestSpec) -> Result<Question, String> {
    let words: Vec<String> = test.request.split_whitespace().map(str::to_owned).collect();
    let mut question = Question::parse(&words)?;
    for (name, value) in &test.headers {
        question.add_header(name, value)?;
    }
    question.at = test.at.map(|at| at.0);
    if let Some(body) = &test.body {
        question.set_body(body);
    }
    question.client_ip = test.client_ip.unwrap_or(question.client_ip);
    Ok(question)
}

fn compare(test: &TestSpec, explanation: &Explanation) -> Vec<TestFailure> {
    let mut comparison = Comparison { span: test.request.span, failures: Vec::new() };
    let ExpectSpec { status, reason, route, upstream, headers } = &test.expect;
    comparison.status(*status, explanation);
    if let Some(reason) = reason {
        let found = match &explanation.end {
            End::Answer(answer) => answer.reason.as_deref(),
            End::Forward(_) => None,
        };
        comparison.texts("reason", reason, found);
    }
    if let Some(wanted) = route {
        let found = explanation.route.as_ref();
        // The path is how the file names a route; the whole name tells apart those of several hosts.
        if !found.is_some_and(|route| route.path == *wanted || route.name == *wanted) {
            comparison.texts("route", wanted, found.map(|route| route.name.as_str()));
        }
    }
    if let Some(upstream) = upstream {
        comparison.upstream(upstream, explanation);
    }
    let found = match &explanation.end {
        End::Answer(answer) => &answer.headers,
        End::Forward(forward) => &forward.headers,
    };
    for (name, value) in headers {
        comparison.span = name.span;
        comparison.header(name, value, found);
    }
    comparison.failures
}

/// Collects what is not as expected.
struct Comparison {
    /// Where failures are located whose expectation has no place of its own.
    span: Span,
    failures: Vec<TestFailure>,
}

impl Comparison {
    fn status(&mut self, wanted: Option<u16>, explanation: &Explanation) {
        let Some(wanted) = wanted else { return };
        match &explanation.end {
            End::Answer(answer) if answer.status == wanted => {}
            End::Answer(answer) => self.fail("status", wanted, answer.status),
            End::Forward(forward) => {
                let names = forward.choices.iter().map(|choice| choice.upstream.as_str());
                let names = names.collect::<Vec<_>>().join(" or ");
                self.fail("status", wanted, format!("a request that goes to {names}"));
            }
        }
    }

    fn upstream(&mut self, wanted: &Spanned<String>, explanation: &Explanation) {
        self.span = wanted.span;
        match &explanation.end {
            End::Answer(answer) => {
                self.fail("upstream", &wanted.value, format!("the answer {}", answer.status));
            }
            End::Forward(forward) => {
                let names = || forward.choices.iter().map(|choice| choice.upstream.as_str());
                if !names().any(|name| name == wanted.value) {
                    self.fail("upstream", &wanted.value, names().collect::<Vec<_>>().join(" or "));
                }
            }
        }
    }

    fn header(&mut self, name: &str, wanted: &str, found: &[(String, String)]) {
        let values = found.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let values: Vec<&str> = values.map(|(_, value)| value.as_str()).collect();
        if !values.contains(&wanted) {
            let found = (!values.is_empty()).then(|| values.join(", "));
            self.texts(&format!("header {name}"), wanted, found.as_deref());
        }
    }

    fn texts(&mut self, what: &str, wanted: &str, found: Option<&str>) {
        if found != Some(wanted) {
            let found = found.map_or_else(|| "none".to_owned(), |found| format!("`{found}`"));
            self.fail(what, format!("`{wanted}`"), found);
        }
    }

    fn fail(&mut self, what: &str, expected: impl Display, found: impl Display) {
        let (what, expected, found) = (what.to_owned(), expected.to_string(), found.to_string());
        self.failures.push(TestFailure { what, expected, found, span: self.span });
    }
}

#[cfg(test)]
mod tests;
