//! Which version of the HCS schema a document is written in.

use schema::document::SchemaVersion;

use crate::host::builds;

/// Version 1.0.
pub const V1_0: SchemaVersion = SchemaVersion { major: 1, minor: 0 };
/// Version 2.5, for VMs that use isolation.
pub const V2_5: SchemaVersion = SchemaVersion { major: 2, minor: 5 };

/// The version for a container on its own. One asked for that the build does not take is as good as
/// none.
pub fn choose(build: u32, requested: Option<SchemaVersion>) -> SchemaVersion {
    let is_taken = |version: &SchemaVersion| match *version {
        V1_0 => true,
        SchemaVersion::V2_1 => build >= builds::RS5,
        V2_5 => build >= builds::LTSC2022,
        _ => false,
    };
    let default = if build >= builds::RS5 { SchemaVersion::V2_1 } else { V1_0 };
    requested.filter(is_taken).unwrap_or(default)
}

/// Whether it is of the first kind.
pub fn is_v1(version: SchemaVersion) -> bool {
    version.major == 1
}
