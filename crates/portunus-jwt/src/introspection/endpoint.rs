//! Where the authorisation server is asked: `auth/introspect`, `https://id.example.com/introspect`.

use portunus_base::UpstreamId;
use portunus_filter::BuildCx;
use portunus_http::{HeaderId, RequestHead, valid_path};
use portunus_spec::Spanned;

use crate::is_confidential;

/// A compiled endpoint.
pub(super) struct Endpoint {
    pub(super) upstream: UpstreamId,
    authority: Box<[u8]>,
    path: Box<[u8]>,
}

impl Endpoint {
    /// Reads it. Whether an upstream of that name speaks TLS is for its own part of the configuration to say.
    pub(super) fn build(
        to: &Spanned<String>,
        insecure: bool,
        cx: &mut BuildCx<'_, '_>,
    ) -> Option<Self> {
        if to.contains("://") && !insecure && !is_confidential(to) {
            let error = cx.reader.error(to.span, format!("no token is sent to `{}`", to.value));
            error.help("write an https:// URL: whoever is on the way could use the tokens");
            return None;
        }
        let scheme = to.find("://").map_or(0, |at| at + 3);
        let end = to.get(scheme..)?.find('/').map_or(to.len(), |at| scheme + at);
        let (place, path) = to.split_at_checked(end)?;
        let path = if path.is_empty() { "/" } else { path };
        if !valid_path(path.as_bytes()) || path.contains('?') {
            let error = cx.reader.error(to.span, format!("`{path}` is not a path"));
            error.help("write `https://id.example.com/introspect` or `upstream/introspect`");
            return None;
        }
        let upstream = cx.upstream(&Spanned::new(to.span, place.to_owned()))?;
        let authority = place.get(scheme..).unwrap_or(place).as_bytes().into();
        Some(Self { upstream, authority, path: path.as_bytes().into() })
    }

    /// The head of a question: a form that is posted.
    pub(super) fn post(&self) -> RequestHead {
        let mut head = RequestHead::default();
        head.set_method(b"POST");
        head.set_path(&self.path);
        head.set_authority(&self.authority);
        head.headers.set_id(HeaderId::ContentType, b"application/x-www-form-urlencoded");
        head.headers.append(b"Accept", b"application/json");
        head
    }
}
