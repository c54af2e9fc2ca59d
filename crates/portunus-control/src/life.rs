//! The life of the process: start, signals, reloads, upgrades, graceful stop.

use portunus_base::{Clock as _, SystemClock, format_duration};
use rustix::process::{Pid, Signal, kill_process};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::changes::save::SaveError;
use crate::confine::Confinement;
use crate::control::{ControlTask, earlier};
use crate::handover::{Handover, Program, Step, Takeover};
use crate::inherited::Inherited;
use crate::shared::Command;
use crate::signals::{Signals, Wish};
use crate::task::Task;
use crate::watch::Watcher;
use crate::{Control, Options, Refusal, StartError, World, state, state_folder};

/// How a life ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// All was finished, or the grace was over.
    Graceful,
    /// Somebody asked a second time.
    Forced,
}

/// Runs Portunus on the calling thread until a signal ends it. With `watch`, changed files of the
/// configuration reload it.
///
/// # Errors
/// It could not start.
pub fn run(options: Options, watch: bool) -> Result<End, StartError> {
    let mut takeover = Takeover::find(&options.env);
    match (start(options, watch, takeover.as_mut()), takeover) {
        (Ok((runtime, life)), takeover) => {
            takeover.into_iter().for_each(Takeover::ready);
            Ok(runtime.block_on(life.live()))
        }
        (Err(error), takeover) => {
            takeover.into_iter().for_each(|takeover| takeover.refuse(&error.0));
            Err(error)
        }
    }
}

fn start(
    mut options: Options,
    watch: bool,
    mut takeover: Option<&mut Takeover>,
) -> Result<(Runtime, Life), StartError> {
    state::settle(&mut options.env);
    let program = Program::of_this_process(state_folder(&options.env));
    // Before there are threads: it changes the environment.
    let inherited = inherit(&options, takeover.as_deref_mut())?;
    // So is this: it holds for those that are started later.
    let before = takeover.and_then(|takeover| takeover.confined.take());
    let confinement = Confinement::enter(&options, before)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| StartError::system("cannot start the control runtime", error))?;
    let begin = async {
        let signals =
            Signals::catch().map_err(|error| StartError::system("cannot catch signals", error))?;
        let began = earlier(SystemClock.wall());
        let control = Control::start_with(options, inherited, confinement).await?;
        let mut watcher = watch.then(Watcher::new);
        if let Some(watcher) = &mut watcher {
            let (files, folders) = control.files();
            watcher.follow_since(files, folders, began);
        }
        control.notifier().ready(control.status());
        let watched = control.notifier().watch(control.pulse());
        Ok(Life { control, signals, watcher, watched, program, upgrade: None })
    };
    let life = runtime.block_on(begin);
    life.map(|life| (runtime, life))
}

/// What a service manager gives, or the process whose place this one takes.
fn inherit(options: &Options, takeover: Option<&mut Takeover>) -> Result<Inherited, StartError> {
    let Some(takeover) = takeover else { return Ok(Inherited::from_manager()) };
    let fault = |error| StartError::system("cannot take over from the process before", error);
    let inherited = takeover.receive().map_err(fault)?;
    // For a configuration that is wrong the other process gives nothing up.
    let world = World::new(options.version, options.env.clone(), options.registries);
    let accepted = world.prepare(&options.source, None).accept()?;
    if let Some(confined) = &takeover.confined {
        confined.suffices(&accepted.spec, &accepted.loaded.base, &options.env)?;
    }
    takeover.prepared().map_err(fault)?;
    Ok(inherited)
}

struct Life {
    control: Control,
    signals: Signals,
    watcher: Option<Watcher>,
    /// What tells a service manager that all is well.
    watched: Option<Task>,
    program: Option<Program>,
    upgrade: Option<Upgrade>,
}

/// An upgrade that is under way.
struct Upgrade {
    handover: Handover,
    /// Who waits for what becomes of it.
    answer: Option<UpgradeAnswer>,
    /// The new process has the files that only one can hold.
    gave_way: bool,
    /// Somebody wants the configuration to be loaded, by whichever process serves then.
    reload_due: bool,
}

