//! Nothing outlives this command, however it ends: a shell holds the list of what was started, and
//! kills all of it when its input closes, which also Ctrl-C and SIGKILL cannot prevent.

use std::cell::RefCell;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::rc::Rc;

use anyhow::{Context as _, Result};

/// The shell. Dropping it makes it kill what is left.
#[derive(Clone)]
pub(super) struct Reaper(Rc<RefCell<Shell>>);

struct Shell {
    child: Child,
    input: Option<ChildStdin>,
}

impl Reaper {
    /// Starts it; in the end it also removes `folder`.
    pub(super) fn start(folder: &Path) -> Result<Self> {
        let mut command = Command::new("sh");
        // A group of its own, so that Ctrl-C does not reach it.
        command.args(["-c", SCRIPT, "reaper"]).arg(folder).process_group(0);
        command.stdin(Stdio::piped());
        let mut child = command.spawn().context("cannot start sh")?;
        let input = child.stdin.take();
        Ok(Self(Rc::new(RefCell::new(Shell { child, input }))))
    }

    /// Notes a process group that must not stay; dropping the note takes it off the list.
    pub(super) fn note(&self, group: u32) -> Note {
        self.tell("start", group);
        Note { reaper: self.clone(), group }
    }

    /// A shell that is gone cannot be told; then `setpriv --pdeathsig` is what remains.
    fn tell(&self, what: &str, group: u32) {
        if let Some(input) = &mut self.0.borrow_mut().input {
            let _ = writeln!(input, "{what} {group}");
        }
    }
}

/// A process group on the list.
pub(super) struct Note {
    reaper: Reaper,
    group: u32,
}

impl Drop for Note {
    fn drop(&mut self) {
        self.reaper.tell("end", self.group);
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

const SCRIPT: &str = r#"
groups=
while read -r what group; do
    rest=
    for one in $groups; do
        [ "$one" = "$group" ] || rest="$rest $one"
    done
    groups=$rest
    [ "$what" = end ] || groups="$groups $group"
done
for one in $groups; do
    kill -s KILL -- "-$one" 2>/dev/null
done
rm -rf -- "$1"
"#;

#[cfg(test)]
mod tests;
