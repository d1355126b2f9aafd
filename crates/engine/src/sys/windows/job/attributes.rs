//! What a process is started with beside its command line: its job, its console, and the handles that
//! it inherits.

use std::io;
use std::ptr;

use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::Console::HPCON;
use windows_sys::Win32::System::Threading::{
    DeleteProcThreadAttributeList, InitializeProcThreadAttributeList, LPPROC_THREAD_ATTRIBUTE_LIST,
    PROC_THREAD_ATTRIBUTE_HANDLE_LIST, PROC_THREAD_ATTRIBUTE_JOB_LIST,
    PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE, UpdateProcThreadAttribute,
};

/// No process has more.
const MOST: u32 = 2;

/// An attribute list. Windows reads what it points at when the process is made.
pub(super) struct Attributes {
    space: Vec<u64>,
    handles: Vec<Box<[HANDLE]>>,
}

impl Attributes {
    pub(super) fn new() -> io::Result<Self> {
        let mut size = 0;
        // SAFETY: without a list it only tells its size.
        unsafe { InitializeProcThreadAttributeList(ptr::null_mut(), MOST, 0, &raw mut size) };
        let mut list = Self { space: vec![0; size.div_ceil(8)], handles: Vec::new() };
        // SAFETY: the space is as large as was asked for.
        let done = unsafe { InitializeProcThreadAttributeList(list.raw(), MOST, 0, &raw mut size) };
        if done == 0 { Err(io::Error::last_os_error()) } else { Ok(list) }
    }

    /// It is in this job from its first instruction on.
    pub(super) fn job(&mut self, job: HANDLE) -> io::Result<()> {
        self.add_handles(PROC_THREAD_ATTRIBUTE_JOB_LIST, Box::new([job]))
    }

    /// It inherits these, and no other.
    pub(super) fn inherited(&mut self, handles: [HANDLE; 3]) -> io::Result<()> {
        self.add_handles(PROC_THREAD_ATTRIBUTE_HANDLE_LIST, Box::new(handles))
    }

    /// It is on this console. The attribute is the console's handle itself.
    pub(super) fn console(&mut self, console: HPCON) -> io::Result<()> {
        let value = ptr::without_provenance(console.cast_unsigned());
        self.add(PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE, value, size_of::<HPCON>())
    }

    fn add_handles(&mut self, attribute: u32, handles: Box<[HANDLE]>) -> io::Result<()> {
        let (value, size) = (handles.as_ptr().cast(), size_of_val(&*handles));
        self.handles.push(handles);
        self.add(attribute, value, size)
    }

    fn add(
        &mut self,
        attribute: u32,
        value: *const core::ffi::c_void,
        size: usize,
    ) -> io::Result<()> {
        // SAFETY: the list was made with room for it, and the handles live as long as the list.
        let done = unsafe {
            UpdateProcThreadAttribute(
                self.raw(),
                0,
                attribute as usize,
                value,
                size,
                ptr::null_mut(),
                ptr::null(),
            )
        };
        if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Good while the list lives.
    pub(super) fn raw(&mut self) -> LPPROC_THREAD_ATTRIBUTE_LIST {
        self.space.as_mut_ptr().cast()
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: it was initialised, or is all zeros.
        unsafe { DeleteProcThreadAttributeList(self.raw()) };
    }
}