type UpgradeAnswer = oneshot::Sender<Result<u32, String>>;

impl Life {
    async fn live(mut self) -> End {
        loop {
            let watched = changed(&mut self.watcher);
            let event = tokio::select! {
                wish = self.signals.next() => Event::Wish(wish),
                Some(task) = self.control.task() => Event::Task(task),
                () = watched => Event::Wish(Wish::Reload),
                step = step(&mut self.upgrade) => Event::Step(step),
            };
            match event {
                Event::Wish(Wish::Reload) => self.reload().await,
                Event::Wish(Wish::Reopen) => self.control.reopen_logs(),
                Event::Wish(Wish::Upgrade) => self.upgrade(None).await,
                Event::Wish(Wish::Stop | Wish::Quit) => return self.stop().await,
                Event::Task(ControlTask::Command(Command::Upgrade(answer))) => {
                    self.upgrade(Some(answer)).await;
                }
                Event::Task(task) => self.execute(task).await,
                Event::Step(Step::Prepared) => self.give_way().await,
                Event::Step(Step::Ready) => return self.retire().await,
                Event::Step(Step::Failed(why)) => self.go_on(&why).await,
            }
        }
    }

    async fn reload(&mut self) {
        self.mark();
        if let Some(upgrade) = &mut self.upgrade {
            upgrade.reload_due = true;
            self.control.console().line("an upgrade is under way, the reload waits for its end");
        } else {
            // A refusal has been told; the old configuration stays.
            let _ = self.control.reload().await;
        }
        self.follow();
    }

    async fn execute(&mut self, task: ControlTask) {
        if task.reads_files() {
            self.mark();
        }
        match (task, &self.upgrade) {
            (ControlTask::Command(Command::Reload(answer) | Command::Back(answer)), Some(_)) => {
                let refusal = Refusal::System(vec![UNDER_WAY.to_owned()]);
                // Who asked may have gone.
                let _ = answer.send(self.control.refused(refusal));
            }
            (ControlTask::Command(Command::Save(answer)), Some(_)) => {
                let _ = answer.send(Err(SaveError::Busy));
            }
            (ControlTask::Command(Command::Save(answer)), None) => {
                let Self { control, watcher, .. } = self;
                let saved = control.save(|| watcher.iter_mut().for_each(Watcher::mark)).await;
                let _ = answer.send(saved);
            }
            (task, _) => self.control.execute(task).await,
        }
        self.follow();
    }

    /// Starts the program that is at this one's path now, to take this one's place.
    async fn upgrade(&mut self, answer: Option<UpgradeAnswer>) {
        let console = self.control.console();
        match self.start_upgrade().await {
            Ok(handover) => {
                console.line(format_args!("upgrading: process {} starts", handover.id()));
                let upgrade = Upgrade { handover, answer, gave_way: false, reload_due: false };
                self.upgrade = Some(upgrade);
            }
            Err(why) => {
                console.line(format_args!("upgrade refused: {why}"));
                tell(answer, Err(why));
            }
        }
    }

    async fn start_upgrade(&self) -> Result<Handover, String> {
        if self.upgrade.is_some() {
            return Err(UNDER_WAY.to_owned());
        }
        let program = self.program.as_ref().ok_or("the path of the program is not known")?;
        let gift = self.control.gift().map_err(|error| error.to_string())?;
        Handover::start(program, gift).await
    }

    /// The new process would serve: it gets what only one can hold.
    async fn give_way(&mut self) {
        if let Some(upgrade) = &mut self.upgrade {
            upgrade.gave_way = true;
            self.control.hand_over().await;
            upgrade.handover.give_way().await;
        }
    }

    /// The new process has failed: all is as it was.
    async fn go_on(&mut self, why: &str) {
        let Some(upgrade) = self.upgrade.take() else { return };
        let Upgrade { answer, gave_way, reload_due, .. } = upgrade;
        if gave_way {
            self.control.take_back().await;
        }
        let id = std::process::id();
        self.control.console().line(format_args!("upgrade failed, process {id} goes on: {why}"));
        tell(answer, Err(why.to_owned()));
        if reload_due {
            self.reload().await;
        }
    }

