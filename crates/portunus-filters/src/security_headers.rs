//! `security_headers`: what browsers are told so that a page is harder to misuse.

use std::sync::Arc;

use portunus_exchange::{Exchange, Phase, PhaseSet};
use portunus_filter::{BuildCx, Buildable, Filter, FilterCx, Interest, Verdict};
use portunus_spec::{Problem, Spanned, check, spec};

use portunus_filter::check_value;

spec! {
    /// Tells browsers to be strict with the pages of this host. Each header can be set to another value, or left out
    /// with `off`.
    pub struct SecurityHeadersSpec {
        /// `X-Content-Type-Options`: no guessing of types.
        content_type_options: Spanned<String> = Spanned::none("nosniff".to_owned()),
        /// `X-Frame-Options`: whose pages may show this one within theirs.
        frame_options: Spanned<String> = Spanned::none("SAMEORIGIN".to_owned()),
        /// `Referrer-Policy`: what other sites are told of the page that a visitor comes from.
        referrer_policy: Spanned<String> = Spanned::none("strict-origin-when-cross-origin".to_owned()),
        /// `Permissions-Policy`: what pages may not use.
        permissions_policy: Spanned<String> = Spanned::none("camera=(), geolocation=(), microphone=()".to_owned()),
        /// `Content-Security-Policy`: where a page may load from, and `frame-ancestors`.
        content_security_policy: Spanned<String> = off(),
        /// `Content-Security-Policy-Report-Only`: a policy that is only tried out.
        content_security_policy_report_only: Spanned<String> = off(),
        /// `Cross-Origin-Opener-Policy`, such as `same-origin`.
        cross_origin_opener_policy: Spanned<String> = off(),
        /// `Cross-Origin-Embedder-Policy`, such as `require-corp`.
        cross_origin_embedder_policy: Spanned<String> = off(),
        /// `Cross-Origin-Resource-Policy`, such as `same-site`.
        cross_origin_resource_policy: Spanned<String> = off(),
        /// Whether the upstream's own values are replaced.
        replace: bool = true,
        /// Whether headers that tell what the upstream runs are removed: `Server`, `X-Powered-By` and the like.
        hide_server: bool = false,
    }
}

fn off() -> Spanned<String> {
    Spanned::none("off".to_owned())
}

impl Buildable for SecurityHeadersSpec {
    const NAME: &'static str = "security_headers";
    const DOC: &'static str = "Tells browsers to be strict with the pages of this host.";

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        let headers = [
            ("X-Content-Type-Options", &self.content_type_options),
            ("X-Frame-Options", &self.frame_options),
            ("Referrer-Policy", &self.referrer_policy),
            ("Permissions-Policy", &self.permissions_policy),
            ("Content-Security-Policy", &self.content_security_policy),
            ("Content-Security-Policy-Report-Only", &self.content_security_policy_report_only),
            ("Cross-Origin-Opener-Policy", &self.cross_origin_opener_policy),
            ("Cross-Origin-Embedder-Policy", &self.cross_origin_embedder_policy),
            ("Cross-Origin-Resource-Policy", &self.cross_origin_resource_policy),
        ];
        let mut fine = true;
        for (_, value) in &headers {
            fine &= check(value, cx.reader, |value| match value.trim() {
                "" => {
                    Err(Problem::new("an empty value").help("write `off` to leave the header out"))
                }
                _ => check_value(value),
            });
        }
        let is_on = |value: &str| !["off", "false"].contains(&value);
        let headers = headers.into_iter().filter(|(_, value)| is_on(value));
        let headers = headers.map(|(name, value)| (name, value.value.as_str().into())).collect();
        let filter =
            SecurityHeaders { headers, replace: self.replace, hide_server: self.hide_server };
        fine.then(|| Arc::new(filter) as Arc<dyn Filter>)
    }
}

struct SecurityHeaders {
    headers: Box<[(&'static str, Box<str>)]>,
    replace: bool,
    hide_server: bool,
}

impl Filter for SecurityHeaders {
    fn interest(&self) -> Interest {
        Interest { phases: PhaseSet::NONE.with(Phase::Response), ..Interest::default() }
    }

    fn on_response(&self, exchange: &mut Exchange, _cx: &mut FilterCx<'_>) -> Verdict {
        let headers = &mut exchange.response.headers;
        if self.hide_server {
            headers.retain(|header| !tells_server(header.name));
        }
        for (name, value) in &self.headers {
            if self.replace || headers.value(name.as_bytes()).is_none() {
                headers.set(name.as_bytes(), value.as_bytes());
            }
        }
        Verdict::Continue
    }
}

fn tells_server(name: &[u8]) -> bool {
    TELLING.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name))
}

const TELLING: &[&str] = &[
    "Server",
    "X-AspNet-Version",
    "X-AspNetMvc-Version",
    "X-Drupal-Cache",
    "X-Generator",
    "X-Powered-By",
    "X-Runtime",
];

#[cfg(test)]
mod tests;
