//! The executor of build steps on the real engine: what `BuildKit`'s own tests ask of its workers,
//! with Windows programs. `crates/build` has the same contract on the engine in memory.

mod cancelled;
mod console;
mod failing;
mod running;
mod subject;
