//! The test doubles, called as C calls them: with the names, arguments and memory of Windows' own.

#![cfg(windows)]

mod bound;
mod dll;
mod exports;
mod network;
mod older;
mod operations;
mod storage;
