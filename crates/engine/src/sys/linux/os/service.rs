//! Services are systemd's here: what `transom service run` does once is a unit's to ask for.

use std::io;
use std::path::Path;

use tokio::sync::oneshot;

/// Tells when the service is to end.
pub type Stopped = oneshot::Receiver<()>;

/// What kind of news it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something was done.
    Done,
    /// Something needs a look.
    Warning,
    /// Something failed.
    Failed,
}

fn refused() -> io::Error {
    let why = "Linux' services are systemd's: let a unit run `transom service run` at boot";
    io::Error::new(io::ErrorKind::Unsupported, why)
}

/// Registers a service.
pub fn install(_program: &Path, _arguments: &str) -> io::Result<()> {
    Err(refused())
}

/// Takes the registration back.
pub fn uninstall() -> io::Result<()> {
    Err(refused())
}

/// Does `work` as a service: no manager starts this process as one, and nothing is done.
pub fn run(_work: impl FnOnce(Stopped) -> bool + Send + 'static) -> io::Result<bool> {
    Ok(false)
}

/// Tells whoever started this process: a unit's journal takes what it prints.
pub fn report(kind: Kind, text: &str) {
    match kind {
        Kind::Done => println!("{text}"),
        Kind::Warning | Kind::Failed => eprintln!("{text}"),
    }
}
