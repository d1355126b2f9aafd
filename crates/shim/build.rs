//! Makes the runtime's own messages and services from `proto/`, and lays a program for Windows out so
//! that it can be mapped.

use std::io::Write as _;
use std::path::PathBuf;

use ttrpc_codegen::{Codegen, Customize, ProtobufCustomize};

/// Messages.
const FILES: [&str; 5] = ["runhcs", "diag", "extended", "runtimeoptions", "pod"];
/// Those with a service in them.
const SERVICES: [&str; 2] = ["diag", "extended"];

fn main() {
    println!("cargo::rerun-if-changed=proto");
    lay_out_by_pages();
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
