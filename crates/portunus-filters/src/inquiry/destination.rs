//! Where a call goes: `auth`, `auth/verify`, `http://10.0.0.5:9000/verify?x=1`.

use portunus_base::UpstreamId;
use portunus_exchange::Exchange;
use portunus_filter::BuildCx;
use portunus_http::RequestHead;
use portunus_spec::Spanned;

use crate::target;

/// A compiled destination.
pub(crate) struct Destination {
    pub(crate) upstream: UpstreamId,
    pub(crate) path: Box<[u8]>,
    pub(crate) query: Option<Box<[u8]>>,
    /// The authority of a URL; None for an upstream's name, which is asked under the request's own authority.
    pub(crate) authority: Option<Box<[u8]>>,
}

impl Destination {
    pub(crate) fn build(to: &Spanned<String>, cx: &mut BuildCx<'_, '_>) -> Option<Self> {
        let scheme = to.find("://").map_or(0, |at| at + 3);
        let after = to.get(scheme..)?;
        let end = scheme + after.find(['/', '?']).unwrap_or(after.len());
        let (place, target) = to.split_at_checked(end)?;
        let target = match target {
            "" => "/".to_owned(),
            query if query.starts_with('?') => format!("/{query}"),
            path => path.to_owned(),
        };
        let upstream = cx.upstream(&Spanned::new(to.span, place.to_owned()));
        let Some(parsed) = target::parse(target.as_bytes()) else {
            let error = cx.reader.error(to.span, format!("`{target}` is not a path"));
            error.help("write `upstream/path` or `http://host/path`");
            return None;
        };
        let authority = (scheme > 0).then(|| place.get(scheme..).unwrap_or("").as_bytes().into());
        let (path, query) = (parsed.path.into(), parsed.query.map(Box::from));
        Some(Self { upstream: upstream?, path, query, authority })
    }

    /// The head of a question, without headers.
    pub(crate) fn head(&self, method: &[u8], exchange: &Exchange) -> RequestHead {
        let mut head = RequestHead::default();
        let own = || exchange.request.authority();
        head.set_method(method);
        head.set_path(&self.path);
        head.set_query(self.query.as_deref());
        head.set_authority(self.authority.as_deref().unwrap_or_else(own));
        head
    }
}
