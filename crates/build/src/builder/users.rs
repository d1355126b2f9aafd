//! Whose files are: from a name in a Dockerfile to a security identifier.
//!
//! The accounts that every Windows has are known here. Any other is asked of the image itself, in a
//! container whose changes are thrown away.

use std::sync::{Arc, Mutex, PoisonError};

use engine::Engine;
use resources::Host;
use serde_json::Value;

use super::stages::Stages;
use super::state::State;
use crate::dockerfile::Fault;
use crate::error::Cause;
use crate::executor::{Meta, NetMode, Output, Process, Run};

const ADMINISTRATOR: &str = "S-1-5-93-2-1";

/// Accounts by name; those with a domain also go by it.
const KNOWN: [(&str, &str, &str); 14] = [
    ("User Manager", "ContainerAdministrator", ADMINISTRATOR),
    ("User Manager", "ContainerUser", "S-1-5-93-2-2"),
    ("NT AUTHORITY", "SYSTEM", "S-1-5-18"),
    ("NT AUTHORITY", "LOCAL SERVICE", "S-1-5-19"),
    ("NT AUTHORITY", "NETWORK SERVICE", "S-1-5-20"),
    ("NT AUTHORITY", "Authenticated Users", "S-1-5-11"),
    ("NT AUTHORITY", "INTERACTIVE", "S-1-5-4"),
    ("NT AUTHORITY", "SERVICE", "S-1-5-6"),
    ("", "Everyone", "S-1-1-0"),
    ("", "CREATOR OWNER", "S-1-3-0"),
    ("BUILTIN", "Administrators", "S-1-5-32-544"),
    ("BUILTIN", "Users", "S-1-5-32-545"),
    ("BUILTIN", "Guests", "S-1-5-32-546"),
    ("BUILTIN", "IIS_IUSRS", "S-1-5-32-568"),
];

/// The identifier of an account that every Windows has. A number is no account there; as in the
/// original it means the administrator.
fn known(name: &str) -> Option<String> {
    if name.is_empty() || name == "root" || name.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(ADMINISTRATOR.to_owned());
    }
    if is_sid(name) {
        return Some(name.to_ascii_uppercase());
    }
    let (domain, bare) = name.rsplit_once('\\').unwrap_or(("", name));
    let found = KNOWN.iter().find(|(of, known, _)| {
        known.eq_ignore_ascii_case(bare) && (domain.is_empty() || of.eq_ignore_ascii_case(domain))
    });
    found.map(|(_, _, sid)| (*sid).to_owned())
}

/// `S-1-5-18` and its like; whether anybody bears it is not asked.
fn is_sid(text: &str) -> bool {
    let mut parts = text.split('-');
    let begins = parts.next().is_some_and(|part| part.eq_ignore_ascii_case("S"));
    let rest: Vec<&str> = parts.collect();
    let numbers = rest.iter().all(|part| part.parse::<u64>().is_ok());
    begins && numbers && (3..=17).contains(&rest.len()) && rest[0] == "1"
}

#[derive(Default)]
struct Said(Mutex<Vec<u8>>);

impl Output for Said {
    fn write(&self, _stderr: bool, bytes: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
    }
}

impl<E: Engine, H: Host> Stages<'_, E, H> {
    /// The account that `name`, or `name:group`, means in an image. Windows has no owning group.
    pub(super) async fn account(
        &self,
        state: &State,
        name: &str,
        line: usize,
    ) -> Result<String, Cause> {
        let name = name.split(':').next().unwrap_or_default();
        if let Some(sid) = known(name) {
            return Ok(sid);
        }
        let unknown = |why: String| Cause::from(Fault::new(line, format!("user {name:?}: {why}")));
        if state.layers.is_empty() {
            return Err(unknown("there is no Windows to ask: FROM scratch has none".to_owned()));
        }
        self.ask(state, name).await?.map_err(unknown)
    }

    /// Asks the image itself. The inner error is what it answered.
    async fn ask(&self, state: &State, name: &str) -> Result<Result<String, String>, Cause> {
        let said = Arc::<Said>::default();
        let meta = Meta {
            args: ["transom-guest.exe", "resolve-user", name].map(str::to_owned).to_vec(),
            user: "ContainerAdministrator".to_owned(),
            network: NetMode::None,
            ..Meta::default()
        };
        let output = Arc::<Said>::clone(&said);
        let run = Run::new(self.unpacked(state).await?, Process::new(meta, output));
        let executor = &self.builder.executor;
        let done = executor.run(run, self.stop.subscribe()).await;
        let answer = said.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let answer = String::from_utf8_lossy(&answer).trim().to_owned();
        match done {
            Ok(finished) => executor.discard(finished).await?,
            Err(crate::executor::RunError::Exit(_)) => return Ok(Err(answer)),
            Err(other) => return Err(other.into()),
        }
        let account: Option<Value> = serde_json::from_str(&answer).ok();
        let id = account.as_ref().and_then(|account| account["sid"].as_str());
        Ok(id.map(str::to_owned).ok_or_else(|| format!("not understood: {answer}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_accounts_need_no_container() {
        for (name, sid) in [
            ("", ADMINISTRATOR),
            ("0", ADMINISTRATOR),
            ("containeruser", "S-1-5-93-2-2"),
            (r"BUILTIN\administrators", "S-1-5-32-544"),
            (r"nt authority\system", "S-1-5-18"),
            ("s-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-1001"),
        ] {
            assert_eq!(known(name).as_deref(), Some(sid), "{name}");
        }
        for name in ["bob", r"OTHER\ContainerUser", "S-1", "S-1-5-x"] {
            assert_eq!(known(name), None, "{name}");
        }
    }
}
