//! Test doubles of the Host Compute Service: what `computecore.dll` and its neighbours answer, with
//! real processes and no containers.
//!
//! ```text
//! a program --LoadLibrary--> computecore.dll, vmcompute.dll,     dlls/, on `client`
//!                                 computestorage.dll, computenetwork.dll; bindfltapi.dll, on `silos`
//!                                 | a local socket, `wire`
//!                            hcs-emulator.exe                    `service`: outlives its callers
//!                                 | CreateProcess, job objects
//!                            real Windows programs
//! ```
//!
//! Documents are checked strictly ([`document`]), calls complete in HCS's order (pending first, then
//! the completion, then events), and [`faults`] makes any call fail or be late. What is left out is
//! everything that makes a container one: a process sees the host's files, registry and network.

pub mod codes;
pub mod document;
pub mod faults;
pub mod layers;
pub mod networks;
pub mod storage;
pub mod wire;

#[cfg(windows)]
pub mod client;
#[cfg(windows)]
pub mod events;
#[cfg(windows)]
pub mod handles;
#[cfg(windows)]
pub mod privileges;
#[cfg(windows)]
pub mod screen;
#[cfg(windows)]
pub mod service;
#[cfg(windows)]
pub mod silos;
