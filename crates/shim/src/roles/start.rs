//! `start`: finds or makes the shim for a bundle, and prints its address.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use plan::sandbox::Role;
use serde::Deserialize;

use super::READY;
use super::bootstrap::{Answer, is_sandbox_without_spec};
use crate::address;
use crate::cli::Flags;
use crate::client::Client;

/// How long a pod's shim may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The part of a spec that decides which shim serves it.
#[derive(Deserialize)]
struct Annotated {
    annotations: Option<BTreeMap<String, String>>,
}

/// Runs in the bundle's folder.
pub(crate) fn start(flags: &Flags) -> anyhow::Result<()> {
    let mut stdin = Vec::new();
    std::io::stdin().read_to_end(&mut stdin).context("cannot read the runtime options")?;
    let bundle = std::env::current_dir().context("cannot tell the current folder")?;
    let role = role(&bundle, flags)?;
    let state = address::state_folder();
    let (socket, pid, own) = match &role {
        Role::Container(pod) => {
            let socket = address::socket(&state, &flags.namespace, pod);
            let pid = pid_of(&socket)?;
            (socket, pid, None)
        }
        Role::Standalone | Role::Sandbox(_) => {
            if role.pod().is_some_and(|pod| pod != flags.id) {
                bail!("the sandbox's id is not `{}`", flags.id);
            }
            let socket = address::socket(&state, &flags.namespace, &flags.id);
            let sandbox = matches!(role, Role::Sandbox(_));
            let child = spawn(flags, &bundle, &socket, sandbox, &stdin)?;
            (socket, child.id(), Some(child))
        }
    };
    let address = address::of_socket(&socket);
    let told = tell(&bundle, pid, &address, &Answer::to(&stdin, flags).with(&address));
    if let (Err(_), Some(mut child)) = (&told, own) {
        // A shim that nobody hears of serves nobody. It may have ended by itself already.
        let _ = child.kill();
        let _ = child.wait();
    }
    told
}

/// Tells containerd, and a containerd that comes back later.
fn tell(bundle: &Path, pid: u32, address: &str, answer: &str) -> anyhow::Result<()> {
    write(bundle, "shim.pid", &pid.to_string())?;
    write(bundle, "address", address)?;
    let mut stdout = std::io::stdout();
    let printed = stdout.write_all(answer.as_bytes()).and_then(|()| stdout.flush());
    printed.context("cannot print the address")
}

fn role(bundle: &Path, flags: &Flags) -> anyhow::Result<Role> {
    if is_sandbox_without_spec(bundle) {
        return Ok(Role::Sandbox(flags.id.clone()));
    }
    let path = bundle.join("config.json");
    let text =
        fs::read_to_string(&path).map_err(|error| anyhow!("open {}: {error}", path.display()))?;
    let spec: Annotated =
        serde_json::from_str(&text).context("failed to deserialize valid OCI spec")?;
    Ok(Role::of(&spec.annotations.unwrap_or_default())?)
}

/// The pid of a pod's shim.
fn pid_of(socket: &Path) -> anyhow::Result<u32> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let address = address::of_socket(socket);
        let client = tokio::time::timeout(PATIENCE, Client::connect(&address)).await;
        let client = client
            .map_err(anyhow::Error::from)
            .and_then(|client| Ok(client?))
            .context("failed to connect to hosting shim")?;
        client.shim_pid().await.context("failed to get shim pid from hosting shim")
    })
}

/// Starts `serve` and waits until it takes requests.
fn spawn(
    flags: &Flags,
    bundle: &Path,
    socket: &Path,
    sandbox: bool,
    options: &[u8],
) -> anyhow::Result<Child> {
    let panic_log = bundle.join("panic.log");
    let stderr = File::create(&panic_log)
        .with_context(|| format!("cannot create `{}`", panic_log.display()))?;
    let program: PathBuf = std::env::current_exe().context("cannot tell the shim's own path")?;
    let mut command = Command::new(program);
    command.args(["--namespace", &flags.namespace, "--address", &flags.address]).args([
        "--publish-binary",
        &flags.publish_binary,
        "--id",
        &flags.id,
    ]);
    if flags.debug {
        command.arg("--debug");
    }
    command.args(["serve", "--socket", &address::of_socket(socket)]);
    if sandbox {
        command.arg("--is-sandbox");
    }
    engine::pipes::keep_streams();
    engine::os::process::without_console(&mut command);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(stderr)
        .spawn()
        .context("cannot start the shim")?;
    let told = hand_over(&mut child, options);
    match ready(&mut child).and(told) {
        Ok(()) => Ok(child),
        Err(error) => {
            // It may have ended by itself already.
            let _ = child.kill();
            let _ = child.wait();
            let log = fs::read_to_string(&panic_log).unwrap_or_default();
            Err(error.context(format!("the shim did not start {}", log.trim())))
        }
    }
}

/// `serve` reads all of it before it does anything else.
fn hand_over(child: &mut Child, options: &[u8]) -> anyhow::Result<()> {
    let mut stdin = child.stdin.take().expect("it was asked for");
    stdin.write_all(options).context("cannot hand over the runtime options")
}

/// Reads what `serve` says until it closes its stdout: one word when all is well.
fn ready(child: &mut Child) -> anyhow::Result<()> {
    let mut said = String::new();
    let stdout = child.stdout.as_mut().expect("it was asked for");
    stdout.read_to_string(&mut said).context("cannot hear the shim")?;
    if said == READY {
        return Ok(());
    }
    bail!("{}", said.trim())
}

/// Writes a file as a whole, or not at all.
fn write(bundle: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let (fresh, path) = (bundle.join(format!(".{name}")), bundle.join(name));
    fs::write(&fresh, text)
        .and_then(|()| fs::rename(&fresh, &path))
        .with_context(|| format!("cannot write `{}`", path.display()))
}
