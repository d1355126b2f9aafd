//! Which processors Windows programs are told of.
//!
//! Wine asks Linux for those of a process that no Windows process started, and hands them down to
//! whatever it starts. A silo that starts is kept on one processor (`engine`'s `cgroup::gathering`),
//! which must not be taken for all that there are. Nor can a program choose another one meanwhile:
//! what it chose is asked for again when the silo is let go.

use schema::guest::{Failure, PROCESSORS};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, GetProcessAffinityMask, OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION,
    PROCESS_SET_INFORMATION, SetProcessAffinityMask,
};

use super::handle::Handle;
use super::{error, processes};

/// What it takes to choose for another process.
const CHANGE: u32 = PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_SET_INFORMATION;

/// Gives this process, and so all that it starts, what the environment says.
pub(super) fn restore() -> Result<(), Failure> {
    let Some(told) = std::env::var(PROCESSORS).ok().and_then(|text| parse(&text)) else {
        return Ok(());
    };
    let (mut mine, mut all) = (0, 0);
    // SAFETY: the handle stands for this process, and both masks outlive the call.
    if unsafe { GetProcessAffinityMask(GetCurrentProcess(), &raw mut mine, &raw mut all) } == 0 {
        return Err(error::last("asking for this process' processors"));
    }
    let wanted = told & all;
    if wanted == 0 || wanted == mine {
        return Ok(());
    }
    // SAFETY: as above.
    if unsafe { SetProcessAffinityMask(GetCurrentProcess(), wanted) } == 0 {
        return Err(error::last("setting this process' processors"));
    }
    Ok(())
}

/// Asks Linux again for what programs chose while the silo was kept on one processor. Wine remembers
/// it, and tells them of no refusal.
pub(super) fn disperse() -> Result<(), Failure> {
    for pid in processes::pids()? {
        // SAFETY: the call takes numbers, and gives a handle or null.
        let process = Handle::own(unsafe { OpenProcess(CHANGE, 0, pid) });
        let (mut chosen, mut all) = (0, 0);
        // One that has ended chooses no more.
        let Some(process) = process else { continue };
        // SAFETY: the handle is open, and both masks outlive the call.
        let told = unsafe { GetProcessAffinityMask(process.raw(), &raw mut chosen, &raw mut all) };
        if told != 0 && chosen != all {
            // SAFETY: as above.
            unsafe { SetProcessAffinityMask(process.raw(), chosen) };
        }
    }
    Ok(())
}

fn parse(text: &str) -> Option<usize> {
    usize::from_str_radix(text, 16).ok()
}
