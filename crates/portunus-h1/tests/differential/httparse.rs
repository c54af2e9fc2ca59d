//! `httparse`, which tokenises heads for hyper and others.

use portunus_h1::{H1Error, Limits, Parsed, parse_request, parse_response};
use portunus_http::{Header, RequestHead, ResponseHead};
use proptest::prelude::*;

use crate::{
    corpus,
    properties::{mostly_request, mostly_response},
};

/// Faults that httparse does not look for, or forgives.
const STRICTER: &[H1Error] = &[
    H1Error::BadEscape,
    H1Error::BadHost,
    H1Error::BadRequestLine, // it takes up several spaces, and skips any number of empty lines
    H1Error::BadStatus,      // it takes 000 and 999
    H1Error::BadTarget,
    H1Error::BareLf, // it takes LF alone as a line end, as RFC 9112 section 2.2 permits
    H1Error::DuplicateHost,
    H1Error::FragmentInTarget,
    H1Error::HeaderTooLong,
    H1Error::HeadersTooLarge,
    H1Error::LineTooLong,
    H1Error::LookalikeHeader,
    H1Error::MissingHost,
    H1Error::BadMethod, // it has no limit on the length
    H1Error::UserinfoInTarget,
];

type Theirs = Option<(usize, Vec<(String, Vec<u8>)>)>;

fn request_of_httparse(bytes: &[u8]) -> Theirs {
    let mut fields = [httparse::EMPTY_HEADER; 100];
    let mut request = httparse::Request::new(&mut fields);
    let httparse::Status::Complete(len) = request.parse(bytes).ok()? else { return None };
    Some((len, fields_of_httparse(request.headers)))
}

fn response_of_httparse(bytes: &[u8]) -> Theirs {
    let mut fields = [httparse::EMPTY_HEADER; 100];
    let mut response = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(len) = response.parse(bytes).ok()? else { return None };
    Some((len, fields_of_httparse(response.headers)))
}

fn fields_of_httparse(fields: &[httparse::Header<'_>]) -> Vec<(String, Vec<u8>)> {
    fields.iter().map(|field| (field.name.to_owned(), field.value.to_vec())).collect()
}

fn fields_of_ours<'a>(fields: impl Iterator<Item = Header<'a>>) -> Vec<(String, Vec<u8>)> {
    let text = |name: &[u8]| String::from_utf8(name.to_vec()).unwrap();
    fields.map(|field| (text(field.name), field.value.to_vec())).collect()
}

fn compare_request(bytes: &[u8]) {
    let mut head = RequestHead::default();
    let theirs = request_of_httparse(bytes);
    match parse_request(bytes, &Limits::default(), &mut head) {
        // It wants the target to be UTF-8.
        Ok(Parsed::Complete(_)) if theirs.is_none() => {
            let target = [head.path(), head.query().unwrap_or(b"")].concat();
            assert!(String::from_utf8(target).is_err(), "httparse refuses what we accept");
        }
        // The Host header is set to the authority of an absolute target; so without its value.
        Ok(Parsed::Complete(len)) => {
            let (their_len, fields) = theirs.expect("httparse accepts it too");
            let others = |mut fields: Vec<(String, Vec<u8>)>| {
                fields.retain(|(name, _)| !name.eq_ignore_ascii_case("host"));
                fields
            };
            assert_eq!(
                (len, others(fields_of_ours(head.headers.iter()))),
                (their_len, others(fields))
            );
        }
        Ok(Parsed::Incomplete) => {
            assert!(theirs.is_none() || holds_bare_lf(bytes), "we wait, httparse does not");
        }
        Err(fault) => {
            assert!(theirs.is_none() || STRICTER.contains(&fault), "{fault} is fine to httparse");
        }
    }
}

fn compare_response(bytes: &[u8]) {
    let mut head = ResponseHead::default();
    let theirs = response_of_httparse(bytes);
    match parse_response(bytes, &Limits::default(), &mut head) {
        Ok(Parsed::Complete(len)) => {
            let theirs = theirs.expect("httparse accepts it too");
            assert_eq!((len, fields_of_ours(head.headers.iter())), theirs);
        }
        Ok(Parsed::Incomplete) => {
            assert!(theirs.is_none() || holds_bare_lf(bytes), "we wait, httparse does not");
        }
        Err(fault) => {
            // It skips empty lines before an answer, too.
            let known = STRICTER.contains(&fault) || fault == H1Error::BadStatusLine;
            assert!(theirs.is_none() || known, "{fault} is fine to httparse");
        }
    }
}

fn holds_bare_lf(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair[0] != b'\r' && pair[1] == b'\n')
}

#[test]
fn httparse_reads_the_corpus_as_we_do() {
    corpus::read("requests.txt").iter().for_each(|case| compare_request(&case.bytes));
    corpus::read("responses.txt").iter().for_each(|case| compare_response(&case.bytes));
}

proptest! {
    #[test]
    fn httparse_reads_requests_as_we_do(bytes in mostly_request()) {
        compare_request(&bytes);
    }

    #[test]
    fn httparse_reads_answers_as_we_do(bytes in mostly_response()) {
        compare_response(&bytes);
    }
}
