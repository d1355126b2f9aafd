//! OCI content store, registries, Windows layers.
