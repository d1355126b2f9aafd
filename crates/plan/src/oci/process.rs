//! A process of a spec. What Windows does not read is passed on to a Linux guest as it came.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A process.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// It has a console.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub terminal: bool,
    /// The console's size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub console_size: Option<ConsoleBox>,
    /// Who runs it.
    #[serde(default)]
    pub user: User,
    /// Arguments, the program first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// A raw command line in their place; it wins.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub command_line: String,
    /// `NAME=value`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// The folder that it starts in.
    #[serde(default)]
    pub cwd: String,
    /// What only Linux reads.
    #[serde(flatten)]
    pub linux: BTreeMap<String, Value>,
}

/// A console's size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleBox {
    /// Rows.
    #[serde(default)]
    pub height: u64,
    /// Columns.
    #[serde(default)]
    pub width: u64,
}

/// Who runs a process.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// Linux.
    #[serde(default)]
    pub uid: u32,
    /// Linux.
    #[serde(default)]
    pub gid: u32,
    /// Linux, passed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub umask: Option<u32>,
    /// Linux, passed on.
    #[serde(default, rename = "additionalGids", skip_serializing_if = "Vec::is_empty")]
    pub additional_gids: Vec<u32>,
    /// Windows.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub username: String,
}
