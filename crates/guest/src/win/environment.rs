//! Where a process' variables come from: the registry's system variables, read anew for each
//! process so that `setx /M` takes effect, and the account's own.
//!
//! Nothing of this process' own environment is handed on: it holds what Wine and the host's
//! launcher put there.

use schema::guest::{Failure, Spawn};
use windows_sys::Win32::System::SystemInformation::{ComputerNameNetBIOS, GetComputerNameExW};

use super::registry::{self, Root};
use super::text::narrow;
use crate::account::Account;
use crate::environment::Variables;

pub(super) const SYSTEM_KEY: &str = r"System\CurrentControlSet\Control\Session Manager\Environment";
pub(super) const USER_KEY: &str = "Environment";

/// The variables of the process that `spawn` describes, which runs as `account`.
pub(super) fn of(spawn: &Spawn, account: Account) -> Result<Variables, Failure> {
    let mut variables = base();
    of_account(&mut variables, account);
    put_registry(&mut variables, Root::Machine, SYSTEM_KEY);
    let system_path = variables.get("PATH").unwrap_or_default().to_owned();
    put_registry(&mut variables, Root::User, USER_KEY);
    append_user_path(&mut variables, &system_path);
    variables.put_over(&spawn.environment).map_err(|bad| Failure {
        code: 87,
        message: format!("environment variable `{}`: {}", bad.name, bad.rule),
    })?;
    Ok(variables)
}

/// What every process of a Windows system has.
fn base() -> Variables {
    let mut variables = Variables::default();
    for (name, value) in [
        ("ALLUSERSPROFILE", r"C:\ProgramData"),
        ("CommonProgramFiles", r"C:\Program Files\Common Files"),
        ("CommonProgramFiles(x86)", r"C:\Program Files (x86)\Common Files"),
        ("CommonProgramW6432", r"C:\Program Files\Common Files"),
        ("ComSpec", r"C:\Windows\system32\cmd.exe"),
        ("OS", "Windows_NT"),
        ("Path", r"C:\Windows\system32;C:\Windows"),
        ("PATHEXT", ".COM;.EXE;.BAT;.CMD"),
        ("ProgramData", r"C:\ProgramData"),
        ("ProgramFiles", r"C:\Program Files"),
        ("ProgramFiles(x86)", r"C:\Program Files (x86)"),
        ("ProgramW6432", r"C:\Program Files"),
        ("PROMPT", "$P$G"),
        ("PUBLIC", r"C:\Users\Public"),
        ("SystemDrive", "C:"),
        ("SystemRoot", r"C:\Windows"),
        ("windir", r"C:\Windows"),
    ] {
        variables.set(name, value);
    }
    variables.set("COMPUTERNAME", computer_name());
    variables
}

fn of_account(variables: &mut Variables, account: Account) {
    let profile = account.profile();
    variables.set("USERNAME", account.name);
    variables.set("USERDOMAIN", account.domain);
    variables.set("APPDATA", format!(r"{profile}\AppData\Roaming"));
    variables.set("LOCALAPPDATA", format!(r"{profile}\AppData\Local"));
    variables.set("TEMP", format!(r"{profile}\AppData\Local\Temp"));
    variables.set("TMP", format!(r"{profile}\AppData\Local\Temp"));
    variables.set("USERPROFILE", profile);
}

/// Plain values first: the others may refer to them.
fn put_registry(variables: &mut Variables, root: Root, key: &str) {
    let texts = registry::texts(root, key);
    for text in texts.iter().filter(|text| !text.expands && !is_accounts(root, &text.name)) {
        variables.set(&text.name, &text.value);
    }
    for text in texts.iter().filter(|text| text.expands && !is_accounts(root, &text.name)) {
        let value = variables.expand(&text.value);
        variables.set(&text.name, value);
    }
}

/// Whether a registry value stands back behind the account's: the registry has one `TEMP` for the
/// system, and the one user key of this session serves every account.
fn is_accounts(root: Root, name: &str) -> bool {
    let names: &[&str] = match root {
        Root::Machine => &["TEMP", "TMP", "USERNAME"],
        Root::User => &["TEMP", "TMP"],
    };
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// A user's `PATH` follows the system's, where other variables of a user replace it.
fn append_user_path(variables: &mut Variables, system: &str) {
    let user = variables.get("PATH").unwrap_or_default();
    if user != system && !system.is_empty() {
        let both = format!("{};{user}", system.trim_end_matches(';'));
        variables.set("PATH", both);
    }
}

/// Empty where it cannot be told.
fn computer_name() -> String {
    let mut buffer = [0u16; 64];
    let mut len = 64;
    // SAFETY: the buffer and its length belong together.
    let ok = unsafe { GetComputerNameExW(ComputerNameNetBIOS, buffer.as_mut_ptr(), &raw mut len) };
    if ok == 0 { String::new() } else { narrow(&buffer) }
}
