//! The Windows helper inside a silo.

fn main() {}
