//! What the process gives up.

use portunus_spec::spec_enum;

spec_enum! {
    /// Whether the process gives up what it does not need: writing and executing files, capabilities, system calls.
    pub enum SandboxSpec {
        /// As far as the system can, with a line that says how far.
        Auto = "auto",
        /// All of it, or there is no start.
        On = "on",
        /// Nothing.
        Off = "off",
    }
}
