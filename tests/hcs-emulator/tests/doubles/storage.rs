//! `computestorage.dll`: a base layer, and a filter over a scratch.

#![expect(unsafe_code, reason = "the DLLs are called as C calls them")]

use std::os::windows::io::AsRawHandle as _;
use std::path::Path;
use std::ptr::null_mut;

use hcs_emulator::client::text;
use hcs_emulator::{codes, privileges};
use windows_sys::Win32::Foundation::HANDLE;

use crate::dll::{Text, call, take};

fn wide(path: &Path) -> Vec<u16> {
    text::wide(&path.to_string_lossy())
}

#[test]
fn a_base_layer_is_imported_set_up_filtered_and_destroyed() {
    let place = std::env::temp_dir().join(format!("storage-{}", std::process::id()));
    let (source, layer, volume) = (place.join("source"), place.join("layer"), place.join("volume"));
    std::fs::create_dir_all(source.join("Files")).expect("a folder");
    std::fs::create_dir_all(&volume).expect("a folder");
    let none = text::wide("{}");
    assert!(privileges::switch_on());
    let imported = call!("computestorage.dll", c"HcsImportLayer"(wide(&layer).as_ptr() => Text,
        wide(&source).as_ptr() => Text, none.as_ptr() => Text));
    assert_eq!(imported, codes::OK);

    let disk = std::fs::File::create(layer.join("blank-base.vhdx")).expect("a disk");
    let handle = disk.as_raw_handle();
    let mut path: *mut u16 = null_mut();
    let early = call!("computestorage.dll", c"HcsGetLayerVhdMountPath"(handle => HANDLE,
        &raw mut path => *mut *mut u16));
    assert_eq!(early, codes::NOT_READY, "it is not formatted");
    assert_eq!(
        call!("computestorage.dll", c"HcsFormatWritableLayerVhd"(handle => HANDLE)),
        codes::OK
    );
    let mounted = call!("computestorage.dll", c"HcsGetLayerVhdMountPath"(handle => HANDLE,
        &raw mut path => *mut *mut u16));
    assert_eq!((mounted, take(path).starts_with(r"\\?\Volume{")), (codes::OK, true));
    drop(disk);
    let container = text::wide(r#"{"Type":"Container"}"#);
    let set_up = call!("computestorage.dll", c"HcsSetupBaseOSLayer"(wide(&layer).as_ptr() => Text,
        null_mut() => HANDLE, container.as_ptr() => Text));
    assert_eq!(set_up, codes::OK);

    let data = format!(
        r#"{{"SchemaVersion":{{"Major":2,"Minor":1}},"Layers":[{{"Id":"{}","Path":{:?}}}]}}"#,
        hcs_emulator::layers::name_to_guid("layer"),
        layer.to_string_lossy(),
    );
    let data = text::wide(&data);
    let attach = || {
        call!("computestorage.dll", c"HcsAttachLayerStorageFilter"(
            wide(&volume).as_ptr() => Text, data.as_ptr() => Text))
    };
    assert_eq!((attach(), attach()), (codes::OK, codes::IN_USE));
    let detached = call!("computestorage.dll", c"HcsDetachLayerStorageFilter"(
        wide(&volume).as_ptr() => Text));
    assert_eq!(detached, codes::OK);
    let strange = text::wide(r#"{"Layers":[],"Paths":[]}"#);
    let refused = call!("computestorage.dll", c"HcsInitializeWritableLayer"(
        wide(&volume).as_ptr() => Text, strange.as_ptr() => Text, none.as_ptr() => Text));
    assert_eq!(refused, codes::INVALID_JSON);
    let gone = call!("computestorage.dll", c"HcsDestroyLayer"(wide(&layer).as_ptr() => Text));
    assert_eq!((gone, layer.exists()), (codes::OK, false));
    std::fs::remove_dir_all(place).expect("clean");
}
