//! Measurements, each against a baseline taken in the same minutes: `cargo xtask bench`.
//!
//! A figure that does not hold its limit is written down and fails nothing: what fails is a
//! measurement that could not be made.

mod build;
mod figures;
mod memory;
mod scale;
mod shim;
mod start;
mod unpack;
mod wine;
mod wine_image;

use std::time::Duration;

/// The middle one.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}

/// As figures are written down.
fn mebibytes(bytes: u64) -> f64 {
    let kib = u32::try_from(bytes >> 10).expect("no measured host has 4 TiB");
    f64::from(kib) / 1024.0
}

/// Runs all of them in turn, so often, so that what slows the host slows all; a median for each.
fn interleaved<const N: usize>(rounds: u32, runs: [&dyn Fn() -> Duration; N]) -> [f64; N] {
    let mut times: [Vec<Duration>; N] = std::array::from_fn(|_| Vec::new());
    // The first round fills caches.
    for round in 0..=rounds {
        for (run, times) in runs.iter().zip(&mut times) {
            let time = run();
            if round > 0 {
                times.push(time);
            }
        }
    }
    times.map(median)
}
