//! Makes the runtime's own messages and services from `proto/`.

use std::io::Write as _;
use std::path::PathBuf;

use ttrpc_codegen::{Codegen, Customize, ProtobufCustomize};

/// Messages.
const FILES: [&str; 5] = ["runhcs", "diag", "extended", "runtimeoptions", "pod"];
/// Those with a service in them.
const SERVICES: [&str; 2] = ["diag", "extended"];

fn main() {
    println!("cargo::rerun-if-changed=proto");
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
