//! What a filter read from outside while it was built, so that a reload can tell whether it would read the same.

use std::cell::RefCell;
use std::hash::{DefaultHasher, Hash, Hasher};

use portunus_spec::Lookup;

/// Looks up in another lookup and remembers what was asked and what came.
pub(crate) struct Recorded<'a> {
    lookup: &'a dyn Lookup,
    readings: RefCell<Readings>,
}

/// Questions with a digest of their answers: answers may be secret, or large.
#[derive(Debug, Default)]
pub(crate) struct Readings {
    list: Vec<(Question, u64)>,
}

#[derive(Debug)]
enum Question {
    Env(String),
    File(String),
    Bytes(String),
}

impl<'a> Recorded<'a> {
    pub(crate) fn new(lookup: &'a dyn Lookup) -> Self {
        Self { lookup, readings: RefCell::default() }
    }

    pub(crate) fn finish(self) -> Readings {
        self.readings.into_inner()
    }

    fn record(&self, question: Question, digest: u64) {
        self.readings.borrow_mut().list.push((question, digest));
    }
}

impl Lookup for Recorded<'_> {
    fn env(&self, name: &str) -> Option<String> {
        let answer = self.lookup.env(name);
        self.record(Question::Env(name.to_owned()), digest(&answer));
        answer
    }

    fn file(&self, path: &str) -> Result<String, String> {
        let answer = self.lookup.file(path);
        self.record(Question::File(path.to_owned()), digest(&answer));
        answer
    }

    fn bytes(&self, path: &str) -> Result<Vec<u8>, String> {
        let answer = self.lookup.bytes(path);
        self.record(Question::Bytes(path.to_owned()), digest(&answer));
        answer
    }

    fn is_open_to_all(&self, path: &str) -> bool {
        self.lookup.is_open_to_all(path)
    }
}

impl Readings {
    /// Whether everything reads as it did.
    pub(crate) fn still_hold(&self, lookup: &dyn Lookup) -> bool {
        self.list.iter().all(|(question, before)| {
            let now = match question {
                Question::Env(name) => digest(&lookup.env(name)),
                Question::File(path) => digest(&lookup.file(path)),
                Question::Bytes(path) => digest(&lookup.bytes(path)),
            };
            now == *before
        })
    }
}

fn digest(answer: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    answer.hash(&mut hasher);
    hasher.finish()
}
