//! The functions that this process' program imports, by name: one can be put in another's place.

#![expect(unsafe_code, reason = "a program is read as it lies in memory")]

use std::ffi::{CStr, c_void};

use windows_sys::Win32::System::LibraryLoader::GetModuleHandleW;
use windows_sys::Win32::System::Memory::{PAGE_READWRITE, VirtualProtect};

/// Where a program says where its headers are.
const HEADERS: usize = 0x3c;
/// In the headers of a 64-bit program: where its imports are.
const IMPORTS: usize = 0x90;
/// An entry is a number and no name.
const BY_NUMBER: usize = 1 << 63;

/// What a program imports of one DLL.
#[repr(C)]
struct Descriptor {
    names: u32,
    time: u32,
    forwarders: u32,
    dll: u32,
    addresses: u32,
}

/// Has the program call `instead` of what it imports by this name, of whichever DLL.
#[expect(clippy::cast_ptr_alignment, reason = "Windows reads them where they are")]
pub(crate) fn take(name: &CStr, instead: *const c_void) {
    // SAFETY: without a name this is the program itself, which stays loaded; Windows has read its
    // headers in the same way.
    unsafe {
        let program = GetModuleHandleW(std::ptr::null()).cast::<u8>();
        let headers = program.add(program.add(HEADERS).cast::<u32>().read_unaligned() as usize);
        let imports = headers.add(IMPORTS).cast::<u32>().read_unaligned() as usize;
        let mut descriptor = program.add(imports).cast::<Descriptor>();
        while (*descriptor).dll != 0 {
            take_of(program, &*descriptor, name, instead);
            descriptor = descriptor.add(1);
        }
    }
}

/// # Safety
///
/// The descriptor is one of the program's.
#[expect(clippy::cast_ptr_alignment, reason = "Windows reads them where they are")]
unsafe fn take_of(program: *mut u8, descriptor: &Descriptor, name: &CStr, instead: *const c_void) {
    // SAFETY: names and addresses are lists of the same length, of which the names end with a zero.
    unsafe {
        let mut names = program.add(descriptor.names as usize).cast::<usize>();
        let mut address = program.add(descriptor.addresses as usize).cast::<*const c_void>();
        while *names != 0 {
            // Two bytes of a hint are before each name.
            if *names & BY_NUMBER == 0 && CStr::from_ptr(program.add(*names + 2).cast()) == name {
                put(address, instead);
            }
            names = names.add(1);
            address = address.add(1);
        }
    }
}

/// # Safety
///
/// The place is an import's.
unsafe fn put(place: *mut *const c_void, address: *const c_void) {
    let mut before = 0;
    // SAFETY: the caller promises the place, which is written while it may be.
    unsafe {
        if VirtualProtect(place.cast(), size_of_val(&address), PAGE_READWRITE, &raw mut before) != 0
        {
            place.write(address);
            VirtualProtect(place.cast(), size_of_val(&address), before, &raw mut before);
        }
    }
}
