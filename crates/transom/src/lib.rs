//! The command line: docker's words, done by Transom's own shim.
//!
//! ```text
//! cli       flags as typed
//! settings  what they ask for, in docker's API form
//! commands  one file a command
//! store     containers and volumes, as files
//! host      what commands share: finding, sweeping, removing
//! monitor   the process beside a running container
//! attach    how commands and monitors talk
//! stdio     streams of processes
//! format    tables and templates
//! copy      files in and out of containers
//! output    what commands say
//! doctor    what this host lacks
//! draft     files that are there when they are whole
//! ```
//!
//! What a setting means is `spec`'s, images are `image`'s, running is the shim's; networks and
//! scratches are `engine`'s. There is no daemon: files and locks tell what is going on.

// Its macros are for all that follow.
#[macro_use]
pub mod output;

pub mod attach;
pub mod cli;
pub mod commands;
pub mod copy;
pub mod doctor;
pub mod draft;
pub mod events;
pub mod format;
pub mod host;
pub mod monitor;
pub mod paths;
pub mod random;
pub mod settings;
pub mod stdio;
pub mod store;
