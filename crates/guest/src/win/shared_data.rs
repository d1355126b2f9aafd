//! The page that the kernel shares with every process (`KUSER_SHARED_DATA`): the version and the
//! processor's features, which programs and their run-time libraries read without a call.

use std::arch::x86_64::{__cpuid, __cpuid_count};

use schema::guest::Failure;
use windows_sys::Wdk::Foundation::OBJECT_ATTRIBUTES;
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::Memory::{
    FILE_MAP_WRITE, MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile, UnmapViewOfFile,
};
use windows_sys::Win32::System::SystemInformation::{
    GlobalMemoryStatusEx, MEMORYSTATUSEX, OSVERSIONINFOEXW,
};

use super::handle::Handle;
use super::{boot, error, hardware};

#[link(name = "ntdll")]
unsafe extern "system" {
    fn NtOpenSection(section: *mut HANDLE, access: u32, name: *const OBJECT_ATTRIBUTES) -> i32;
    fn RtlGetVersion(version: *mut OSVERSIONINFOEXW) -> i32;
}

/// Offsets within the page, the same in every Windows since 10.
mod at {
    pub(super) const TICK_COUNT_MULTIPLIER: usize = 0x4;
    pub(super) const SYSTEM_ROOT: usize = 0x30;
    pub(super) const LARGE_PAGE_MINIMUM: usize = 0x244;
    pub(super) const BUILD: usize = 0x260;
    pub(super) const PRODUCT_TYPE: usize = 0x264;
    pub(super) const PRODUCT_TYPE_IS_VALID: usize = 0x268;
    pub(super) const ARCHITECTURE: usize = 0x26a;
    pub(super) const MAJOR: usize = 0x26c;
    pub(super) const MINOR: usize = 0x270;
    pub(super) const FEATURES: usize = 0x274;
    pub(super) const NX_SUPPORT: usize = 0x2d5;
    pub(super) const PHYSICAL_PAGES: usize = 0x2e8;
    pub(super) const PROCESSORS: usize = 0x3c0;
    pub(super) const GROUPS: usize = 0x3c4;
    pub(super) const XSTATE: usize = 0x3d8;
}

/// Fills what Wine leaves to its boot program. A Wine that did it already is left alone.
pub(super) fn fill() -> Result<(), Failure> {
    let page = Page::map()?;
    if page.read_u32(at::MAJOR) == 0 {
        page.write_version();
        page.write_machine();
        page.write_features();
        page.write_xstate();
    }
    Ok(())
}

struct Page(MEMORY_MAPPED_VIEW_ADDRESS);

impl Page {
    const SIZE: usize = 0x1000;

    fn map() -> Result<Self, Failure> {
        const SECTION_ALL_ACCESS: u32 = 0x000F_001F;
        let section = boot::with_object(r"\KernelObjects\__wine_user_shared_data", 0, |name| {
            let mut section = std::ptr::null_mut();
            // SAFETY: the name lives for the call.
            let status = unsafe { NtOpenSection(&raw mut section, SECTION_ALL_ACCESS, name) };
            Handle::own(section).ok_or_else(|| error::from_status(status, "opening shared data"))
        })?;
        // SAFETY: the section is one page.
        let view = unsafe { MapViewOfFile(section.raw(), FILE_MAP_WRITE, 0, 0, Self::SIZE) };
        if view.Value.is_null() { Err(error::last("mapping shared data")) } else { Ok(Self(view)) }
    }

    fn write<T>(&self, offset: usize, value: T) {
        assert!(offset + size_of::<T>() <= Self::SIZE, "{offset:#x} is beyond the page");
        // SAFETY: within the mapped page; other processes read it and nobody else writes.
        unsafe { self.0.Value.byte_add(offset).cast::<T>().write_unaligned(value) };
    }

    fn read_u32(&self, offset: usize) -> u32 {
        assert!(offset + 4 <= Self::SIZE, "{offset:#x} is beyond the page");
        // SAFETY: within the mapped page.
        unsafe { self.0.Value.byte_add(offset).cast::<u32>().read_unaligned() }
    }

    fn write_version(&self) {
        // SAFETY: all of its fields may be zero; the call fills it.
        let version = unsafe {
            let mut version: OSVERSIONINFOEXW = std::mem::zeroed();
            version.dwOSVersionInfoSize =
                u32::try_from(size_of::<OSVERSIONINFOEXW>()).expect("it is 284");
            RtlGetVersion(&raw mut version);
            version
        };
        self.write(at::BUILD, version.dwBuildNumber);
        self.write(at::PRODUCT_TYPE, u32::from(version.wProductType));
        self.write(at::PRODUCT_TYPE_IS_VALID, 1u8);
        self.write(at::MINOR, version.dwMinorVersion);
        self.write(at::MAJOR, version.dwMajorVersion);
    }

