//! Chores: demo, test, build, bench, tidy.

fn main() {}
