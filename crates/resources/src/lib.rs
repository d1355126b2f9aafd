//! Acquires what a plan names and gives it back newest first.
