//! Who may open the pipes that a shim makes.

use std::io;
use std::path::Path;

use tokio::net::windows::named_pipe::{NamedPipeServer, ServerOptions};
use windows_sys::Win32::Foundation::LocalFree;
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
};
use windows_sys::Win32::Security::{
    GetSecurityDescriptorLength, PSECURITY_DESCRIPTOR, SECURITY_ATTRIBUTES,
};

use super::text::wide;

/// Built-in administrators and the system, and nobody else.
const ACCESS: &str = "D:P(A;;GA;;;BA)(A;;GA;;;SY)";

/// The same for whatever is in it.
const FOLDER: &str = "D:P(A;OICI;GA;;;BA)(A;OICI;GA;;;SY)";

/// A security descriptor.
pub(super) struct Access(PSECURITY_DESCRIPTOR);

// SAFETY: the descriptor is only read.
unsafe impl Send for Access {}
// SAFETY: as above.
unsafe impl Sync for Access {}

impl Access {
    /// For those who may steer containers.
    pub(super) fn administrators() -> io::Result<Self> {
        Self::of(ACCESS)
    }

    /// For folders of theirs and all that is made in them.
    pub(super) fn administrators_folder() -> io::Result<Self> {
        Self::of(FOLDER)
    }

    pub(super) fn of(text: &str) -> io::Result<Self> {
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

    /// A copy, all of one piece.
    pub(super) fn bytes(&self) -> Vec<u8> {
        // SAFETY: the descriptor is whole, and of one piece as Windows gives it.
        unsafe {
            let length = GetSecurityDescriptorLength(self.0) as usize;
            std::slice::from_raw_parts(self.0.cast::<u8>(), length).to_vec()
        }
    }

    /// For a call that makes something; they are good as long as this lives. No child inherits it.
    pub(super) fn attributes(&self) -> SECURITY_ATTRIBUTES {
        SECURITY_ATTRIBUTES {
            nLength: u32::try_from(size_of::<SECURITY_ATTRIBUTES>()).expect("a small structure"),
            lpSecurityDescriptor: self.0,
            bInheritHandle: 0,
        }
    }

    /// A pipe with these options; never for other machines.
    pub(super) fn pipe(
        &self,
        name: impl AsRef<Path>,
        options: &mut ServerOptions,
    ) -> io::Result<NamedPipeServer> {
        let mut attributes = self.attributes();
        options.reject_remote_clients(true);
        // SAFETY: the attributes are whole, and good for the call.
        unsafe {
            options.create_with_security_attributes_raw(name.as_ref(), (&raw mut attributes).cast())
        }
    }
}

impl Drop for Access {
    fn drop(&mut self) {
        // SAFETY: Windows allocated it for us, and it is freed once.
        unsafe { LocalFree(self.0) };
    }
}
