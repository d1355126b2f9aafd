//! OCI spec, annotations and host limits to one decided plan.
