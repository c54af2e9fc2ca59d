use super::{command, exit_code, installed, output, run, shown, status, succeeds};

fn shell(script: &str) -> std::process::Command {
    let mut shell = command("sh").unwrap();
    shell.args(["-c", script]);
    shell
}

#[test]
fn a_failing_command_is_an_error_that_names_it() {
    let error = run(&mut shell("exit 3")).unwrap_err().to_string();
    assert!(error.contains("sh -c exit 3"), "{error}");
}

#[test]
fn output_keeps_standard_output_and_reports_standard_error() {
    assert_eq!(output(&mut shell("echo fine")).unwrap(), "fine\n");
    let error = output(&mut shell("echo broken >&2; exit 1")).unwrap_err().to_string();
    assert!(error.contains("broken"), "{error}");
}

#[test]
fn the_exit_code_of_a_child_is_handed_on() {
    let ended = status(&mut shell("exit 100")).unwrap();
    assert_eq!(
        format!("{:?}", exit_code(ended)),
        format!("{:?}", std::process::ExitCode::from(100))
    );
}

#[test]
fn a_program_that_does_not_exist_is_neither_installed_nor_run() {
    assert!(installed("sh"));
    assert!(!installed("no-such-program-anywhere"));
    assert!(!succeeds(&mut command("no-such-program-anywhere").unwrap()));
}

#[test]
fn commands_are_shown_as_typed() {
    assert_eq!(shown(&shell("true")), "sh -c true");
}