    fn write_machine(&self) {
        const AMD64: u16 = 9;
        const NX_OPT_IN: u8 = 2;
        self.write(at::TICK_COUNT_MULTIPLIER, 1u32 << 24);
        self.write(at::LARGE_PAGE_MINIMUM, 2u32 << 20);
        self.write(at::ARCHITECTURE, AMD64);
        self.write(at::NX_SUPPORT, NX_OPT_IN);
        self.write(at::PHYSICAL_PAGES, physical_pages());
        self.write(at::PROCESSORS, hardware::processor_count());
        self.write(at::GROUPS, 1u8);
        for (index, unit) in r"C:\windows".encode_utf16().enumerate() {
            self.write(at::SYSTEM_ROOT + 2 * index, unit);
        }
    }

    /// One byte a feature, numbered as `IsProcessorFeaturePresent` takes them.
    fn write_features(&self) {
        const FAST_FAIL: usize = 23;
        let (one, seven) = (__cpuid(1), __cpuid_count(7, 0));
        let extended = __cpuid(0x8000_0001);
        for (feature, register, bit) in [
            (2, one.edx, 8),        // compare and exchange 8 bytes
            (3, one.edx, 23),       // MMX
            (6, one.edx, 25),       // SSE
            (7, extended.edx, 31),  // 3DNow!
            (8, one.edx, 4),        // time stamp counter
            (9, one.edx, 6),        // physical address extension
            (10, one.edx, 26),      // SSE2
            (11, one.edx, 26),      // denormals are zero
            (12, extended.edx, 20), // no-execute
            (13, one.ecx, 0),       // SSE3
            (14, one.ecx, 13),      // compare and exchange 16 bytes
            (17, one.ecx, 27),      // XSAVE, enabled by the system
            (22, seven.ebx, 0),     // FS and GS base instructions
            (28, one.ecx, 30),      // RDRAND
            (32, extended.edx, 27), // RDTSCP
            (36, one.ecx, 9),       // SSSE3
            (37, one.ecx, 19),      // SSE4.1
            (38, one.ecx, 20),      // SSE4.2
            (39, one.ecx, 28),      // AVX
            (40, seven.ebx, 5),     // AVX2
        ] {
            self.write(at::FEATURES + feature, u8::from(register >> bit & 1 == 1));
        }
        self.write(at::FEATURES + FAST_FAIL, 1u8);
    }

    /// How much of the extended state Wine saves: up to AVX.
    fn write_xstate(&self) {
        const LEGACY_SIZE: u32 = 512;
        const HEADER_SIZE: u32 = 64;
        const YMM_SIZE: u32 = 256;
        const XMM_OFFSET: u32 = 160;
        let one = __cpuid(1);
        if one.ecx >> 27 & 1 == 0 || one.ecx >> 28 & 1 == 0 || __cpuid(0).eax < 0xd {
            return;
        }
        let (size, compaction) = (__cpuid_count(0xd, 0), __cpuid_count(0xd, 1));
        let enabled: u64 = 0b111;
        self.write(at::XSTATE, enabled);
        self.write(at::XSTATE + 8, enabled);
        self.write(at::XSTATE + 16, LEGACY_SIZE + HEADER_SIZE + YMM_SIZE);
        self.write(at::XSTATE + 20, compaction.eax & 0b11);
        let features = [(0, XMM_OFFSET), (XMM_OFFSET, 256), (LEGACY_SIZE + HEADER_SIZE, YMM_SIZE)];
        for (index, (offset, length)) in features.into_iter().enumerate() {
            self.write(at::XSTATE + 24 + 8 * index, offset);
            self.write(at::XSTATE + 28 + 8 * index, length);
            self.write(at::XSTATE + 556 + 4 * index, length);
        }
        self.write(at::XSTATE + 552, size.ebx);
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // SAFETY: mapped by this value.
        unsafe { UnmapViewOfFile(self.0) };
    }
}

fn physical_pages() -> u32 {
    // SAFETY: all of its fields may be zero; the call fills it.
    let memory = unsafe {
        let mut memory: MEMORYSTATUSEX = std::mem::zeroed();
        memory.dwLength = u32::try_from(size_of::<MEMORYSTATUSEX>()).expect("it is 64");
        GlobalMemoryStatusEx(&raw mut memory);
        memory
    };
    u32::try_from(memory.ullTotalPhys >> 12).unwrap_or(u32::MAX)
}
