//! Which processors Windows programs are told of.
//!
//! Wine asks Linux for those of a process that no Windows process started, and hands them down to
//! whatever it starts. A silo that starts is kept on one processor (`engine`'s `cgroup::gathering`),
//! which must not be taken for all that there are.

use schema::guest::{Failure, PROCESSORS};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, GetProcessAffinityMask, SetProcessAffinityMask,
};

use super::error;

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

fn parse(text: &str) -> Option<usize> {
    usize::from_str_radix(text, 16).ok()
}
