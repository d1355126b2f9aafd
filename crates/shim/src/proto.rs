//! The runtime's own messages and services, made from `proto/` by the build script.

#[expect(
    unreachable_pub,
    clippy::pedantic,
    clippy::unwrap_used,
    reason = "made by ttrpc-codegen; what each message is for stands in `proto/`"
)]
mod made {
    include!(concat!(env!("OUT_DIR"), "/proto/mod.rs"));
}

pub(crate) use made::pod::PodSandboxConfig;
#[cfg(test)]
pub(crate) use made::pod::{WindowsPodSandboxConfig, WindowsSandboxSecurityContext};
pub(crate) use made::runhcs::{Options, ProcessDetails, options};
pub(crate) use made::runtimeoptions::RuntimeOptions;
pub(crate) use made::{diag, diag_ttrpc, extended, extended_ttrpc};
