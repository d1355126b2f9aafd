//! Process documents: what `HcsCreateProcess`, `HcsModifyProcess` and `HcsSignalProcess` take.

use serde::{Deserialize, Serialize};

use crate::container::Environment;
use crate::units::ConsoleSize;

/// What `HcsCreateProcess` takes.
#[expect(clippy::struct_excessive_bools, reason = "the document's own shape")]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ProcessParameters {
    /// The raw command line, parsed by the program itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub command_line: String,
    /// Arguments, in the place of a command line, for a process in a Linux VM.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command_args: Vec<String>,
    /// The account; empty is the image's default, `ContainerAdministrator`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// An absolute Windows path; empty is `C:\`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub working_directory: String,
    /// Variables, put over the system's and the account's.
    #[serde(default, skip_serializing_if = "Environment::is_empty")]
    pub environment: Environment,
    /// Restrict the token.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restricted_token: bool,
    /// A console (a pty on Linux) in the place of three pipes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub emulate_console: bool,
    /// Give a stdin pipe.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub create_std_in_pipe: bool,
    /// Give a stdout pipe.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub create_std_out_pipe: bool,
    /// Give a stderr pipe.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub create_std_err_pipe: bool,
    /// `[height, width]`, as asked for: [`ProcessParameters::console`] has what a console can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub console_size: Option<[i32; 2]>,
    /// Reuse an existing session; unused by hcsshim.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub use_existing_login: bool,
    /// An OCI process, for a process in a Linux container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oci_process: Option<serde_json::Value>,
}

impl ProcessParameters {
    /// The console's size, if one was asked for, within what a console can be.
    pub fn console(&self) -> Option<ConsoleSize> {
        let within = |size: i32| u16::try_from(size.max(0)).unwrap_or(u16::MAX);
        self.console_size
            .map(|[height, width]| ConsoleSize { height: within(height), width: within(width) })
    }
}

/// A console control event, as a signal to a Windows process (`HcsSignalProcess`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ControlEvent {
    /// Ctrl+C.
    CtrlC,
    /// Ctrl+Break.
    CtrlBreak,
    /// The console is closed.
    CtrlClose,
    /// The user logs off.
    CtrlLogOff,
    /// The system shuts down: what `docker stop` sends.
    CtrlShutdown,
}

impl ControlEvent {
    /// Each of them, by its number.
    pub const ALL: [Self; 5] =
        [Self::CtrlC, Self::CtrlBreak, Self::CtrlClose, Self::CtrlLogOff, Self::CtrlShutdown];

    /// The number that a handler routine is called with (`CTRL_*_EVENT`).
    pub fn code(self) -> u32 {
        match self {
            Self::CtrlC => 0,
            Self::CtrlBreak => 1,
            Self::CtrlClose => 2,
            Self::CtrlLogOff => 5,
            Self::CtrlShutdown => 6,
        }
    }
}
