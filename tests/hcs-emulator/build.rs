//! Lays programs and DLLs out so that Wine can map them: see the shim's. What is measured of a program
//! that uses the doubles is then the program's own.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = std::env::var("TARGET").unwrap_or_default();
    if target.ends_with("-windows-gnu") {
        println!("cargo::rustc-link-arg=-Wl,--file-alignment=4096");
    }
}
