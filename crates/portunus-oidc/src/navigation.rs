//! Is it a person in front of a browser, who can be sent to a login page, or a program, which cannot?

use portunus_exchange::Exchange;
use portunus_http::{HeaderId, HeaderList, Method, list_items};

/// True for a request that a login page may answer: a browser goes to a page.
///
/// Programs get a plain 401 instead: scripts of a page (`X-Requested-With`, `Sec-Fetch-Mode` other than `navigate`),
/// clients that do not ask for HTML, upgrades, and methods whose body would be lost on the way.
pub(crate) fn is_navigation(exchange: &Exchange) -> bool {
    let request = &exchange.request;
    let headers = &request.headers;
    let mode = headers.value(b"Sec-Fetch-Mode");
    matches!(request.method, Method::Get | Method::Head)
        && exchange.attributes.value(UPGRADE).is_none()
        && mode.is_none_or(|mode| mode.eq_ignore_ascii_case(b"navigate"))
        && headers.value(b"X-Requested-With").is_none()
        && accepts_html(headers)
}

fn accepts_html(headers: &HeaderList) -> bool {
    headers.values_of(HeaderId::Accept).flat_map(list_items).any(|item| {
        let kind = item.split(|&byte| byte == b';').next().unwrap_or(item).trim_ascii();
        kind.eq_ignore_ascii_case(b"text/html")
            || kind.eq_ignore_ascii_case(b"application/xhtml+xml")
    })
}

/// The attribute that `admit` leaves on requests that ask for another protocol.
const UPGRADE: &str = "upgrade";

#[cfg(test)]
mod tests;
