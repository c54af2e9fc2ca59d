//! Control: everything of a running Portunus that is not the path of a request.
//!
//! Loads and compiles configurations and publishes them to the workers, watches files, finds and
//! checks endpoints, answers the admin API, obeys signals. All of it runs on one thread with a
//! runtime of its own, never on a worker.

mod admin;
mod authority;
mod certificates;
mod changes;
mod confine;
mod console;
mod control;
mod handover;
mod health;
mod history;
mod inherited;
mod keyring;
mod life;
mod limits;
mod listeners;
mod log;
mod memory;
mod normal;
mod pid_file;
mod quotas;
mod refusal;
mod services;
mod shared;
mod signals;
mod source;
mod state;
mod systemd;
mod task;
mod upkeep;
mod upstreams;
mod watch;

pub use admin::{certificates_in_files, own_token_file, read_own_token};
pub use authority::{issue_locally, local_authority};
pub use changes::save::{NotSaved, RunningEndpoint, SaveError, SavePlan, SavedWeight};
pub use console::Console;
pub use control::{Control, Options};
pub use life::{End, run};
pub use memory::MemoryMeter;
pub use normal::normal;
pub use refusal::{Refusal, StartError};
pub use shared::Reloaded;
pub use source::{ConfigSource, Prepared, World};
pub use state::state_folder;
