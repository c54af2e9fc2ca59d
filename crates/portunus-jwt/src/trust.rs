//! Whom we trust when we fetch something.

use portunus_fetch::Fetcher;
use portunus_filter::BuildCx;
use portunus_spec::Spanned;

/// A fetcher that trusts the authorities of a PEM file and no others, and the text of the file.
pub(crate) fn trusting(
    path: &Spanned<String>,
    cx: &mut BuildCx<'_, '_>,
) -> Option<(Fetcher, Vec<u8>)> {
    let pem = cx.reader.lookup().bytes(path);
    let made = pem.and_then(|pem| match cx.services.fetcher.trusting(&pem) {
        Ok(fetcher) => Ok((fetcher, pem)),
        Err(error) => Err(error.to_string()),
    });
    made.map_err(|message| _ = cx.reader.error(path.span, message)).ok()
}
