//! The system calls of a silo.
//!
//! Three filters, of which the strictest answer counts: what is not on the list is refused; calls
//! that would hide their arguments from a filter (`clone3`, `openat2`) are said not to exist, so
//! that callers fall back to their older forms; and of allowed calls some arguments are refused.
//! The list is that of Docker's default profile less what a Windows program under Wine has no use
//! for. A foreign architecture's call, a 32-bit one included, ends the process.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Is, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter,
};

use crate::error::ErrorKind;

mod calls;

/// The compiled filters.
#[derive(Debug)]
pub(crate) struct Filters(Vec<BpfProgram>);

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

impl Filters {
    /// Compiles them.
    pub(crate) fn compile() -> Result<Self, ErrorKind> {
        let (allow, refuse) = (SeccompAction::Allow, SeccompAction::Errno(EPERM));
        let absent = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
        // What is absent must be listed too: the first filter's refusal would hide the answer.
        let listed = whole(calls::ALLOWED).into_iter().chain(whole(calls::ABSENT)).collect();
        // The list comes last: it forbids putting on another filter.
        let programs = [
            program(whole(calls::ABSENT), allow.clone(), absent),
            program(refused_arguments().map_err(broken)?, allow.clone(), refuse.clone()),
            program(listed, refuse, allow),
        ];
        programs.into_iter().collect::<Result<_, _>>().map(Self).map_err(broken)
    }

    /// Puts them on this process and all that it will start.
    pub(crate) fn apply(&self) -> Result<(), ErrorKind> {
        self.0.iter().try_for_each(|program| apply_filter(program)).map_err(|e| {
            ErrorKind::io("put on the system call filter", std::io::Error::other(e.to_string()))
        })
    }
}

const EPERM: u32 = libc::EPERM.unsigned_abs();

/// Calls whatever their arguments.
fn whole(list: &[i64]) -> Rules {
    list.iter().map(|call| (*call, Vec::new())).collect()
}

fn program(
    rules: Rules,
    otherwise: SeccompAction,
    matched: SeccompAction,
) -> Result<BpfProgram, seccompiler::BackendError> {
    SeccompFilter::new(rules, otherwise, matched, ARCHITECTURE)?.try_into()
}

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: TargetArch = TargetArch::x86_64;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: TargetArch = TargetArch::aarch64;

#[expect(clippy::needless_pass_by_value, reason = "used as a map_err function")]
fn broken(error: seccompiler::BackendError) -> ErrorKind {
    ErrorKind::io("make the system call filter", std::io::Error::other(error.to_string()))
}

/// Arguments that allowed calls may not have.
fn refused_arguments() -> Result<Rules, seccompiler::BackendError> {
    let mut rules = Rules::new();
    let mut refuse = |call: i64, condition: SeccompCondition| {
        let rule = SeccompRule::new(vec![condition])?;
        rules.entry(call).or_default().push(rule);
        Ok::<_, seccompiler::BackendError>(())
    };
    // New namespaces of any kind, by clone; `unshare` and `setns` are not on the list.
    for flag in calls::NAMESPACE_FLAGS {
        refuse(libc::SYS_clone, bits(0, flag)?)?;
    }
    // Typing into a terminal as if by its user.
    for request in [libc::TIOCSTI, libc::TIOCLINUX] {
        refuse(libc::SYS_ioctl, SeccompCondition::new(1, Len::Dword, Is::Eq, request)?)?;
    }
    // Families of sockets that are not for talking to peers: host VMs, packets, crypto.
    for family in calls::REFUSED_FAMILIES {
        let is = |call| SeccompCondition::new(0, Len::Dword, Is::Eq, family).map(|c| (call, c));
        let (call, condition) = is(libc::SYS_socket)?;
        refuse(call, condition)?;
        let (call, condition) = is(libc::SYS_socketpair)?;
        refuse(call, condition)?;
    }
    // Files that would give their owner's or group's powers: a mapped directory is the host's.
    for (call, argument) in calls::MODE_ARGUMENTS {
        for bit in [u64::from(libc::S_ISUID), u64::from(libc::S_ISGID)] {
            refuse(call, bits(argument, bit)?)?;
        }
    }
    Ok(rules)
}

/// The condition that every bit of `mask` is set.
fn bits(argument: u8, mask: u64) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(argument, Len::Dword, Is::MaskedEq(mask), mask)
}
