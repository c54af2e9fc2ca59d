//! The head of an answer.

use crate::{HeaderList, Text, Version};

/// Status, reason phrase, version and headers of an answer.
#[derive(Clone, Debug, Default)]
pub struct ResponseHead {
    /// The status code, 100 to 599; 0 before there is one.
    pub status: u16,
    /// The version that the upstream used.
    pub version: Version,
    /// The headers.
    pub headers: HeaderList,
    reason: Text,
}

impl ResponseHead {
    /// Forgets everything; keeps the memory.
    pub fn clear(&mut self) {
        self.headers.clear();
        self.status = 0;
        self.version = Version::H11;
        self.reason = Text::default();
    }

    /// The reason phrase: the one sent, or the usual one of the status.
    #[must_use]
    pub fn reason(&self) -> &[u8] {
        match self.headers.text(self.reason) {
            [] => reason_phrase(self.status).as_bytes(),
            sent => sent,
        }
    }

    /// Sets the reason phrase.
    pub fn set_reason(&mut self, reason: &[u8]) {
        self.reason = self.headers.store(reason);
    }

    /// As [`ResponseHead::set_reason`], for text that is in the arena already.
    pub fn set_reason_stored(&mut self, reason: Text) {
        self.reason = reason;
    }

    /// Sets the status; the reason phrase becomes the usual one.
    pub fn set_status(&mut self, status: u16) {
        self.status = status;
        self.reason = Text::default();
    }

    /// True for 1xx but 101: an answer before the answer.
    #[must_use]
    pub fn is_interim(&self) -> bool {
        (100..200).contains(&self.status) && self.status != 101
    }
}

/// The usual phrase of a status (RFC 9110 section 15 and its registry); empty when unknown.
#[must_use]
pub fn reason_phrase(status: u16) -> &'static str {
    let found = PHRASES.binary_search_by_key(&status, |(code, _)| *code);
    found.ok().and_then(|at| PHRASES.get(at)).map_or("", |(_, phrase)| phrase)
}

const PHRASES: &[(u16, &str)] = &[
    (100, "Continue"),
    (101, "Switching Protocols"),
    (103, "Early Hints"),
    (200, "OK"),
    (201, "Created"),
    (202, "Accepted"),
    (203, "Non-Authoritative Information"),
    (204, "No Content"),
    (205, "Reset Content"),
    (206, "Partial Content"),
    (300, "Multiple Choices"),
    (301, "Moved Permanently"),
    (302, "Found"),
    (303, "See Other"),
    (304, "Not Modified"),
    (307, "Temporary Redirect"),
    (308, "Permanent Redirect"),
    (400, "Bad Request"),
    (401, "Unauthorized"),
    (402, "Payment Required"),
    (403, "Forbidden"),
    (404, "Not Found"),
    (405, "Method Not Allowed"),
    (406, "Not Acceptable"),
    (407, "Proxy Authentication Required"),
    (408, "Request Timeout"),
    (409, "Conflict"),
    (410, "Gone"),
    (411, "Length Required"),
    (412, "Precondition Failed"),
    (413, "Content Too Large"),
    (414, "URI Too Long"),
    (415, "Unsupported Media Type"),
    (416, "Range Not Satisfiable"),
    (417, "Expectation Failed"),
    (421, "Misdirected Request"),
    (422, "Unprocessable Content"),
    (425, "Too Early"),
    (426, "Upgrade Required"),
    (428, "Precondition Required"),
    (429, "Too Many Requests"),
    (431, "Request Header Fields Too Large"),
    (451, "Unavailable For Legal Reasons"),
    (500, "Internal Server Error"),
    (501, "Not Implemented"),
    (502, "Bad Gateway"),
    (503, "Service Unavailable"),
    (504, "Gateway Timeout"),
    (505, "HTTP Version Not Supported"),
    (507, "Insufficient Storage"),
    (511, "Network Authentication Required"),
];

#[cfg(test)]
mod tests;
