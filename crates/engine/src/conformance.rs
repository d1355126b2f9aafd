//! What every engine promises, as tests that any of them can be put through.