    /// The new process accepts. What is open here is finished, and nothing is said of a stop.
    async fn retire(mut self) -> End {
        let Some(Upgrade { handover, answer, reload_due, .. }) = self.upgrade.take() else {
            return self.stop().await;
        };
        let (id, console) = (handover.id(), self.control.console());
        handover.release();
        (self.watcher, self.watched) = (None, None);
        self.control.notifier().succeeded_by(id);
        if reload_due {
            signal(id, Signal::HUP);
        }
        self.control.retire().await;
        tell(answer, Ok(id));
        let grace = self.control.grace();
        let for_at_most = format_duration(grace);
        console.line(format_args!(
            "process {id} has taken over, ending here in {for_at_most} at most"
        ));
        let end = tokio::select! {
            () = self.control.finish(self.control.emptied()) => End::Graceful,
            () = pass_on(&mut self.signals, &self.control, id) => End::Forced,
        };
        self.control.stop();
        end
    }

    fn mark(&mut self) {
        if let Some(watcher) = &mut self.watcher {
            watcher.mark();
        }
    }

    fn follow(&mut self) {
        if let Some(watcher) = &mut self.watcher {
            let (files, folders) = self.control.files();
            watcher.follow(files, folders);
        }
    }

    async fn stop(mut self) -> End {
        // A new process that is not ready ends.
        if let Some(upgrade) = self.upgrade.take()
            && upgrade.gave_way
        {
            drop(upgrade);
            self.control.take_back().await;
        }
        let grace = self.control.grace();
        let console = self.control.console();
        let open = self.control.connections();
        let delay = self.control.delay();
        if !delay.is_zero() {
            let delay = format_duration(delay);
            console.line(format_args!("not ready any more, accepting for {delay} still"));
        }
        self.control.notifier().stopping(format_args!("stopping, {open} connections are open"));
        let stopping = async {
            if !delay.is_zero() {
                self.control.step_back().await;
                tokio::time::sleep(delay).await;
            }
            console.line(format_args!("stopping, for at most {}", format_duration(grace)));
            self.control.finish(self.control.drain()).await;
        };
        let end = tokio::select! {
            () = stopping => End::Graceful,
            () = asked_again(&mut self.signals) => End::Forced,
        };
        self.control.stop_orders().await;
        self.control.stop();
        console.line(match end {
            End::Graceful => "stopped",
            End::Forced => "stopped by force",
        });
        end
    }
}

enum Event {
    Wish(Wish),
    Task(ControlTask),
    Step(Step),
}

/// Waits for the next step of an upgrade; for ever when none is under way.
async fn step(upgrade: &mut Option<Upgrade>) -> Step {
    match upgrade {
        Some(upgrade) => upgrade.handover.step().await,
        None => std::future::pending().await,
    }
}

/// Answers who has asked for an upgrade, if that was somebody.
fn tell(answer: Option<UpgradeAnswer>, result: Result<u32, String>) {
    // Who asked may have gone.
    let _ = answer.map(|answer| answer.send(result));
}

/// Passes on what was meant for the process that serves, until somebody wants this one to end.
async fn pass_on(signals: &mut Signals, control: &Control, to: u32) {
    loop {
        match signals.next().await {
            Wish::Reload => signal(to, Signal::HUP),
            Wish::Upgrade => signal(to, Signal::USR2),
            Wish::Reopen => {
                control.reopen_logs();
                signal(to, Signal::USR1);
            }
            Wish::Quit => {}
            Wish::Stop => return,
        }
    }
}

fn signal(id: u32, signal: Signal) {
    let id = i32::try_from(id).ok().and_then(Pid::from_raw);
    // It may have ended already.
    let _ = id.map(|id| kill_process(id, signal));
}

/// Waits for a changed file; for ever when nobody watches.
async fn changed(watcher: &mut Option<Watcher>) {
    match watcher {
        Some(watcher) => watcher.changed().await,
        None => std::future::pending().await,
    }
}

async fn asked_again(signals: &mut Signals) {
    while signals.next().await != Wish::Stop {}
}

const UNDER_WAY: &str = "an upgrade is under way";
