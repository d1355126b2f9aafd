//! The silo host's program: the small process behind one compute system on Linux.
//!
//! Everything is in `engine`'s silo module; `HostEngine::create` starts this and nobody else does.

fn main() -> std::process::ExitCode {
    engine::silo_main()
}
