//! Listeners, dialling, Io, buffers and splice. The only crate with unsafe code.
