//! The pages of the filter itself: which one a path means, and what those that are not redirects look like.

use bytes::Bytes;
use portunus_exchange::{Reply, ReplyBody};

/// A page of the filter itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Page<'p> {
    /// Where a login begins, at the provider of that name if there is one.
    Login(Option<&'p str>),
    /// Where a provider sends the browser back to.
    Callback(Option<&'p str>),
    /// Where a user logs out.
    Logout,
    /// Where a browser comes to after that.
    LoggedOut,
    /// Where a provider tells of logouts.
    Backchannel(Option<&'p str>),
    /// Nothing.
    Unknown,
}

impl<'p> Page<'p> {
    /// The page of a path; `None` when it is not below the prefix.
    pub(crate) fn of(path: &'p [u8], prefix: &str) -> Option<Self> {
        let below = path.strip_prefix(prefix.as_bytes())?;
        if below.is_empty() {
            return Some(Self::Unknown);
        }
        let below = below.strip_prefix(b"/")?;
        let below = std::str::from_utf8(below).unwrap_or("");
        let (page, name) = match below.split_once('/') {
            Some((page, name)) => (page, Some(name)),
            None => (below, None),
        };
        Some(match (page, name) {
            ("login", name) => Self::Login(name),
            ("callback", name) => Self::Callback(name),
            ("backchannel", name) => Self::Backchannel(name),
            ("logout", None) => Self::Logout,
            ("logged_out", None) => Self::LoggedOut,
            _ => Self::Unknown,
        })
    }
}

/// A redirect that no cache keeps, with cookies.
pub(crate) fn redirect(to: &str, cookies: Vec<String>) -> Reply {
    let reply = Reply::plain(302, ReplyBody::Empty);
    let reply = reply.with_header("Location", to.to_owned());
    let reply = reply.with_header("Cache-Control", "no-store");
    with_cookies(reply.with_header("Referrer-Policy", "no-referrer"), cookies)
}

/// A reply that sets cookies.
pub(crate) fn with_cookies(mut reply: Reply, cookies: Vec<String>) -> Reply {
    let name = Bytes::from_static(b"Set-Cookie");
    reply.headers.extend(cookies.into_iter().map(|line| (name.clone(), Bytes::from(line))));
    reply
}

/// The page where a user chooses a provider.
pub(crate) fn choice<'a>(choices: impl Iterator<Item = (&'a str, String)>) -> Reply {
    let links = choices
        .map(|(label, url)| format!("<p><a href=\"{}\">{}</a></p>\n", escape(&url), escape(label)));
    page("Log in", &links.collect::<String>())
}

/// The page that a browser comes to after a logout.
pub(crate) fn logged_out(login: &str) -> Reply {
    let body = format!("<p><a href=\"{}\">Log in again</a></p>\n", escape(login));
    page("You are logged out", &body)
}

fn page(title: &str, body: &str) -> Reply {
    let text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>body {{ font-family: sans-serif; margin: 15vh auto; max-width: 24rem; \
         text-align: center }}</style>\n</head>\n<body>\n<h1>{title}</h1>\n{body}</body>\n</html>\n"
    );
    Reply::plain(200, ReplyBody::Whole(Bytes::from(text)))
        .with_header("Content-Type", "text/html; charset=utf-8")
        .with_header("Cache-Control", "no-store")
        .with_header("Content-Security-Policy", POLICY)
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            letter => out.push(letter),
        }
    }
    out
}

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

#[cfg(test)]
mod tests;
