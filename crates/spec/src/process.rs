//! The first process of a container: what runs, as whom, where, with what environment.

use oci_spec::runtime::{BoxBuilder, Process, ProcessBuilder, User, UserBuilder};

use crate::api::{Config, HostConfig};
use crate::{env, escape};

const BUILT: &str = "every member has a default or was given";
/// Where a process starts that names no directory.
pub const DEFAULT_CWD: &str = r"C:\";

/// The program and its arguments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Command {
    /// The program, or a whole command line in an escaped config.
    pub path: String,
    /// What comes behind it.
    pub args: Vec<String>,
}

impl Command {
    /// Entrypoint and command together; `None` when both are empty.
    pub fn of(config: &Config) -> Option<Self> {
        let mut words = config.entrypoint.iter().flatten().chain(&config.cmd).cloned();
        Some(Self { path: words.next()?, args: words.collect() })
    }

    /// The words, the program first.
    pub fn words(&self) -> Vec<String> {
        std::iter::once(&self.path).chain(&self.args).cloned().collect()
    }

    /// The program as it stands, with the arguments escaped behind it.
    pub fn line(&self) -> String {
        if self.args.is_empty() {
            return self.path.clone();
        }
        format!("{} {}", self.path, escape::join(&self.args))
    }
}

/// The process section.
pub fn process(config: &Config, host_config: &HostConfig) -> Process {
    let cwd = if config.working_dir.is_empty() { DEFAULT_CWD } else { config.working_dir.as_str() };
    let mut process = ProcessBuilder::default().cwd(cwd).user(user(config)).build().expect(BUILT);
    // The defaults of `oci-spec` are a Linux process's.
    process.set_args(None);
    process.set_no_new_privileges(None);
    process.set_capabilities(None);
    process.set_rlimits(None);
    process.set_terminal(config.tty.then_some(true));
    let env = env::of_container(&config.env);
    process.set_env((!env.is_empty()).then_some(env));
    let command = Command::of(config).unwrap_or_default();
    if config.args_escaped {
        process.set_command_line(Some(command.line()));
    } else {
        process.set_args(Some(command.words()));
    }
    if config.tty {
        let size = host_config.console_size;
        let console = BoxBuilder::default().height(size.height).width(size.width).build();
        process.set_console_size(Some(console.expect(BUILT)));
    }
    process
}

fn user(config: &Config) -> User {
    let user = UserBuilder::default();
    let user = if config.user.is_empty() { user } else { user.username(config.user.clone()) };
    user.build().expect(BUILT)
}
