//! The platform layer: the Windows that the installed Wine makes, built once, shared by all.
//!
//! It is to a container here what the host's kernel is to a process-isolated Windows container.
//!
//! ```text
//! $ROOT/platform/lock                 held while one is built
//! $ROOT/platform/<key>/drive_c/       the Windows files, a lower directory of every C:
//!                      registry/      system.reg, user.reg, userdef.reg to begin with
//!                      runtime/       a root file system: Wine, its libraries, a minimal /etc
//!                      platform.json  written last: what it was made from
//! $ROOT/platform/.making-*            one being built; swept by whoever holds the lock next
//! ```
//!
//! The steps, each in a module: [`wine`] finds Wine, [`prefix`] lets its boot program fill an empty
//! prefix and imports `platform.reg`, [`nursery`] has what runs for that end with the builder,
//! [`fonts`] keeps the host's fonts out, [`shape`] turns the files into a container's, [`runtime`] gathers what Wine needs of the host,
//! [`store`] keeps it all from being half done or removed under a user.
//!
//! Decided here: Wine 8 reports its version from `Windows NT\CurrentVersion` once no user setting
//! overrides it, so `platform.reg` makes it 10.0.20348 everywhere (`ver`, `RtlGetVersion`, the
//! registry); the price is a `CurrentVersion` value of `10.0` where Windows has `6.3`. Files equal
//! to Wine's own become hard links to them where the file system allows, so that page cache and
//! disk hold them once. `wineboot.exe` is a file that Wine refuses to start: the guest does its
//! work (crate `guest`), and Wine goes on at once. What is left out is all that shows pictures or makes
//! sounds.

mod fonts;
mod link;
mod nursery;
mod prefix;
mod record;
mod runtime;
mod shape;
mod store;
mod wine;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use record::Record;

/// What Windows the layer reports.
pub const OS_VERSION: &str = "10.0.20348.2700";

/// What Windows a container sees: the layer's.
pub fn os_version() -> String {
    OS_VERSION.to_owned()
}

/// A platform layer that is ready to use. It is not removed while this value lives.
#[derive(Debug, Clone)]
pub struct Platform {
    /// Names what it was made from.
    pub key: String,
    /// The Windows files.
    pub drive_c: PathBuf,
    /// The registry to begin with.
    pub registry: PathBuf,
    /// The root file system: Wine and its libraries, at the paths that they have on the host.
    pub runtime: PathBuf,
    /// The version that it reports.
    pub os_version: String,
    /// Which Windows it is, as far as programs can tell: of Wine itself.
    pub edition: String,
    /// The program that starts a Windows program, inside the runtime.
    pub loader: PathBuf,
    /// Wine's server, inside the runtime.
    pub server: PathBuf,
    /// A shared lock on the layer.
    _hold: Arc<std::fs::File>,
}

/// What is being done, for a user who waits for the first build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Another process builds one right now.
    Waiting,
    /// Wine makes its Windows directory and registry.
    Booting,
    /// Files are shaped and linked.
    Shaping,
    /// Wine's libraries are gathered.
    Gathering,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Waiting => "waiting for another build of the platform layer",
            Self::Booting => "letting Wine make a Windows directory (once per Wine version)",
            Self::Shaping => "shaping it into a container's",
            Self::Gathering => "gathering Wine's libraries",
        })
    }
}

impl Platform {
    /// The layer for the installed Wine and `guest_exe`, built now if there is none.
    ///
    /// Beside `guest_exe` lies `bcryptprimitives.dll`, for a Wine that lacks it. Blocks, for seconds
    /// when it builds and for well below a millisecond when it does not.
    pub fn ensure(root: &Path, guest_exe: &Path) -> io::Result<Self> {
        Self::ensure_with(root, guest_exe, |_| {})
    }

    /// The same, telling each step of a build.
    pub fn ensure_with(
        root: &Path,
        guest_exe: &Path,
        mut tell: impl FnMut(Step) + Send,
    ) -> io::Result<Self> {
        let wine = wine::Wine::find()?;
        let inputs = record::Inputs::take(&wine, guest_exe)?;
        let store = store::Store::open(root)?;
        if let Some(ready) = store.find(&inputs)? {
            return Ok(ready);
        }
        let _building = store.lock(&mut tell)?;
        // Whoever held the lock may have built it.
        if let Some(ready) = store.find(&inputs)? {
            return Ok(ready);
        }
        store.sweep();
        let making = store.make()?;
        let libraries = build(&wine, guest_exe, making.path(), &mut tell)?;
        let ready = making.finish(&Record::new(&wine, inputs, &libraries)?)?;
        store.remove_stale(&ready.key);
        Ok(ready)
    }
}

/// Fills `into`; returns the host's libraries that went in.
fn build(
    wine: &wine::Wine,
    guest_exe: &Path,
    into: &Path,
    tell: &mut (dyn FnMut(Step) + Send),
) -> io::Result<Vec<PathBuf>> {
    let windows = || -> io::Result<()> {
        tell(Step::Booting);
        let prefix = prefix::Prefix::boot(wine, &into.join("prefix"))?;
        prefix.import(include_str!("platform.reg"))?;
        prefix.settle()?;
        tell(Step::Shaping);
        shape::shape(wine, &prefix, guest_exe, into)?;
        prefix.remove()
    };
    std::thread::scope(|scope| scope.spawn(windows).join())
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    tell(Step::Gathering);
    runtime::gather(wine, &into.join("runtime"))
}

/// An error that says what was being done, to what.
fn doing(what: &str, path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests;
