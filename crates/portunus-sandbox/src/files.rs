//! Files, by Landlock: what may be written and what may be executed. Reading stays free.

use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, AddRuleError, AddRulesError, BitFlags, Errno, LandlockStatus,
    PathBeneath, PathFd, RestrictionStatus, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _,
    RulesetError, RulesetStatus, Scope, make_bitflags,
};

use crate::Needs;

/// Restricts this thread, and those that it starts. Answers how far.
pub(crate) fn restrict(needs: &Needs) -> Result<String, String> {
    let error = match try_restrict(needs) {
        Ok(status) => return told(&status),
        Err(error) => error,
    };
    let why = error.to_string();
    // Each version adds its layer to those that it inherits, until there are sixteen.
    let is_full = needs.before.is_some() && *Errno::from(error) == libc::E2BIG;
    if is_full { Ok("as the process before had them".to_owned()) } else { Err(why) }
}

fn try_restrict(needs: &Needs) -> Result<RestrictionStatus, RulesetError> {
    let handled = AccessFs::from_write(ABI_MAX) | AccessFs::Execute;
    let ruleset = Ruleset::default().handle_access(handled)?.scope(scopes(needs))?;
    let mut rules = ruleset.create()?;
    let written = needs.written.iter().map(|path| (path, writing(path)));
    let executed = needs.executed.iter().map(|path| (path, AccessFs::Execute.into()));
    for (path, access) in written.chain(executed) {
        // What is not there is not needed, or will be missed in the words of whoever needs it.
        let Ok(place) = PathFd::new(path) else { continue };
        match (&mut rules).add_rule(PathBeneath::new(place, access)) {
            Err(error) if !is_without_folder(&error) => return Err(error),
            _ => {}
        }
    }
    rules.restrict_self()
}

/// What is reached of other processes, beside files: nothing that is not needed.
fn scopes(needs: &Needs) -> BitFlags<Scope> {
    if needs.abstract_sockets { Scope::Signal.into() } else { Scope::from_all(ABI_MAX) }
}

/// A pipe, which may be behind `/dev/stdout`, lies in no folder: no rule holds for it.
fn is_without_folder(error: &RulesetError) -> bool {
    let RulesetError::AddRules(AddRulesError::Fs(AddRuleError::AddRuleCall { source, .. })) = error
    else {
        return false;
    };
    source.raw_os_error() == Some(libc::EBADFD)
}

/// What may be done in a folder, or to a file.
fn writing(path: &Path) -> BitFlags<AccessFs> {
    if path.is_dir() {
        let devices = make_bitflags!(AccessFs::{MakeChar | MakeBlock | IoctlDev});
        AccessFs::from_write(ABI_MAX) & !devices
    } else {
        AccessFs::from_write(ABI_MAX) & AccessFs::from_file(ABI_MAX)
    }
}

fn told(status: &RestrictionStatus) -> Result<String, String> {
    let abi = match status.landlock {
        LandlockStatus::NotImplemented => return Err("the kernel has no Landlock".to_owned()),
        LandlockStatus::NotEnabled => return Err("Landlock is off in the kernel".to_owned()),
        LandlockStatus::Available { effective_abi, .. } => effective_abi as u8,
    };
    match status.ruleset {
        RulesetStatus::FullyEnforced => Ok(format!("Landlock {abi}")),
        RulesetStatus::PartiallyEnforced => Ok(format!("Landlock {abi}, in part")),
        RulesetStatus::NotEnforced => Err(format!("Landlock {abi} cannot hold them")),
    }
}

/// The rights that we know: those of later kernels stay free.
const ABI_MAX: ABI = ABI::V6;
