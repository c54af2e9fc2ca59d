//! The nearest known name of a misspelt one.

/// The candidate that `word` most likely meant, when one is near enough.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let limit = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(edits, candidate)| *edits <= limit && *edits < candidate.chars().count())
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// The help for an unknown word: the nearest known one, or all of them when they are few.
pub fn suggestion<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str> + Clone,
    what: &str,
) -> Option<String> {
    let known: Vec<&str> = candidates.clone().into_iter().take(LISTED_MAX + 1).collect();
    let list = (1..=LISTED_MAX).contains(&known.len()).then(|| known.join(", "));
    match (nearest(word, candidates), list) {
        (Some(near), Some(list)) => Some(format!("did you mean `{near}`? known {what}: {list}")),
        (Some(near), None) => Some(format!("did you mean `{near}`?")),
        (None, Some(list)) => Some(format!("known {what}: {list}")),
        (None, None) => None,
    }
}

/// Edits (insert, delete, replace, swap of neighbours) from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.to_lowercase().chars().collect();
    let to: Vec<char> = to.to_lowercase().chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (row, mine) in from.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, theirs) in to.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX);
            let replace = at(&above, column) + usize::from(mine != theirs);
            let mut edits = replace.min(at(&above, column + 1) + 1).min(at(&current, column) + 1);
            let swapped = column > 0
                && row > 0
                && from.get(row - 1) == Some(theirs)
                && to.get(column - 1) == Some(mine);
            if swapped {
                edits = edits.min(at(&before, column - 1) + 1);
            }
            current.push(edits);
        }
        before = std::mem::replace(&mut above, current);
    }
    above.last().copied().unwrap_or(0)
}

/// How many names a message lists at most.
const LISTED_MAX: usize = 12;

#[cfg(test)]
mod tests;
