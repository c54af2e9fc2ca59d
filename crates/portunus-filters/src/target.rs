//! Targets that are made of a user's text and a client's values: what may go out as one.

use portunus_http::valid_path;

/// A target in its two parts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Target<'a> {
    pub(crate) path: &'a [u8],
    /// Some when there is a `?`, even with nothing after it.
    pub(crate) query: Option<&'a [u8]>,
}

/// Parts a target at its first `?`. None when it may not go to an upstream: it does not begin with `/`, holds
/// bytes that no target has, or has `.` or `..` segments, which would lead out of the place that the user meant.
pub(crate) fn parse(target: &[u8]) -> Option<Target<'_>> {
    let mark = memchr::memchr(b'?', target).unwrap_or(target.len());
    let (path, rest) = target.split_at_checked(mark)?;
    let fine = path.first() == Some(&b'/') && valid_path(target) && !has_dot_segment(path);
    fine.then_some(Target { path, query: rest.get(1..) })
}

fn has_dot_segment(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/').any(is_dot_segment)
}

/// True for `.` and `..`, each dot plain or as `%2e`.
fn is_dot_segment(segment: &[u8]) -> bool {
    let mut rest = segment;
    let mut dots = 0;
    while !rest.is_empty() {
        let escaped = rest.split_at_checked(3).filter(|(dot, _)| dot.eq_ignore_ascii_case(b"%2e"));
        rest = match (rest.strip_prefix(b"."), escaped) {
            (Some(tail), _) | (None, Some((_, tail))) => tail,
            (None, None) => return false,
        };
        dots += 1;
    }
    (1..=2).contains(&dots)
}

#[cfg(test)]
mod tests;
