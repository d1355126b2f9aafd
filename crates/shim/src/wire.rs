//! Payloads as they travel: `Any`s with containerd's type names, and timestamps.

use std::time::SystemTime;

use protobuf::well_known_types::any::Any;
use protobuf::well_known_types::timestamp::Timestamp;
use serde::Serialize;

/// The type name of an OCI process, as JSON.
pub(crate) const TYPE_PROCESS: &str = "types.containerd.io/opencontainers/runtime-spec/1/Process";
/// The type name of an OCI Windows resources section, as JSON.
pub(crate) const TYPE_WINDOWS_RESOURCES: &str =
    "types.containerd.io/opencontainers/runtime-spec/1/WindowsResources";

/// Go's zero time, which containerd takes for "not yet".
const ZERO_SECONDS: i64 = -62_135_596_800;

/// An `Any` around JSON.
pub(crate) fn json_any(type_url: &str, value: &impl Serialize) -> Any {
    Any {
        type_url: type_url.to_owned(),
        value: serde_json::to_vec(value).expect("OCI types have string keys only"),
        ..Default::default()
    }
}

/// An `Any` around a message, with the message's bare name.
pub(crate) fn message_any<M: protobuf::MessageFull>(message: &M) -> Any {
    Any {
        type_url: M::descriptor().full_name().to_owned(),
        value: message.write_to_bytes().expect("a message made here has all that it needs"),
        ..Default::default()
    }
}

/// What stands behind the last `/` of a type name.
pub(crate) fn bare_name(any: &Any) -> &str {
    any.type_url.rsplit('/').next().unwrap_or_default()
}

/// A time, or Go's zero time.
pub(crate) fn timestamp(at: Option<SystemTime>) -> Timestamp {
    let Some(since) = at.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok()) else {
        return Timestamp { seconds: ZERO_SECONDS, ..Default::default() };
    };
    Timestamp {
        seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(since.subsec_nanos()).expect("below a billion"),
        ..Default::default()
    }
}
