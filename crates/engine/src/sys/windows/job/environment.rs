//! The environment of a process in a job container.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::io;

use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::Environment::{CreateEnvironmentBlock, DestroyEnvironmentBlock};

use crate::error::ErrorKind;

/// What names the root to the container's programs.
const MOUNT_POINT: &str = "CONTAINER_SANDBOX_MOUNT_POINT";
/// What every path is lengthened by, after the root.
const ALWAYS: &str = r"C:\WINDOWS\System32\WindowsPowerShell\v1.0\;C:\WINDOWS\System32\Wbem";

/// A process' variables: names do not tell case apart, and the last one wins.
#[derive(Debug, Default)]
pub(super) struct Variables(BTreeMap<String, (String, String)>);

/// Puts the root in the place of what stands for it.
pub(super) fn expand(text: &str, root: &str) -> String {
    let root = root.strip_suffix('\\').unwrap_or(root);
    text.replace(&format!("%{MOUNT_POINT}%"), root).replace(&format!("$env:{MOUNT_POINT}"), root)
}

impl Variables {
    /// Those that an account has by itself. The shim's own are none of a container's business.
    pub(super) fn of_account(token: HANDLE) -> Result<Self, ErrorKind> {
        let mut block: *mut c_void = std::ptr::null_mut();
        let mut own = Self::default();
        // SAFETY: the token is open, and the block has a place.
        if unsafe { CreateEnvironmentBlock(&raw mut block, token, 0) } == 0 {
            let error = io::Error::last_os_error();
            return Err(ErrorKind::io("make the environment of a container's account", error));
        }
        // SAFETY: the block ends with an empty text, and is given back once.
        let pairs = unsafe {
            let pairs = read_block(block.cast());
            DestroyEnvironmentBlock(block);
            pairs
        };
        own.extend(pairs);
        Ok(own)
    }

    pub(super) fn extend(&mut self, pairs: impl IntoIterator<Item = (String, String)>) {
        for (name, value) in pairs {
            self.0.insert(name.to_uppercase(), (name, value));
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(&name.to_uppercase()).map(|(_, value)| value.as_str())
    }

    /// Lengthens the path, and names the root.
    pub(super) fn finish(&mut self, root: &str) {
        let path = self.get("PATH").unwrap_or_default().to_owned();
        let between = if path.is_empty() || path.ends_with(';') { "" } else { ";" };
        let name = self.0.get("PATH").map_or_else(|| "PATH".to_owned(), |(name, _)| name.clone());
        let mut more = vec![
            (name, format!("{path}{between}{root};{ALWAYS}")),
            (MOUNT_POINT.to_owned(), root.to_owned()),
        ];
        if self.get("SYSTEMROOT").is_none() {
            let system = std::env::var("SystemRoot").unwrap_or_else(|_| r"C:\Windows".to_owned());
            more.push(("SYSTEMROOT".to_owned(), system));
        }
        self.extend(more);
    }

    /// As `CreateProcess` takes it.
    pub(super) fn block(&self) -> Vec<u16> {
        let mut block = Vec::new();
        for (name, value) in self.0.values() {
            block.extend(format!("{name}={value}").encode_utf16());
            block.push(0);
        }
        block.extend([0, 0]);
        block
    }
}

/// # Safety
///
/// `block` is texts that end with zeros, and an empty one.
unsafe fn read_block(mut block: *const u16) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    loop {
        let mut length = 0;
        // SAFETY: the caller promises the zeros.
        let text = unsafe {
            while *block.add(length) != 0 {
                length += 1;
            }
            std::slice::from_raw_parts(block, length)
        };
        if length == 0 {
            return pairs;
        }
        let text = String::from_utf16_lossy(text);
        // A drive's own folder is kept under a name that begins with `=`.
        if let Some((at, _)) = text.char_indices().skip(1).find(|(_, letter)| *letter == '=') {
            pairs.push((text[..at].to_owned(), text[at + 1..].to_owned()));
        }
        // SAFETY: behind the text's zero is the next one.
        block = unsafe { block.add(length + 1) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_lengthened_and_the_root_is_named() {
        let mut variables = Variables::default();
        variables.extend([("Path".into(), r"C:\Windows\system32;C:\Windows".into())]);
        variables.extend([("a".into(), "1".into()), ("A".into(), "2".into())]);
        variables.finish(r"C:\hpc\");
        assert_eq!(
            variables.get("PATH").unwrap(),
            r"C:\Windows\system32;C:\Windows;C:\hpc\;C:\WINDOWS\System32\WindowsPowerShell\v1.0\;C:\WINDOWS\System32\Wbem"
        );
        assert_eq!(variables.get("a"), Some("2"));
        assert_eq!(variables.get("container_sandbox_mount_point"), Some(r"C:\hpc\"));
        assert!(variables.get("SystemRoot").is_some());
        assert!(variables.block().ends_with(&[0, 0]));
    }

    #[test]
    fn what_stands_for_the_root_is_replaced() {
        for text in [
            r"%CONTAINER_SANDBOX_MOUNT_POINT%\apps\vim\",
            r"$env:CONTAINER_SANDBOX_MOUNT_POINT\apps\vim\",
        ] {
            assert_eq!(expand(text, r"C:\hpc\"), r"C:\hpc\apps\vim\");
            assert_eq!(expand(text, r"C:\custom"), r"C:\custom\apps\vim\");
        }
    }
}
