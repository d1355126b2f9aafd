//! Starting a shim the way containerd does: run `start` in the bundle, read the address it prints.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;

use serde::Deserialize;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::{ClientError, Failure};

/// What a shim is started with.
#[derive(Debug, Clone, Default)]
pub struct Launch {
    /// The shim's program, `containerd-shim-runhcs-v1`.
    pub program: PathBuf,
    /// The bundle: a folder with the container's `config.json`.
    pub bundle: PathBuf,
    /// The namespace that ids belong to.
    pub namespace: String,
    /// The container's id, or the pod's for its sandbox.
    pub id: String,
    /// Where events go when there is no `TTRPC_ADDRESS`: passed on to [`Launch::publish_binary`].
    pub address: String,
    /// The program that publishes events; empty publishes none.
    pub publish_binary: String,
    /// More log lines.
    pub debug: bool,
    /// Variables put over this process' own.
    pub env: Vec<(OsString, OsString)>,
    /// What comes on stdin: the runtime options as a serialized `google.protobuf.Any`, or a
    /// bootstrap message; may be empty.
    pub options: Vec<u8>,
}

/// Stands for "no publisher": the flag itself may not be empty.
pub(crate) const NO_PUBLISHER: &str = "-";

impl Launch {
    /// Runs `start` and gives the address.
    pub(super) async fn run(&self) -> Result<String, ClientError> {
        let failed = |kind| ClientError::new("start the shim", kind);
        let mut child = self.command().spawn().map_err(|source| {
            failed(Failure::Program { program: self.program.display().to_string(), source })
        })?;
        if let Some(mut stdin) = child.stdin.take() {
            // A shim that dies before it has read its options tells why on stderr.
            let _ = stdin.write_all(&self.options).await;
        }
        let output = child
            .wait_with_output()
            .await
            .map_err(|error| failed(Failure::Lost(error.to_string())))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(failed(Failure::Start(said)));
        }
        let told = String::from_utf8(output.stdout)
            .map_err(|_| failed(Failure::Answer("the shim's address is not UTF-8".to_owned())))?;
        address(&told).map_err(failed)
    }

    fn command(&self) -> Command {
        let or_dash = |value: &str| {
            if value.is_empty() { NO_PUBLISHER.to_owned() } else { value.to_owned() }
        };
        let mut command = Command::new(&self.program);
        command
            .args(["-namespace", &self.namespace, "-id", &self.id])
            .args(["-address", &or_dash(&self.address)])
            .args(["-publish-binary", &or_dash(&self.publish_binary)])
            .arg("-bundle")
            .arg(&self.bundle);
        if self.debug {
            command.arg("-debug");
        }
        command
            .arg("start")
            .current_dir(&self.bundle)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        engine::os::process::without_console(command.as_std_mut());
        command
    }
}

/// What a shim prints in answer to a bootstrap message.
#[derive(Deserialize)]
struct Told {
    address: String,
    protocol: String,
}

/// A bare address, or one in JSON.
fn address(told: &str) -> Result<String, Failure> {
    if !told.starts_with('{') {
        return Ok(told.to_owned());
    }
    let told: Told = serde_json::from_str(told)
        .map_err(|error| Failure::Answer(format!("the shim's answer is no address: {error}")))?;
    if told.protocol != "ttrpc" {
        return Err(Failure::Answer(format!("the shim speaks {}", told.protocol)));
    }
    Ok(told.address)
}
