use super::{Gift, Handover, Step};
use crate::handover::Program;

/// A new process that does what a shell script says, over its standard input.
async fn start(script: &str) -> Handover {
    let script = format!("exec 1>&0; {script}");
    Handover::start(&Program::new("/bin/sh", &["-c", &script]), Gift::default()).await.unwrap()
}

fn is_running(id: u32) -> bool {
    std::fs::exists(format!("/proc/{id}")).unwrap()
}

#[tokio::test]
async fn each_side_waits_for_the_other() {
    // The first line ends with what it waits for.
    let script =
        "echo prepared; IFS= read -r line; case $line in *take) echo ready;; esac; exec cat";
    let mut handover = start(script).await;
    assert_eq!(handover.step().await, Step::Prepared);
    handover.give_way().await;
    assert_eq!(handover.step().await, Step::Ready);
    let id = handover.id();
    // On its own it lives for as long as it wants: until its input ends.
    handover.child.take().map(|mut child| {
        assert!(is_running(id));
        drop(handover);
        child.wait().unwrap()
    });
}

#[tokio::test]
async fn how_a_process_ended_is_told() {
    // It ends when it has read all that it is given, and not while that is written.
    let mut handover = start("echo prepared; IFS= read -r line; exit 3").await;
    assert_eq!(handover.step().await, Step::Prepared);
    handover.give_way().await;
    let Step::Failed(why) = handover.step().await else { panic!() };
    assert_eq!(why, "it ended before it was ready (exit code 3)");
    let mut handover = start("echo refused port 80 is taken; exec sleep 1000").await;
    assert_eq!(handover.step().await, Step::Failed("port 80 is taken".to_owned()));
    assert!(!is_running(handover.id()));
    let mut handover = start("echo hello; exec sleep 1000").await;
    assert_eq!(handover.step().await, Step::Failed("it speaks another language".to_owned()));
    let none = Handover::start(&Program::new("/no/such/program", &[]), Gift::default()).await;
    assert!(none.unwrap_err().starts_with("cannot start /no/such/program: "));
}

#[tokio::test]
async fn one_that_is_never_ready_is_ended() {
    let mut handover = start("echo prepared; exec sleep 1000").await;
    assert_eq!(handover.step().await, Step::Prepared);
    tokio::time::pause();
    let late = "it was not ready within 60 s".to_owned();
    assert_eq!(handover.step().await, Step::Failed(late));
    assert!(!is_running(handover.id()));
}

#[tokio::test]
async fn who_gives_up_ends_the_new_process() {
    let handover = start("exec sleep 1000").await;
    let id = handover.id();
    drop(handover);
    assert!(!is_running(id));
}
