//! One line of a log.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Which stream a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Output.
    Stdout,
    /// Errors.
    Stderr,
}

/// One line, with its line feed if it had one; a line without is continued by the stream's next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry<'a> {
    /// What was written. Bytes that are no UTF-8 have been replaced, as docker does.
    #[serde(borrow)]
    pub log: Cow<'a, str>,
    /// Where to.
    pub stream: Stream,
    /// When.
    pub time: Timestamp,
}
