//! Container settings to an OCI runtime spec for Windows.
