use clap::{CommandFactory as _, Parser as _};

use super::Cli;

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn the_configuration_is_named_before_or_after_the_command() {
    for words in [["portunus", "-c", "a.yaml", "check"], ["portunus", "check", "-c", "a.yaml"]] {
        let cli = Cli::try_parse_from(words).unwrap();
        assert_eq!(cli.config.as_deref(), Some(std::path::Path::new("a.yaml")));
    }
}

#[test]
fn flags_that_contradict_each_other_are_refused() {
    for words in [
        &["portunus", "run", "--host", "a.localhost"][..],
        &["portunus", "run", "--watch", "--to", "http://127.0.0.1:1"],
        &["portunus", "fmt", "--normal", "--write"],
        &["portunus"],
    ] {
        assert!(Cli::try_parse_from(words).is_err(), "{words:?}");
    }
}
