//! Makes the runtime's own messages and services from `proto/`, lays a program for Windows out so that
//! it can be mapped, and has the linker write relocations in their short form, where whoever loads the
//! program can read that.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use ttrpc_codegen::{Codegen, Customize, ProtobufCustomize};

/// Messages.
const FILES: [&str; 5] = ["runhcs", "diag", "extended", "runtimeoptions", "pod"];
/// Those with a service in them.
const SERVICES: [&str; 2] = ["diag", "extended"];

/// The first C library that reads relocations in their short form.
const READS_SHORT: (u32, u32) = (2, 36);

fn main() {
    println!("cargo::rerun-if-changed=proto");
    generate();
    lay_out_by_pages();
    // Their long form is a tenth of what a shim has in memory, and there is one beside every pod.
    if is_for_this_host() && glibc().is_some_and(|version| version >= READS_SHORT) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

fn is_for_this_host() -> bool {
    let [host, target] = ["HOST", "TARGET"].map(std::env::var_os);
    host == target
}

/// The version of this host's, if that is its C library: `glibc 2.36`.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn generate() {
    let folder = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it")).join("proto");
    std::fs::create_dir_all(&folder).expect("cargo's folder is there to be written to");
    Codegen::new()
        .include("proto")
        .inputs(FILES.map(|name| format!("proto/{name}.proto")))
        .rust_protobuf()
        .rust_protobuf_customize(ProtobufCustomize::default().gen_mod_rs(true))
        .customize(Customize { async_all: true, ..Customize::default() })
        .out_dir(&folder)
        .run()
        .expect("the files in `proto/` are right");
    let modules = std::fs::OpenOptions::new().append(true).open(folder.join("mod.rs"));
    let mut modules = modules.expect("it was just made");
    for name in SERVICES {
        writeln!(modules, "pub mod {name}_ttrpc;").expect("cargo's folder can be written to");
    }
}

/// Puts sections at whole pages of the file. Wine maps those; others it reads into memory of the
/// process' own, which for a shim would be most of what it takes.
fn lay_out_by_pages() {
    let target = std::env::var("TARGET").unwrap_or_default();
    if target.ends_with("-windows-gnu") {
        println!("cargo::rustc-link-arg-bins=-Wl,--file-alignment=4096");
    }
}
