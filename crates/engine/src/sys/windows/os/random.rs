//! Random bytes.

use windows_sys::Win32::Security::Cryptography::{
    BCRYPT_USE_SYSTEM_PREFERRED_RNG, BCryptGenRandom,
};

/// Fills `bytes` with random ones.
pub fn fill(bytes: &mut [u8]) {
    let length = u32::try_from(bytes.len()).expect("a few bytes");
    // SAFETY: the bytes are as many as they are said to be.
    let status = unsafe {
        BCryptGenRandom(
            std::ptr::null_mut(),
            bytes.as_mut_ptr(),
            length,
            BCRYPT_USE_SYSTEM_PREFERRED_RNG,
        )
    };
    assert!(status >= 0, "Windows has no random bytes: {status:#x}");
}
