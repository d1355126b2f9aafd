//! Dockerfile builds for Windows images.
//!
//! [`dockerfile`] is the language: text to instructions with their lines. [`paths`] holds the rules
//! for the paths of Windows images, of `BuildKit` and of docker's older builder ([`classic`]), which
//! also serves changes at a commit; [`ignore`] decides what of a context is not there.
//!
//! Nothing in these modules touches the host, and they are the same whatever OS it runs.

pub mod classic;
pub mod dockerfile;
pub mod ignore;
pub mod paths;
