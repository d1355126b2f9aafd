//! `computestorage.dll`, the test double: layers by documents. All calls are synchronous and give
//! only a code.

#![cfg(windows)]
#![expect(unsafe_code, reason = "exports called from C")]
#![expect(missing_docs, reason = "Windows documents them")]

use std::path::PathBuf;

use hcs_emulator::client::{Client, text};
use hcs_emulator::{codes, layers, privileges, storage};
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::Storage::FileSystem::{GetFinalPathNameByHandleW, VOLUME_NAME_DOS};

type Text = *const u16;

fn read(text: Text) -> String {
    // SAFETY: callers of every export give null or what ends with a zero.
    unsafe { text::read(text) }
}

fn path(text: Text) -> PathBuf {
    read(text).into()
}

fn done(call: &str, work: impl FnOnce() -> Result<(), u32>) -> u32 {
    Client::on_layers(call, work)
}

/// Exports that take nothing but texts.
macro_rules! exports {
    ($($name:ident($($text:ident),+) $work:expr;)+) => {$(
        #[unsafe(no_mangle)]
        pub extern "system" fn $name($($text: Text),+) -> u32 {
            done(stringify!($name), || $work)
        }
    )+};
}

exports! {
    HcsImportLayer(layer, source, data) privileges::needed().and_then(|()| {
        storage::import(&path(layer), &path(source), &storage::parents(&read(data))?)
    });
    HcsExportLayer(layer, folder, data, options) privileges::needed().and_then(|()| {
        storage::export(&path(layer), &path(folder), &storage::parents(&read(data))?, &read(options))
    });
    HcsExportLegacyWritableLayer(_mount, layer, folder, data)
        storage::export(&path(layer), &path(folder), &storage::parents(&read(data))?, WRITABLE);
    HcsDestroyLayer(layer) privileges::needed().and_then(|()| layers::destroy(&path(layer)));
    HcsInitializeWritableLayer(layer, data, options)
        storage::initialize(&path(layer), &read(data), &read(options));
    HcsInitializeLegacyWritableLayer(mount, _layer, data, options)
        storage::initialize(&path(mount), &read(data), &read(options));
    HcsAttachLayerStorageFilter(layer, data) storage::attach_filter(&path(layer), &read(data));
    HcsDetachLayerStorageFilter(layer) storage::detach_filter(&path(layer));
    HcsAttachOverlayFilter(volume, data) storage::attach_overlay(&path(volume), &read(data));
    HcsDetachOverlayFilter(volume, data) storage::detach_overlay(&path(volume), &read(data));
    HcsSetupBaseOSVolume(layer, volume, options)
        storage::setup_base_volume(&path(layer), &path(volume), &read(options));
}

const WRITABLE: &str = r#"{"IsWritableLayer":true}"#;

#[unsafe(no_mangle)]
pub extern "system" fn HcsSetupBaseOSLayer(layer: Text, disk: HANDLE, options: Text) -> u32 {
    done("HcsSetupBaseOSLayer", || {
        storage::setup_base(&path(layer), !disk.is_null(), &read(options))
    })
}

#[unsafe(no_mangle)]
pub extern "system" fn HcsFormatWritableLayerVhd(disk: HANDLE) -> u32 {
    done("HcsFormatWritableLayerVhd", || storage::format(&file(disk)?))
}

/// # Safety
///
/// `volume` is null or a place.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn HcsGetLayerVhdMountPath(disk: HANDLE, volume: *mut *mut u16) -> u32 {
    done("HcsGetLayerVhdMountPath", || {
        let path = storage::volume(&file(disk)?)?;
        // SAFETY: as the caller promises.
        unsafe { text::give(volume, &path) };
        Ok(())
    })
}

/// The file that a handle is of.
fn file(handle: HANDLE) -> Result<PathBuf, u32> {
    let mut name = vec![0u16; 1024];
    let room = u32::try_from(name.len()).unwrap_or(0);
    // SAFETY: the name has this much room; a handle that is none is told.
    let length =
        unsafe { GetFinalPathNameByHandleW(handle, name.as_mut_ptr(), room, VOLUME_NAME_DOS) }
            as usize;
    if length == 0 || length >= name.len() {
        return Err(codes::INVALID_HANDLE);
    }
    Ok(String::from_utf16_lossy(&name[..length]).into())
}
