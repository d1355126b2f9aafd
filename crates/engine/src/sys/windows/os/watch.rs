//! Tells when something happens in a folder.
//!
//! Windows tells of a file that grows only when it gets to writing it down, so whoever waits looks
//! again after a while.

use std::io;
use std::os::windows::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

use windows_sys::Win32::Foundation::{HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_NOTIFY_CHANGE_FILE_NAME, FILE_NOTIFY_CHANGE_LAST_WRITE, FILE_NOTIFY_CHANGE_SIZE,
    FindCloseChangeNotification, FindFirstChangeNotificationW, FindNextChangeNotification,
};
use windows_sys::Win32::System::Threading::WaitForSingleObject;

/// In milliseconds.
const LOOK_AGAIN: u32 = 200;

#[derive(Debug)]
struct Notification(HANDLE);

// SAFETY: a handle is a number that any thread of the process may use.
unsafe impl Send for Notification {}
// SAFETY: as above.
unsafe impl Sync for Notification {}

impl Drop for Notification {
    fn drop(&mut self) {
        // SAFETY: it is open, and closed once.
        unsafe { FindCloseChangeNotification(self.0) };
    }
}

/// Tells when something happens in a folder.
#[derive(Debug)]
pub struct Watch(Arc<Notification>);

impl Watch {
    /// Watches from now on.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let name: Vec<u16> = folder.as_os_str().encode_wide().chain([0]).collect();
        let what =
            FILE_NOTIFY_CHANGE_FILE_NAME | FILE_NOTIFY_CHANGE_SIZE | FILE_NOTIFY_CHANGE_LAST_WRITE;
        // SAFETY: the name ends with a zero.
        let handle = unsafe { FindFirstChangeNotificationW(name.as_ptr(), 0, what) };
        if handle == INVALID_HANDLE_VALUE {
            return Err(io::Error::last_os_error());
        }
        Ok(Self(Arc::new(Notification(handle))))
    }

    /// Waits until something may have happened since it was last asked.
    pub async fn changed(&mut self) -> io::Result<()> {
        let notification = Arc::clone(&self.0);
        let waiting = tokio::task::spawn_blocking(move || {
            // SAFETY: the handle is open.
            unsafe {
                WaitForSingleObject(notification.0, LOOK_AGAIN);
                FindNextChangeNotification(notification.0);
            }
        });
        waiting.await.map_err(io::Error::other)
    }
}
