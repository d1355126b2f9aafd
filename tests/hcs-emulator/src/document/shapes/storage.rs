//! What `computestorage.dll` takes.

use super::super::Shape::{self, Flag, List, Number, Object, Text, Word};

/// Parents, and the filter that shows them.
pub static LAYER_DATA: Shape = Object(&[
    ("SchemaVersion", Object(&[("Major", Number), ("Minor", Number)])),
    ("Layers", List(&Object(&[("Id", Text), ("Path", Text), ("PathType", Text), ("Cache", Text)]))),
    ("FilterType", Word(&["", "UnionFS", "WCIFS"])),
]);

/// `HcsExportLayer`'s options.
pub static EXPORT_OPTIONS: Shape = Object(&[("IsWritableLayer", Flag)]);

/// Options that no schema names any of.
pub static NO_OPTIONS: Shape = Object(&[]);

/// `HcsSetupBaseOSLayer`'s and `HcsSetupBaseOSVolume`'s options.
pub static OS_LAYER_OPTIONS: Shape = Object(&[
    ("Type", Word(&["Container", "Vm"])),
    ("DisableCiCacheOptimization", Flag),
    ("SkipUpdateBcdForBoot", Flag),
]);
