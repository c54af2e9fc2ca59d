//! The request target in its four forms (RFC 9112 section 3.2).

use portunus_http::{
    TargetForm, Text, has_whole_escapes, split_host_port, valid_authority, valid_path,
};

use crate::H1Error;

/// A target, as offsets into the head.
pub(crate) struct Target {
    pub(crate) form: TargetForm,
    pub(crate) authority: Text,
    pub(crate) path: Text,
    pub(crate) query: Option<Text>,
}

impl Target {
    /// Parses a target that stands at `base` in the head.
    pub(crate) fn parse(target: &[u8], base: usize, method: &[u8]) -> Result<Self, H1Error> {
        if !valid_path(target) {
            return Err(fault_in(target));
        }
        match target {
            _ if method == b"CONNECT" => Self::authority_form(target, base),
            [b'/', ..] => Self::with_path(TargetForm::Origin, Text::default(), target, base),
            b"*" if method == b"OPTIONS" => {
                Self::with_path(TargetForm::Asterisk, Text::default(), target, base)
            }
            _ => Self::absolute_form(target, base),
        }
    }

    fn authority_form(target: &[u8], base: usize) -> Result<Self, H1Error> {
        if memchr::memchr(b'@', target).is_some() {
            return Err(H1Error::UserinfoInTarget);
        }
        let has_port = split_host_port(target).is_some_and(|parts| parts.port.is_some());
        if !has_port || !valid_authority(target) {
            return Err(H1Error::BadTarget);
        }
        let (form, authority) = (TargetForm::Authority, Text::new(base, target.len()));
        Ok(Self { form, authority, path: Text::default(), query: None })
    }

    fn absolute_form(target: &[u8], base: usize) -> Result<Self, H1Error> {
        let scheme_len = scheme_len(target).ok_or(H1Error::BadTarget)?;
        let rest = target.get(scheme_len..).unwrap_or(&[]);
        let authority_len = memchr::memchr2(b'/', b'?', rest).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(authority_len).unwrap_or((rest, &[]));
        if memchr::memchr(b'@', authority).is_some() {
            return Err(H1Error::UserinfoInTarget);
        }
        if !valid_authority(authority) {
            return Err(H1Error::BadTarget);
        }
        let base = base + scheme_len;
        let text = Text::new(base, authority_len);
        Self::with_path(TargetForm::Absolute, text, path, base + authority_len)
    }

    fn with_path(
        form: TargetForm,
        authority: Text,
        target: &[u8],
        base: usize,
    ) -> Result<Self, H1Error> {
        let path_len = memchr::memchr(b'?', target).unwrap_or(target.len());
        let (path, query) = target.split_at_checked(path_len).unwrap_or((target, &[]));
        if !has_whole_escapes(path) {
            return Err(H1Error::BadEscape);
        }
        let query = query.len().checked_sub(1);
        let query = query.map(|len| Text::new(base + path_len + 1, len));
        Ok(Self { form, authority, path: Text::new(base, path_len), query })
    }
}

/// The length of `http://` or `https://`, in any case.
fn scheme_len(target: &[u8]) -> Option<usize> {
    let schemes: [&[u8]; 2] = [b"http://", b"https://"];
    let mut lens = schemes.into_iter().filter_map(|scheme| {
        let start = target.get(..scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(scheme.len())
    });
    lens.next()
}

#[cold]
fn fault_in(target: &[u8]) -> H1Error {
    match target.iter().find(|byte| **byte <= b' ' || matches!(byte, b'#' | 0x7f)) {
        Some(b'#') => H1Error::FragmentInTarget,
        Some(b' ') => H1Error::BadRequestLine,
        _ => H1Error::BadTarget,
    }
}
