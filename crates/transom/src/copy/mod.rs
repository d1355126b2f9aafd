//! `cp`: files in and out of a container, running or not.
//!
//! A container's C: is one overlay: its scratch over its image's layers. It is put together again
//! here without mounting anything: [`image::merged`] finds a name in the layers as the overlay does, and everything is opened beneath a layer's folder without following a single link, so that
//! nothing in a container can lead out of it. Files go in through the scratch when the container
//! does not run. A running container's overlay must not be changed behind its back; its C: is then
//! reached through the mount namespace of its first process.

pub mod diff;
mod endpoint;
pub mod export;
mod into;
mod out;
mod source;
mod view;

use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use engine::os::fs::{Mode, OFlags};
use engine::os::process::act_as;
use image::merged::Directory;

use crate::cli::container::Cp;
use crate::host::Host;
use crate::settings::size;
use crate::store::{Found, Lock};
use endpoint::{Endpoint, Inside};
use into::Target;

/// What a container's root is on this host.
const CONTAINER_ROOT: u32 = 1_000_000_000;

/// `cp`
pub async fn command(host: &Host, args: Cp) -> Result<()> {
    match (Endpoint::parse(&args.source)?, Endpoint::parse(&args.destination)?) {
        (Endpoint::Container { name, path }, Endpoint::Local(to)) => {
            if to == "-" && std::io::stdout().is_terminal() {
                bail!("refusing to write a tar stream to a terminal: redirect it");
            }
            let drive = Drive::open(host, &name).await?;
            let follow = args.follow_link;
            let place = to.clone();
            let copied =
                on_thread(move || out::copy(Directory::of(&drive.folders)?, &path, &place, follow));
            tell(copied.await?, &to, args.quiet || to == "-");
            Ok(())
        }
        (Endpoint::Local(from), Endpoint::Container { name, path }) => {
            let drive = Drive::open(host, &name).await?;
            let copied = on_thread(move || drive.write(&from, &path, args.follow_link)).await?;
            tell(copied, &args.destination, args.quiet);
            Ok(())
        }
        (Endpoint::Container { .. }, Endpoint::Container { .. }) => {
            bail!("copying between containers is not supported")
        }
        (Endpoint::Local(_), Endpoint::Local(_)) => {
            bail!("must specify at least one container source")
        }
    }
}

/// As docker, to people only.
fn tell(bytes: u64, to: &str, quiet: bool) {
    if !quiet && std::io::stdout().is_terminal() {
        eprintln!("Successfully copied {} to {to}", size::decimal(bytes));
    }
}

/// A thread of its own: it may change who it is.
async fn on_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().name("copy".to_owned());
    // Whoever waits has gone only if the command has been ended.
    let thread = thread.spawn(move || drop(sender.send(work()))).context("starting a thread")?;
    let done = receiver.await.context("copying was cut off")?;
    drop(thread);
    done
}

/// A container's C:.
struct Drive {
    /// Where it is, the newest layer first.
    folders: Vec<PathBuf>,
    running: bool,
    /// A stopped container must not be started while its scratch is written to.
    _lock: Option<Lock>,
}

impl Drive {
    async fn open(host: &Host, name: &str) -> Result<Self> {
        let found: Found = host.find(name).await?;
        if found.state.status.is_running() && found.folder.is_held() {
            let folders = vec![view::running(&host.dirs.state.join("silos"), &found.record.id)?];
            return Ok(Self { folders, running: true, _lock: None });
        }
        let lock = host.lock(&found).await?;
        let platform = host.platform().await?;
        let folders = view::stopped(&found, &platform.drive_c)?;
        Ok(Self { folders, running: false, _lock: Some(lock) })
    }

    fn write(self, from: &str, path: &Inside, follow: bool) -> Result<u64> {
        let drive = Directory::of(&self.folders)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let first = self.folders.first().context("the container has no scratch")?;
        let writable = engine::os::fs::open(first, flags, Mode::empty()).context("opening C:")?;
        let source = source::Source::open(from, follow)?;
        if self.running {
            become_container_root()?;
        }
        Target { drive, writable }.copy(source, path)
    }
}

/// The overlay of a running container knows only the container's ids.
fn become_container_root() -> Result<()> {
    act_as(CONTAINER_ROOT).context("becoming the container's root")
}
