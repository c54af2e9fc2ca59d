//! The lines that a running program writes.

use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;
use std::thread;

use crate::wait::Watched;

/// One output of the program, read by a thread of its own.
#[derive(Debug)]
pub(super) struct Output(Arc<Watched<Lines>>);

#[derive(Debug, Default)]
struct Lines {
    lines: Vec<String>,
    is_over: bool,
}

impl Output {
    pub(super) fn collect(pipe: Option<impl Read + Send + 'static>) -> Self {
        let lines = Arc::<Watched<Lines>>::default();
        let output = Self(Arc::clone(&lines));
        let reader = BufReader::new(pipe.expect("the output is piped"));
        thread::spawn(move || {
            for line in reader.lines().map_while(Result::ok) {
                lines.change(|lines| lines.lines.push(line));
            }
            lines.change(|lines| lines.is_over = true);
        });
        output
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.0.look(|lines| lines.lines.clone())
    }

    /// Waits for a line; fails the test when it never comes.
    #[track_caller]
    pub(super) fn wait_for(&self, is_it: impl Fn(&str) -> bool) -> String {
        let found = self.0.wait_for(|lines| {
            let line = lines.lines.iter().find(|line| is_it(line)).cloned();
            (line.is_some() || lines.is_over).then_some(line)
        });
        let all = || self.lines().join("\n");
        found.flatten().unwrap_or_else(|| panic!("the awaited line never came:\n{}", all()))
    }
}
