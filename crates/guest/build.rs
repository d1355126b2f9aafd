//! Lays the guest out so that Wine can map it: sections at whole pages of the file. Others it reads
//! into memory of the process' own, and there is a guest in every container.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("TARGET").is_ok_and(|target| target.ends_with("-windows-gnu")) {
        println!("cargo::rustc-link-arg-bins=-Wl,--file-alignment=4096");
    }
}
