//! The transom command line.
