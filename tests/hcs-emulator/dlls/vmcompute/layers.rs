//! The layer functions. All are synchronous, and give no document.

#![expect(unsafe_code, reason = "exports called from C")]

use std::ffi::c_void;
use std::path::PathBuf;

use hcs_emulator::client::{Client, text};
use hcs_emulator::{codes, layers, privileges, storage};
use windows_sys::core::GUID;

type Text = *const u16;

/// `WC_LAYER_DESCRIPTOR`.
#[repr(C)]
pub(crate) struct Descriptor {
    id: GUID,
    flags: u32,
    path: Text,
}

fn path(text: Text) -> PathBuf {
    // SAFETY: callers give what ends with a zero.
    PathBuf::from(unsafe { text::read(text) })
}

/// The parents, which must carry the ids of their names.
fn parents(list: *const Descriptor, count: u32) -> Result<Vec<PathBuf>, u32> {
    if list.is_null() || count == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: callers give as many descriptors as they say.
    let list = unsafe { std::slice::from_raw_parts(list, count as usize) };
    let parent = |descriptor: &Descriptor| {
        let path = path(descriptor.path);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (data1, data2, data3, data4) = layers::name_to_guid(&name).fields();
        let GUID { data1: a, data2: b, data3: c, data4: d } = descriptor.id;
        if (a, b, c, d) == (data1, data2, data3, data4) {
            Ok(path)
        } else {
            Err(codes::INVALID_ARGUMENT)
        }
    };
    list.iter().map(parent).collect()
}

/// A GUID's four fields.
trait Fields {
    fn fields(&self) -> (u32, u16, u16, [u8; 8]);
}

impl Fields for uuid::Uuid {
    fn fields(&self) -> (u32, u16, u16, [u8; 8]) {
        let (a, b, c, d) = self.as_fields();
        (a, b, c, *d)
    }
}

fn done(call: &str, work: impl FnOnce() -> Result<(), u32>) -> u32 {
    Client::on_layers(call, work)
}

/// What only those may do who may back up and restore files.
fn privileged(call: &str, work: impl FnOnce() -> Result<(), u32>) -> u32 {
    done(call, || privileges::needed().and_then(|()| work()))
}

/// Removes a layer.
#[unsafe(no_mangle)]
pub(crate) extern "system" fn DestroyLayer(_driver: *const c_void, layer: Text) -> u32 {
    privileged("DestroyLayer", || layers::destroy(&path(layer)))
}

macro_rules! on_layer {
    ($($name:ident $work:path)+) => {$(
        #[unsafe(no_mangle)]
        pub(crate) extern "system" fn $name(_driver: *const c_void, layer: Text) -> u32 {
            done(stringify!($name), || $work(&path(layer)))
        }
    )+};
}

on_layer! {
    ActivateLayer layers::activate
    DeactivateLayer layers::deactivate
    UnprepareLayer layers::unprepare
}

#[unsafe(no_mangle)]
pub(crate) extern "system" fn CreateSandboxLayer(
    _driver: *const c_void,
    layer: Text,
    _parent: usize,
    list: *const Descriptor,
    count: u32,
) -> u32 {
    done("CreateSandboxLayer", || layers::create_scratch(&path(layer), &parents(list, count)?))
}

#[unsafe(no_mangle)]
pub(crate) extern "system" fn PrepareLayer(
    _driver: *const c_void,
    layer: Text,
    list: *const Descriptor,
    count: u32,
) -> u32 {
    done("PrepareLayer", || layers::prepare(&path(layer), &parents(list, count)?))
}

#[unsafe(no_mangle)]
pub(crate) extern "system" fn CreateLayer(
    _driver: *const c_void,
    layer: Text,
    parent: Text,
) -> u32 {
    done("CreateLayer", || layers::create(&path(layer), &path(parent)))
}

#[unsafe(no_mangle)]
pub(crate) extern "system" fn CopyLayer(
    _driver: *const c_void,
    from: Text,
    to: Text,
    list: *const Descriptor,
    count: u32,
) -> u32 {
    done("CopyLayer", || {
        parents(list, count)?;
        layers::copy(&path(from), &path(to))
    })
}

#[unsafe(no_mangle)]
pub(crate) extern "system" fn ImportLayer(
    _driver: *const c_void,
    layer: Text,
    folder: Text,
    list: *const Descriptor,
    count: u32,
) -> u32 {
    privileged("ImportLayer", || {
        storage::import(&path(layer), &path(folder), &parents(list, count)?)
    })
}

#[unsafe(no_mangle)]
pub(crate) extern "system" fn ExportLayer(
    _driver: *const c_void,
    layer: Text,
    folder: Text,
    list: *const Descriptor,
    count: u32,
) -> u32 {
    privileged("ExportLayer", || {
        let layer = path(layer);
        let is_scratch = layer.join("sandbox.vhdx").exists();
        let options = if is_scratch { r#"{"IsWritableLayer":true}"# } else { "" };
        storage::export(&layer, &path(folder), &parents(list, count)?, options)
    })
}

macro_rules! on_image {
    ($($name:ident $work:path)+) => {$(
        #[unsafe(no_mangle)]
        pub(crate) extern "system" fn $name(image: Text) -> u32 {
            privileged(stringify!($name), || $work(&path(image)))
        }
    )+};
}

on_image! {
    ProcessBaseImage layers::process
    ProcessUtilityImage layers::process_machine
}

/// # Safety
///
/// `images` is a place.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn GetBaseImages(images: *mut *mut u16) -> u32 {
    done("GetBaseImages", || {
        // SAFETY: as the caller promises.
        unsafe { text::give(images, r#"{"Images":[]}"#) };
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub(crate) extern "system" fn GrantVmAccess(machine: Text, file: Text) -> u32 {
    // SAFETY: the text ends with a zero.
    done("GrantVmAccess", || layers::grant(&unsafe { text::read(machine) }, &path(file)))
}

#[unsafe(no_mangle)]
pub(crate) extern "system" fn ExpandSandboxSize(
    _driver: *const c_void,
    layer: Text,
    size: u64,
) -> u32 {
    done("ExpandSandboxSize", || layers::expand(&path(layer), size))
}

/// # Safety
///
/// `length` is a place; `buffer` is null or has room for so many characters.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn GetLayerMountPath(
    _driver: *const c_void,
    layer: Text,
    length: *mut usize,
    buffer: *mut u16,
) -> u32 {
    done("GetLayerMountPath", || {
        let volume = text::wide(&layers::volume(&path(layer))?);
        // SAFETY: as the caller promises.
        unsafe {
            if !buffer.is_null() {
                if *length < volume.len() {
                    return Err(codes::BUFFER_TOO_SMALL);
                }
                std::ptr::copy_nonoverlapping(volume.as_ptr(), buffer, volume.len());
            }
            *length = volume.len();
        }
        Ok(())
    })
}

/// # Safety
///
/// `exists` is a place.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn LayerExists(
    _driver: *const c_void,
    layer: Text,
    exists: *mut u32,
) -> u32 {
    // SAFETY: as the caller promises.
    unsafe { *exists = u32::from(path(layer).is_dir()) };
    codes::OK
}

/// # Safety
///
/// `id` is a place.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn NameToGuid(name: Text, id: *mut GUID) -> u32 {
    // SAFETY: the name ends with a zero.
    let name = unsafe { text::read(name) };
    let (data1, data2, data3, data4) = layers::name_to_guid(&name).fields();
    // SAFETY: as the caller promises.
    unsafe { *id = GUID { data1, data2, data3, data4 } };
    codes::OK
}
