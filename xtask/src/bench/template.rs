//! Filling in the files of `bench/configs/`.
//!
//! `@NAME@` stands for a value. A line that begins with `@word@` is conditional or repeated:
//! `@log@` and `@nolog@` with and without access log, `@routed@` when there are routes,
//! `@filtered@` when there are filters, `@tls@` and `@notls@` with and without TLS for clients,
//! `@h2origin@` and `@h1origin@` for what the origin speaks, `@limits@` with a rate limit and changes of headers,
//! `@tokens@` when requests need a token as well, `@shared@` with a limit that is shared through Redis, `@route@` once for each route and `@filter@` once for each
//! filter, with `@N@` as its number from 0.

use std::path::Path;

use super::scenario::Policy;

/// The values of one run of one proxy.
pub(super) struct Values<'a> {
    pub folder: &'a Path,
    pub port: u16,
    pub admin_port: u16,
    pub origin_port: u16,
    pub clients_max: usize,
    pub access_log: bool,
    pub routes: usize,
    pub filters: usize,
    pub tls: bool,
    pub h2_origin: bool,
    pub policy: Policy,
    /// Where Redis listens, when it is used.
    pub redis_port: u16,
}

impl Values<'_> {
    /// The template with everything filled in.
    pub(super) fn fill(&self, template: &str) -> String {
        let mut text = String::with_capacity(template.len());
        for line in template.lines() {
            self.fill_line(line, &mut text);
        }
        text
    }

    fn fill_line(&self, line: &str, text: &mut String) {
        let (times, rest) = self.repetitions(line);
        if times == 0 {
            return;
        }
        let filled = self.fill_words(rest);
        for number in 0..times {
            text.push_str(&filled.replace("@N@", &number.to_string()));
            text.push('\n');
        }
    }

    /// How often the line stands in the result, and the line without the mark that says so.
    fn repetitions<'l>(&self, line: &'l str) -> (usize, &'l str) {
        let marks = [
            ("@log@", usize::from(self.access_log)),
            ("@nolog@", usize::from(!self.access_log)),
            ("@tls@", usize::from(self.tls)),
            ("@notls@", usize::from(!self.tls)),
            ("@h2origin@", usize::from(self.h2_origin)),
            ("@h1origin@", usize::from(!self.h2_origin)),
            ("@limits@", usize::from(matches!(self.policy, Policy::Limits | Policy::Tokens(_)))),
            ("@shared@", usize::from(matches!(self.policy, Policy::Shared(_)))),
            ("@tokens@", usize::from(matches!(self.policy, Policy::Tokens(_)))),
            ("@routed@", usize::from(self.routes > 0)),
            ("@filtered@", usize::from(self.filters > 0)),
            ("@route@", self.routes),
            ("@filter@", self.filters),
        ];
        marks
            .iter()
            .find_map(|(mark, times)| line.strip_prefix(mark).map(|rest| (*times, rest)))
            .unwrap_or((1, line))
    }

    /// The words without a number: also used for command lines.
    pub(super) fn fill_words(&self, line: &str) -> String {
        let mode = match self.policy {
            Policy::Shared(mode) => mode,
            _ => "",
        };
        line.replace("@MODE@", mode)
            .replace("@REDIS@", &self.redis_port.to_string())
            .replace("@DIR@", &self.folder.display().to_string())
            .replace("@PORT@", &self.port.to_string())
            .replace("@ADMIN@", &self.admin_port.to_string())
            .replace("@ORIGIN@", &self.origin_port.to_string())
            .replace("@CLIENTS@", &self.clients_max.to_string())
            .replace("@CONNECTIONS@", &(2 * self.clients_max).to_string())
    }
}

#[cfg(test)]
mod tests;
