//! The runtime's own messages, made from `proto/` by the build script.

#[expect(
    unreachable_pub,
    clippy::pedantic,
    clippy::unwrap_used,
    reason = "made by protobuf-codegen; what each message is for stands in `proto/`"
)]
mod made {
    include!(concat!(env!("OUT_DIR"), "/proto/mod.rs"));
}

pub(crate) use made::runhcs::{Options, ProcessDetails, options};
