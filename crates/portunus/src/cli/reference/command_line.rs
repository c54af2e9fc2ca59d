//! The page about the command line, made from its description.

use std::fmt::Write as _;

use clap::{Arg, ArgAction, Command, CommandFactory as _};

use crate::cli::Cli;

pub(super) fn page() -> String {
    let mut program = Cli::command();
    program.build();
    let mut page = String::from(
        "# Command line\n\n\
         Exit codes: 0 fine, 1 a bad configuration, a failed start, a failed test or a wrong \
         command line, 2 a forced stop.\n\nEvery command takes:\n",
    );
    let everywhere = |arg: &&Arg| arg.is_global_set();
    arguments(&mut page, program.get_arguments().filter(everywhere));
    sections(&mut page, &mut program, "");
    page
}

/// A section for each command below `parent`, and for those below them.
fn sections(page: &mut String, parent: &mut Command, path: &str) {
    for command in parent.get_subcommands_mut().filter(|one| !one.is_hide_set()) {
        let name = command.get_name();
        if name != "help" {
            let path = format!("{path}{name} ");
            section(page, command, path.trim_end());
            sections(page, command, &path);
        }
    }
}

fn section(page: &mut String, command: &mut Command, path: &str) {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let usage = command.render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage);
    let _ = write!(page, "\n## {path}\n\n{about}.\n\n```text\n{usage}\n```\n");
    let own = |arg: &&Arg| !arg.is_global_set() && !arg.is_hide_set() && !is_usual(arg);
    arguments(page, command.get_arguments().filter(own));
}

/// Whether an argument needs no words.
fn is_usual(arg: &Arg) -> bool {
    matches!(arg.get_id().as_str(), "help" | "version")
}

/// A table of arguments; nothing when there is none.
fn arguments<'a>(page: &mut String, args: impl Iterator<Item = &'a Arg>) {
    let row = |arg: &Arg| {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        format!("| `{}` | {} |\n", written(arg), help.replace('|', "\\|"))
    };
    let rows: String = args.map(row).collect();
    if !rows.is_empty() {
        let _ = write!(page, "\n| argument | meaning |\n|---|---|\n{rows}");
    }
}

/// An argument as one writes it.
fn written(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    let value = match arg.get_action() {
        ArgAction::Set | ArgAction::Append => {
            let name = names.first().map_or_else(|| "VALUE".to_owned(), ToString::to_string);
            if arg.is_positional() { name } else { format!(" {name}") }
        }
        _ => String::new(),
    };
    let short = arg.get_short().map(|short| format!("-{short}"));
    let long = arg.get_long().map(|long| format!("--{long}"));
    let flags: Vec<String> = short.into_iter().chain(long).collect();
    format!("{}{value}", flags.join(", "))
}
