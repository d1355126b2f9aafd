//! The event log.

use windows_sys::Win32::System::EventLog::{
    DeregisterEventSource, EVENTLOG_ERROR_TYPE, EVENTLOG_INFORMATION_TYPE, EVENTLOG_WARNING_TYPE,
    RegisterEventSourceW, ReportEventW,
};

use super::super::super::text::wide;
use super::NAME;

/// What kind of news it is; each has a number of its own to filter by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something was done.
    Done,
    /// Something needs a look.
    Warning,
    /// Something failed.
    Failed,
}

/// Writes into the log of applications. A log that does not take it is no reason to fail.
pub fn report(kind: Kind, text: &str) {
    let (source, text) = (wide(NAME), wide(text.replace('\0', " ")));
    let (class, id) = match kind {
        Kind::Done => (EVENTLOG_INFORMATION_TYPE, 1),
        Kind::Warning => (EVENTLOG_WARNING_TYPE, 2),
        Kind::Failed => (EVENTLOG_ERROR_TYPE, 3),
    };
    let texts = [text.as_ptr()];
    // SAFETY: the texts end with zeros and live through the calls; the source is closed once.
    unsafe {
        let log = RegisterEventSourceW(std::ptr::null(), source.as_ptr());
        if log.is_null() {
            return;
        }
        let (none, nothing) = (std::ptr::null_mut(), std::ptr::null());
        ReportEventW(log, class, 0, id, none, 1, 0, texts.as_ptr(), nothing);
        DeregisterEventSource(log);
    }
}
