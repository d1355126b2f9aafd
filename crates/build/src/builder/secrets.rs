//! `RUN --mount=type=secret` and `type=ssh`: what a step may see and nobody afterwards.
//!
//! Neither value nor presence of a secret makes a layer another one, only its name and where it is
//! seen: a new token is no reason to do everything again.

use std::sync::Arc;

use serde_json::json;

use super::mounts::{Mounts, Wanted, What, target};
use super::state::State;
use super::{Options, Secret};
use crate::dockerfile::{Fault, Mount, Step};
use crate::error::Cause;

type Result<T> = std::result::Result<T, Cause>;

/// The pipe on which OpenSSH for Windows looks for an agent.
const AGENT: &str = r"\\.\pipe\openssh-ssh-agent";
const PIPE: &str = r"\\.\pipe\";
/// The largest secret.
const LARGEST_SECRET: usize = 500 << 10;

/// A file with a secret, and a variable with it.
pub(super) fn secret(
    all: &mut Mounts,
    options: &Options,
    state: &State,
    mount: &Mount,
    step: &Step,
) -> Result<()> {
    let id = id_of(mount);
    let place = mount.target.as_ref().map(|_| target(state, mount, step)).transpose()?;
    all.key.push(json!(["secret", id, place, mount.env, mount.required]));
    let fault = |rule: String| Fault::new(step.line, rule);
    let Some(given) = options.secrets.get(&id) else {
        if mount.required {
            return Err(fault(format!("secret {id}: not found: no --secret gives it")).into());
        }
        return Ok(());
    };
    let value = value_of(given).map_err(|why| fault(format!("secret {id}: {why}")))?;
    if let Some(name) = &mount.env {
        let text = std::str::from_utf8(&value)
            .map_err(|_| fault(format!("secret {id}: it is no text for a variable")))?;
        all.variables.push(format!("{name}={text}"));
    }
    let file = place.map(|target| Wanted { what: What::Secret(value), target, read_only: true });
    all.wanted.extend(file);
    Ok(())
}

/// What it is called: by its id, or as its file is.
fn id_of(mount: &Mount) -> String {
    let name = |path: &String| path.rsplit(['\\', '/']).next().unwrap_or_default().to_owned();
    let given = mount.id.clone().or_else(|| mount.source.clone());
    given.or_else(|| mount.target.as_ref().map(name)).unwrap_or_default()
}

fn value_of(given: &Secret) -> std::result::Result<Arc<[u8]>, String> {
    let value = match given {
        Secret::File(path) => {
            std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?
        }
        Secret::Value(value) => value.clone(),
    };
    if value.len() > LARGEST_SECRET {
        return Err(format!("it is larger than {LARGEST_SECRET} bytes"));
    }
    Ok(value.into())
}

/// The pipe of an agent, and the variable that names it.
pub(super) fn agent(all: &mut Mounts, options: &Options, mount: &Mount, step: &Step) -> Result<()> {
    let id = mount.id.as_deref().unwrap_or("default");
    let fault = |rule: String| Cause::from(Fault::new(step.line, rule));
    let target = mount.target.clone().unwrap_or_else(|| AGENT.to_owned());
    if !target.starts_with(PIPE) {
        let rule = format!("ssh mount target {target}: on Windows an agent is a pipe, {PIPE}NAME");
        return Err(fault(rule));
    }
    all.key.push(json!(["ssh", target, id, mount.required]));
    match options.agents.get(id) {
        Some(socket) => {
            all.variables.push(format!("SSH_AUTH_SOCK={target}"));
            let what = What::Agent(socket.clone());
            all.wanted.push(Wanted { what, target, read_only: false });
            Ok(())
        }
        None if mount.required => {
            Err(fault(format!("ssh agent {id}: not found: no --ssh gives it")))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dockerfile::{Dockerfile, Instruction};

    /// What a mount comes to with these secrets.
    fn decided(mount: &str, secrets: &[(&str, &str)]) -> Mounts {
        let text = format!("FROM x\nRUN --mount={mount} x\n");
        let file = Dockerfile::parse(&text).unwrap();
        let step = &file.stages[0].steps[0];
        let Instruction::Run(run) = &step.instruction else { panic!("no RUN") };
        let none = |_: &str| None;
        let mount = run.mounts[0].decide(&none, 2).unwrap();
        let value = |text: &str| Secret::Value(text.as_bytes().to_vec());
        let secrets = secrets.iter().map(|(id, text)| ((*id).to_owned(), value(text))).collect();
        let options = Options { secrets, ..Options::default() };
        let mut all = Mounts::default();
        secret(&mut all, &options, &State::default(), &mount, step).unwrap();
        all
    }

    #[test]
    fn a_secret_is_keyed_by_its_name_and_place_and_never_by_its_value() {
        let key = |mount: &str, secrets: &[(&str, &str)]| decided(mount, secrets).key;
        let env = "type=secret,id=a,env=A";
        assert_eq!(key(env, &[("a", "one")]), key(env, &[("a", "two")]));
        assert_eq!(key(env, &[("a", "one")]), key(env, &[]));
        for other in [
            "type=secret,id=b,env=A",
            "type=secret,id=a,env=B",
            "type=secret,id=a,env=A,target=C:/x",
            "type=secret,id=a,target=C:/x",
        ] {
            let given = [("a", "one"), ("b", "one")];
            assert_ne!(key(other, &given), key(env, &given), "{other}");
            assert!(!key(other, &given).is_empty(), "{other}");
        }
        assert_eq!(decided(env, &[("a", "one")]).variables, ["A=one"]);
    }
}
