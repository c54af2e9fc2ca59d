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
         command line, 2 a forced stop.\n",
    );
    for command in program.get_subcommands_mut().filter(|one| !one.is_hide_set()) {
        if command.get_name() != "help" {
            section(&mut page, command);
        }
    }
    page
}

fn section(page: &mut String, command: &mut Command) {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let usage = command.render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage);
    let _ = write!(page, "\n## {}\n\n{about}\n\n```\n{usage}\n```\n", command.get_name());
    let described =
        |arg: &&Arg| !arg.is_hide_set() && !matches!(arg.get_id().as_str(), "help" | "version");
    let args: Vec<&Arg> = command.get_arguments().filter(described).collect();
    if !args.is_empty() {
        page.push_str("\n| argument | meaning |\n|---|---|\n");
    }
    for arg in args {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(page, "| `{}` | {} |", written(arg), help.replace('|', "\\|"));
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
