//! `hcs-emulator.exe`: the service behind the test DLLs. They start it; nobody else needs to.

#[cfg(windows)]
fn main() -> std::io::Result<()> {
    hcs_emulator::service::run()
}

#[cfg(not(windows))]
fn main() {
    eprintln!("hcs-emulator runs on Windows, or on Wine");
}
