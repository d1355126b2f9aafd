//! Random bytes of the Linux kernel beneath, or of Wine where calls do not reach it.

#![expect(unsafe_code, reason = "asks the kernel beneath, and Wine's own modules")]

use std::arch::asm;

use windows_sys::Win32::System::LibraryLoader::{GetProcAddress, LoadLibraryW};

const SYS_GETRANDOM: usize = 318;
const EINTR: isize = -4;

/// Fills `data` with `len` random bytes; never fails, as Windows promises.
///
/// # Safety
///
/// `data` is writable for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn ProcessPrng(data: *mut u8, len: usize) -> i32 {
    let mut done = 0;
    while done < len {
        // SAFETY: the rest of the caller's buffer.
        let result = unsafe { getrandom(data.add(done), len - done) };
        match usize::try_from(result) {
            Ok(count) => done += count,
            Err(_) if result == EINTR => {}
            // SAFETY: the rest of the caller's buffer.
            Err(_) => return unsafe { ask_wine(data.add(done), len - done) },
        }
    }
    1
}

/// # Safety
///
/// `data` is writable for `len` bytes.
unsafe fn getrandom(data: *mut u8, len: usize) -> isize {
    let result: isize;
    // SAFETY: the caller vouches for the buffer; `syscall` itself clobbers only rcx and r11.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") SYS_GETRANDOM => result,
            in("rdi") data, in("rsi") len, in("rdx") 0,
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    result
}

/// `RtlGenRandom`, under the only name that it is exported by.
///
/// # Safety
///
/// `data` is writable for `len` bytes.
unsafe fn ask_wine(data: *mut u8, len: usize) -> i32 {
    type GenRandom = unsafe extern "system" fn(*mut u8, u32) -> u8;
    let name: Vec<u16> = "advapi32.dll\0".encode_utf16().collect();
    // SAFETY: the names are zero-terminated; the export has this type.
    let call = unsafe {
        let module = LoadLibraryW(name.as_ptr());
        let address = GetProcAddress(module, c"SystemFunction036".as_ptr().cast());
        // A program that asked for a seed must not go on with a guessable one.
        let Some(address) = address else { std::process::abort() };
        std::mem::transmute::<unsafe extern "system" fn() -> isize, GenRandom>(address)
    };
    let mut done = 0;
    while done < len {
        let count = u32::try_from(len - done).unwrap_or(u32::MAX);
        // SAFETY: the rest of the caller's buffer.
        if unsafe { call(data.add(done), count) } == 0 {
            std::process::abort();
        }
        done += count as usize;
    }
    1
}
