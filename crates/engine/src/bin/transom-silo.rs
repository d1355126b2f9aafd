//! The silo host's program: the small process behind one compute system on Linux.
//!
//! Everything is in `engine`'s silo module; `HostEngine::create` starts this and nobody else does.

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    engine::silo_main()
}

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    eprintln!("silos are Linux' own: on Windows the Host Compute Service holds compute systems");
    std::process::ExitCode::FAILURE
}
