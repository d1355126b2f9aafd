//! Everything that calls Windows, and the one place that calls Linux beneath it.

#![expect(unsafe_code, reason = "this module is the guest's side of the Windows and Linux calls")]

mod account;
mod boot;
mod command;
mod console;
mod control;
mod crash;
mod devices;
mod dump;
mod environment;
mod error;
mod flush;
mod handle;
mod hardware;
mod linux;
mod pipe;
mod processes;
mod processors;
mod reached_pipes;
mod registry;
mod serve;
mod served_pipes;
mod services;
mod setx;
mod shared_data;
mod spawn;
mod stream;
mod text;
mod user_name;
mod wire;

pub(crate) use command::main;
