//! The access log's records and forms: from a finished exchange to one line of bytes.

mod escape;
mod format;
mod record;
mod template;
mod time_cache;

pub use format::Format;
pub use record::AccessRecord;
pub use template::FormatError;
pub use time_cache::TimeCache;
