//! Linux mounts layers as they were unpacked: there is no service to ask.

use std::io;
use std::path::{Path, PathBuf};

use crate::layering::Restored;
use crate::os::fd::AsFd;

/// Nobody.
#[derive(Debug, Clone, Copy)]
pub enum Service {}

/// There is none.
pub fn service() -> Option<Service> {
    None
}

/// Never had.
#[derive(Debug)]
pub struct Rights(());

impl Service {
    /// Never called.
    pub fn rights(&self) -> io::Result<Rights> {
        match *self {}
    }

    /// Never called.
    pub fn put_in_place(&self, _from: &Path, _to: &Path) -> io::Result<()> {
        match *self {}
    }

    /// Never called.
    pub fn check_descriptor(&self, _bytes: &[u8]) -> io::Result<()> {
        match *self {}
    }

    /// Never called.
    pub fn import(&self, _layer: &Path, _source: &Path, _parents: &[PathBuf]) -> io::Result<()> {
        match *self {}
    }

    /// Never called.
    pub fn set_up_base(&self, _layer: &Path) -> io::Result<()> {
        match *self {}
    }

    /// Never called.
    pub fn destroy(&self, _layer: &Path) -> io::Result<()> {
        match *self {}
    }

    /// Never called.
    pub fn restore(&self, _root: &impl AsFd, _path: &str, _to: &Restored<'_>) -> io::Result<()> {
        match *self {}
    }

    /// Never called.
    pub fn remove(&self, _root: &impl AsFd, _path: &str) -> io::Result<()> {
        match *self {}
    }

    /// Never called.
    pub fn descriptor(&self, _sddl: &str) -> io::Result<Vec<u8>> {
        match *self {}
    }
}
