//! The text form, Wine's `system.reg`, `user.reg` and `userdef.reg` (version 2).
//!
//! ```text
//! WINE REGISTRY Version 2
//! ;; All keys relative to REGISTRY\\Machine
//!
//! #arch=win64
//!
//! [Software\\Classes\\.chm] 1795312310
//! #time=1dd7a240a8dbf3a
//! @="chm.file"
//! "Count"=dword:00000002
//! ```

mod escape;
mod read;
mod write;

use super::Key;

pub use read::read;
pub use write::write;

/// One of Wine's registry files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// What its keys are relative to, for example `REGISTRY\Machine`.
    pub root: String,
    /// `win64`.
    pub arch: String,
    /// The keys.
    pub keys: Key,
}

/// Why a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {rule}")]
pub struct BadFile {
    /// Counted from 1.
    pub line: usize,
    /// What is broken.
    pub rule: &'static str,
}

const SIGNATURE: &str = "WINE REGISTRY Version 2";
const REG_SZ: u32 = 1;
const REG_EXPAND_SZ: u32 = 2;
const REG_BINARY: u32 = 3;
const REG_DWORD: u32 = 4;
const REG_MULTI_SZ: u32 = 7;

#[cfg(test)]
mod tests;
