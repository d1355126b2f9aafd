//! Where a shim listens: a named pipe that only administrators and the system may open.

use std::io;
use std::path::{Path, PathBuf};

use futures::Stream;
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeServer, ServerOptions};
use windows_sys::Win32::Foundation::LocalFree;
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
};
use windows_sys::Win32::Security::{PSECURITY_DESCRIPTOR, SECURITY_ATTRIBUTES};

use super::config::HostConfig;
use super::text::wide;

/// What stands before a pipe's name in an address: nothing.
pub const SCHEME: &str = "";

/// Windows keeps others from making pipes below this.
const PROTECTED: &str = r"\\.\pipe\ProtectedPrefix\Administrators\";
/// Built-in administrators and the system, and nobody else.
const ACCESS: &str = "D:P(A;;GA;;;BA)(A;;GA;;;SY)";
/// `ERROR_PIPE_BUSY`: somebody listens, and serves another.
const BUSY: i32 = 231;

/// The folder of what lives until the next boot.
pub fn state_folder() -> PathBuf {
    HostConfig::from_env().state
}

/// The pipe of the shim that serves `id`; the folder does not matter here.
pub fn socket(_state: &Path, namespace: &str, id: &str) -> PathBuf {
    PathBuf::from(format!("{PROTECTED}containerd-shim-{namespace}-{id}-pipe"))
}

/// Fails when somebody listens there. A killed shim leaves nothing behind.
#[expect(clippy::unused_async, reason = "the same on every OS")]
pub async fn make_free(socket: &Path) -> io::Result<()> {
    match ClientOptions::new().open(socket) {
        Ok(_) => Err(io::Error::from(io::ErrorKind::AddrInUse)),
        Err(error) if error.raw_os_error() == Some(BUSY) => {
            Err(io::Error::from(io::ErrorKind::AddrInUse))
        }
        Err(_) => Ok(()),
    }
}

/// Takes a killed shim's socket away: pipes go with who made them.
#[expect(clippy::unused_async, reason = "the same on every OS")]
pub async fn sweep(_socket: &Path) {}

/// An address as a connection takes it: containerd writes `npipe://` and either slash.
pub fn connectable(address: &str) -> String {
    let address = address.strip_prefix("npipe://").unwrap_or(address);
    address.replace('/', "\\")
}

/// Listens. The name must be free; others may not take it over while it is held.
pub fn listen(
    socket: &Path,
) -> io::Result<impl Stream<Item = io::Result<NamedPipeServer>> + use<>> {
    let access = Access::new(ACCESS)?;
    let first = access.pipe(socket, true)?;
    let state = (first, access, socket.to_owned());
    Ok(futures::stream::unfold(state, |(pipe, access, path)| async move {
        let connected = pipe.connect().await.and_then(|()| access.pipe(&path, false));
        match connected {
            Ok(next) => Some((Ok(pipe), (next, access, path))),
            Err(error) => Some((Err(error), (pipe, access, path))),
        }
    }))
}

/// A security descriptor.
struct Access(PSECURITY_DESCRIPTOR);

// SAFETY: the descriptor is only read.
unsafe impl Send for Access {}
// SAFETY: as above.
unsafe impl Sync for Access {}

impl Access {
    fn new(text: &str) -> io::Result<Self> {
        let text = wide(text);
        let mut descriptor = std::ptr::null_mut();
        // SAFETY: the text ends with a zero, and the descriptor has a place.
        let done = unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                text.as_ptr(),
                SDDL_REVISION_1,
                &raw mut descriptor,
                std::ptr::null_mut(),
            )
        };
        if done == 0 { Err(io::Error::last_os_error()) } else { Ok(Self(descriptor)) }
    }

    fn pipe(&self, name: &Path, is_first: bool) -> io::Result<NamedPipeServer> {
        let mut attributes = SECURITY_ATTRIBUTES {
            nLength: u32::try_from(size_of::<SECURITY_ATTRIBUTES>()).expect("a small structure"),
            lpSecurityDescriptor: self.0,
            bInheritHandle: 0,
        };
        let mut options = ServerOptions::new();
        options.first_pipe_instance(is_first).reject_remote_clients(true);
        // SAFETY: the attributes are whole, and good for the call.
        unsafe { options.create_with_security_attributes_raw(name, (&raw mut attributes).cast()) }
    }
}

impl Drop for Access {
    fn drop(&mut self) {
        // SAFETY: Windows allocated it for us, and it is freed once.
        unsafe { LocalFree(self.0) };
    }
}
