//! Filling in the files of `bench/configs/chaos/`.
//!
//! `@NAME@` stands for a value. A line that begins with `@name@` stands once for each item of the
//! list of that name, none included, with `@ITEM@` for the item and `@N@` for its number from 0.

/// The values and lists of one run of one proxy.
#[derive(Clone, Default)]
pub(super) struct Values {
    words: Vec<(&'static str, String)>,
    lists: Vec<(&'static str, Vec<String>)>,
}

impl Values {
    pub(super) fn word(&mut self, name: &'static str, value: impl ToString) -> &mut Self {
        self.words.push((name, value.to_string()));
        self
    }

    pub(super) fn list(
        &mut self,
        name: &'static str,
        items: impl IntoIterator<Item = impl ToString>,
    ) -> &mut Self {
        self.lists.push((name, items.into_iter().map(|item| item.to_string()).collect()));
        self
    }

    /// The template with everything filled in.
    pub(super) fn fill(&self, template: &str) -> String {
        let mut text = String::with_capacity(template.len());
        for line in template.lines() {
            self.fill_line(&self.fill_words(line), &mut text);
        }
        text
    }

    fn fill_line(&self, line: &str, text: &mut String) {
        let list = self.lists.iter().find_map(|(name, items)| {
            let rest = line.strip_prefix('@')?.strip_prefix(name)?.strip_prefix('@')?;
            Some((rest, items))
        });
        let Some((rest, items)) = list else {
            text.push_str(line);
            text.push('\n');
            return;
        };
        for (number, item) in items.iter().enumerate() {
            text.push_str(&rest.replace("@ITEM@", item).replace("@N@", &number.to_string()));
            text.push('\n');
        }
    }

    /// The words alone: also used for command lines.
    pub(super) fn fill_words(&self, line: &str) -> String {
        let fill = |line: String, (name, value): &(&str, String)| {
            line.replace(&format!("@{name}@"), value)
        };
        self.words.iter().fold(line.to_owned(), fill)
    }
}

#[cfg(test)]
mod tests;
