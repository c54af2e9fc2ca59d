//! The corpora: every case has the outcome that it names.

use portunus_http::{Framing, Method};

use crate::{
    corpus,
    message::{Outcome, read_request, read_response},
};

#[test]
fn every_request_of_the_corpus_has_its_outcome() {
    let cases = corpus::read("requests.txt");
    assert!(cases.len() >= 120, "{} cases", cases.len());
    let wrong = cases.iter().filter_map(|case| {
        let found = read_request(&case.bytes).text();
        (found != case.expected).then(|| format!("{}: {found}, not {}", case.name, case.expected))
    });
    assert_eq!(wrong.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn every_answer_of_the_corpus_has_its_outcome() {
    let cases = corpus::read("responses.txt");
    assert!(cases.len() >= 40, "{} cases", cases.len());
    let wrong = cases.iter().filter_map(|case| {
        let outcome = read_response(&case.bytes, Method::Get);
        let found = match &outcome {
            Outcome::Whole { framing, .. } => format!("ok {}", framing_text(*framing)),
            other => other.text(),
        };
        (found != case.expected).then(|| format!("{}: {found}, not {}", case.name, case.expected))
    });
    assert_eq!(wrong.collect::<Vec<_>>(), Vec::<String>::new());
}

/// Cut anywhere, a request is incomplete or refused for the reason of the whole; it never becomes
/// another.
#[test]
fn no_prefix_of_a_request_has_another_outcome() {
    for case in corpus::read("requests.txt").iter().filter(|case| case.bytes.len() < 1000) {
        let whole = read_request(&case.bytes).text();
        for cut in 0..case.bytes.len() {
            let found = read_request(&case.bytes[..cut]).text();
            let fine = found == "incomplete" || found == whole;
            assert!(fine, "{} cut at {cut}: {found}, not {whole}", case.name);
        }
    }
}

#[test]
fn case_names_are_distinct() {
    for file in ["requests.txt", "responses.txt"] {
        let mut names: Vec<_> = corpus::read(file).into_iter().map(|case| case.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{file}");
    }
}

fn framing_text(framing: Framing) -> &'static str {
    match framing {
        Framing::None => "none",
        Framing::Length(_) => "length",
        Framing::Chunked => "chunked",
        Framing::Close => "close",
    }
}
