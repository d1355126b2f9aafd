//! `delete`: cleans up after a shim that is gone, and tells containerd so.
//!
//! Everything can be found without the shim: the compute system by its id, what it held by its
//! ledger, the shim itself by its socket. Doing it twice is as good as once.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::SystemTime;

use anyhow::Context as _;
use containerd_shim_protos::api::DeleteResponse;
use engine::Engine;
use protobuf::{Message as _, MessageField};
use resources::Host;
use schema::SystemId;

use super::{ledger, pod_folder};
use crate::address;
use crate::cli::Flags;
use crate::error::words;
use crate::service::end_by_id;
use crate::wire::timestamp;

/// As much of a panic as is passed on.
const MOST: u64 = 1 << 20;
/// The status of what ended without anybody knowing how.
const UNKNOWN: u32 = 255;

pub(crate) fn delete<E: Engine, H: Host>(
    flags: &Flags,
    engine: &E,
    host: &H,
) -> anyhow::Result<()> {
    pass_on_panic(&Path::new(&flags.bundle).join("panic.log"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(clean(flags, engine, host))?;
    let answer = DeleteResponse {
        exit_status: UNKNOWN,
        exited_at: MessageField::some(timestamp(Some(SystemTime::now()))),
        ..DeleteResponse::default()
    };
    let bytes = answer.write_to_bytes().context("cannot write the answer")?;
    std::io::stdout().write_all(&bytes).context("cannot print the answer")
}

async fn clean<E: Engine, H: Host>(flags: &Flags, engine: &E, host: &H) -> anyhow::Result<()> {
    let id = SystemId::new(&flags.id)?;
    let state = address::state_folder();
    // Without a ledger nothing of this namespace's is left, whatever else has the same id.
    let ledger = ledger(&state, &flags.namespace, id.as_str());
    if ledger.exists() {
        match end_by_id(engine, &id).await {
            Ok(()) => {
                if let Err(error) = resources::release_ledger(&ledger, host).await {
                    eprintln!("{}", words(&error));
                }
            }
            Err(error) => eprintln!("{}", words(&error)),
        }
    } else {
        // Looking for it sweeps what a killed host left; one that lives is somebody else's.
        let _ = engine.open(&id).await;
    }
    // What a pod's containers shared goes with its sandbox.
    let _ = tokio::fs::remove_dir_all(pod_folder(&state, &flags.namespace, id.as_str())).await;
    address::sweep(&address::socket(&state, &flags.namespace, &flags.id)).await;
    Ok(())
}

/// A panic of the shim that is gone becomes a warning in containerd's log.
fn pass_on_panic(path: &Path) {
    let Ok(file) = File::open(path) else { return };
    let mut text = Vec::new();
    if let Err(error) = file.take(MOST + 1).read_to_end(&mut text) {
        eprintln!("cannot read `{}`: {error}", path.display());
    }
    if text.is_empty() {
        return;
    }
    let most = usize::try_from(MOST).expect("a mebibyte fits");
    let is_longer = text.len() > most;
    text.truncate(most);
    eprintln!("found shim panic logs during delete: {}", String::from_utf8_lossy(&text));
    if is_longer {
        eprintln!("the panic log is longer: only the first {MOST} bytes are shown");
    }
}
