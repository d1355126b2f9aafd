//! The layer functions of `vmcompute.dll`.
//!
//! They block for as long as disks take, and give no document: only a code.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use windows_sys::core::GUID;

use super::codes::{self, Refusal};
use super::library::Library;
use super::operation::Failed;
use super::text::wide;

static VMCOMPUTE: Library = Library::new("vmcompute.dll");

/// Which driver keeps the layers.
#[repr(C)]
struct DriverInfo {
    flavour: i32,
    home: *const u16,
}

/// The filter driver.
const FILTER: i32 = 1;

/// A parent, as the functions take it.
#[repr(C)]
struct Descriptor {
    id: GUID,
    flags: u32,
    path: *const u16,
}

macro_rules! call {
    ($name:literal as fn($($kind:ty),*), $($argument:expr),*) => {{
        let address = VMCOMPUTE.find($name)?;
        // SAFETY: this is the signature that the name has; pointers are good for the call.
        let result = unsafe {
            let call = std::mem::transmute::<
                unsafe extern "system" fn() -> isize,
                unsafe extern "system" fn($($kind),*) -> i32,
            >(address);
            call($($argument),*)
        };
        check($name, result.cast_unsigned())
    }};
}

fn check(name: &'static std::ffi::CStr, result: u32) -> Result<(), Failed> {
    if codes::failed(result) {
        let name = name.to_str().expect("a function's name is ASCII");
        return Err(Failed::Refused(Refusal::new(name, result, String::new())));
    }
    Ok(())
}

/// Parents with their ids, kept where the functions find them.
struct Parents {
    _paths: Vec<Vec<u16>>,
    descriptors: Vec<Descriptor>,
}

impl Parents {
    fn new(layers: &[PathBuf]) -> Result<Self, Failed> {
        let paths: Vec<Vec<u16>> = layers.iter().map(wide).collect();
        let describe = |(layer, path): (&PathBuf, &Vec<u16>)| {
            Ok(Descriptor { id: id(layer)?, flags: 0, path: path.as_ptr() })
        };
        let descriptors = layers.iter().zip(&paths).map(describe).collect::<Result<_, Failed>>()?;
        Ok(Self { _paths: paths, descriptors })
    }

    fn count(&self) -> u32 {
        u32::try_from(self.descriptors.len()).unwrap_or(u32::MAX)
    }
}

fn id(layer: &Path) -> Result<GUID, Failed> {
    let name = wide(layer.file_name().unwrap_or_default());
    let mut id = GUID::default();
    call!(c"NameToGuid" as fn(*const u16, *mut GUID), name.as_ptr(), &raw mut id)?;
    Ok(id)
}

/// A layer's id as a document names it.
pub(super) fn name(layer: &Path) -> Result<String, Failed> {
    let GUID { data1, data2, data3, data4 } = id(layer)?;
    Ok(uuid::Uuid::from_fields(data1, data2, data3, &data4).to_string())
}

/// With the driver's description, and the layer's path.
fn with_layer<T>(
    layer: &Path,
    work: impl FnOnce(*const DriverInfo, *const u16) -> Result<T, Failed>,
) -> Result<T, Failed> {
    let (home, path) = (wide(""), wide(layer));
    let info = DriverInfo { flavour: FILTER, home: home.as_ptr() };
    work(&raw const info, path.as_ptr())
}

macro_rules! simple {
    ($($(#[$doc:meta])* $function:ident $name:literal)+) => {$(
        $(#[$doc])*
        pub(super) fn $function(layer: &Path) -> Result<(), Failed> {
            with_layer(layer, |info, path| {
                call!($name as fn(*const DriverInfo, *const u16), info, path)
            })
        }
    )+};
}

simple! {
    /// Attaches its disk.
    activate c"ActivateLayer"
    /// Detaches it.
    deactivate c"DeactivateLayer"
    /// Removes it with all that is in it.
    destroy c"DestroyLayer"
    /// Takes the filter off.
    unprepare c"UnprepareLayer"
}

/// Makes a base layer one that scratches can stand on.
pub(super) fn process_base(layer: &Path) -> Result<(), Failed> {
    let path = wide(layer);
    call!(c"ProcessBaseImage" as fn(*const u16), path.as_ptr())
}

/// Makes a scratch over `parents`, the nearest first.
pub(super) fn create_scratch(scratch: &Path, parents: &[PathBuf]) -> Result<(), Failed> {
    type Arguments = (usize, *const Descriptor, u32);
    let parents = Parents::new(parents)?;
    let (none, list, count): Arguments = (0, parents.descriptors.as_ptr(), parents.count());
    with_layer(scratch, |info, path| {
        call!(
            c"CreateSandboxLayer"
                as fn(*const DriverInfo, *const u16, usize, *const Descriptor, u32),
            info,
            path,
            none,
            list,
            count
        )
    })
}

/// Gives a scratch, and the volume on it, more room.
pub(super) fn expand(scratch: &Path, size: u64) -> Result<(), Failed> {
    with_layer(scratch, |info, path| {
        call!(c"ExpandSandboxSize" as fn(*const DriverInfo, *const u16, u64), info, path, size)
    })
}

/// Puts the filter over an active scratch.
pub(super) fn prepare(scratch: &Path, parents: &[PathBuf]) -> Result<(), Failed> {
    // Windows fails when two of these meet.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let parents = Parents::new(parents)?;
    let (list, count) = (parents.descriptors.as_ptr(), parents.count());
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    with_layer(scratch, |info, path| {
        call!(
            c"PrepareLayer" as fn(*const DriverInfo, *const u16, *const Descriptor, u32),
            info,
            path,
            list,
            count
        )
    })
}

/// The volume of an active scratch: `\\?\Volume{guid}`.
pub(super) fn volume(scratch: &Path) -> Result<String, Failed> {
    with_layer(scratch, |info, path| {
        let mut length = 0usize;
        let none: *mut u16 = std::ptr::null_mut();
        call!(
            c"GetLayerMountPath" as fn(*const DriverInfo, *const u16, *mut usize, *mut u16),
            info,
            path,
            &raw mut length,
            none
        )?;
        let mut text = vec![0u16; length.max(1)];
        call!(
            c"GetLayerMountPath" as fn(*const DriverInfo, *const u16, *mut usize, *mut u16),
            info,
            path,
            &raw mut length,
            text.as_mut_ptr()
        )?;
        let end = text.iter().position(|unit| *unit == 0).unwrap_or(text.len());
        Ok(String::from_utf16_lossy(&text[..end]))
    })
}
