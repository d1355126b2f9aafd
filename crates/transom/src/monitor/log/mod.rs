//! Docker's json-file log: one JSON object a line, with size-bound rotation.
//!
//! ```text
//! <id>-json.log       the newest
//! <id>-json.log.1     the one before it, and so on
//! ```

mod entry;
mod options;
mod reader;
mod writer;

pub use entry::{Entry, Stream};
pub use options::{LogOptions, check_driver};
pub use reader::{Follow, Watch, read_all, read_older};
pub use writer::{LogSink, LogWriter};
