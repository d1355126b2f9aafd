#![expect(unsafe_code, reason = "the allocator and the program's own mapping are C's")]

//! What this process holds in memory and could do without.

use std::ffi::{c_int, c_void};
use std::ops::Range;

use libc::{PF_W, PT_LOAD, dl_phdr_info};

/// Gives back what this process does not need while it waits: memory that was freed, and the pages of
/// its program, which come back from the page cache as they are used.
///
/// The kernel maps a dozen pages around each that is touched, and leaves them mapped for as long as
/// there is memory: a program that has run each of its parts once holds all of itself.
pub fn let_go() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it may be called at any time, and takes the allocator's own locks.
    unsafe {
        libc::malloc_trim(0);
    }
    for pages in clean_pages() {
        // SAFETY: these pages were mapped from the program's file and nobody can write to them, so
        // that whoever reads or runs them finds the same again. Refused, they stay.
        unsafe {
            let start = std::ptr::without_provenance_mut(pages.start);
            libc::madvise(start, pages.len(), libc::MADV_DONTNEED);
        }
    }
}

/// The whole pages of the program that have nothing in them but what is in its file.
fn clean_pages() -> Vec<Range<usize>> {
    let mut pages = Vec::new();
    // SAFETY: the callback is given this vector, and keeps neither it nor what the loader shows it.
    unsafe {
        libc::dl_iterate_phdr(Some(clean_pages_of), (&raw mut pages).cast());
    }
    pages
}

/// Called for the program first; its libraries are shared with most processes of the host.
unsafe extern "C" fn clean_pages_of(
    info: *mut dl_phdr_info,
    _size: usize,
    pages: *mut c_void,
) -> c_int {
    const STOP: c_int = 1;
    // SAFETY: the loader's description is whole while this runs; the vector is [`clean_pages`]'.
    let (base, headers, pages) = unsafe {
        let info = &*info;
        let headers = std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into());
        (info.dlpi_addr, headers, &mut *pages.cast::<Vec<Range<usize>>>())
    };
    // Never writable: what the loader wrote to before it closed it is in a part that was.
    let clean = headers.iter().filter(|part| part.p_type == PT_LOAD && part.p_flags & PF_W == 0);
    pages.extend(clean.filter_map(|part| whole_pages(base + part.p_vaddr, part.p_memsz)));
    STOP
}

/// Of the last one, another part of the program may have the rest.
fn whole_pages(start: u64, length: u64) -> Option<Range<usize>> {
    let page = page_size();
    let start = usize::try_from(start).ok()?;
    let end = start.checked_add(usize::try_from(length).ok()?)?;
    let pages = start.next_multiple_of(page)..end & !(page - 1);
    (!pages.is_empty()).then_some(pages)
}

fn page_size() -> usize {
    // SAFETY: it only asks.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).expect("pages have a size")
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// What is resident of the mapping that begins with these pages, in KiB.
    fn resident(pages: &Range<usize>) -> u64 {
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let ends = |line: &str| {
            let (_, rest) = line.split_once('-')?;
            usize::from_str_radix(rest.split_once(' ')?.0, 16).ok()
        };
        let before = |line: &&str| ends(line).is_none_or(|end| end <= pages.start);
        let mut mapping = maps.lines().skip_while(before);
        let size = mapping.find_map(|line| line.strip_prefix("Rss:")).unwrap();
        size.trim().trim_end_matches(" kB").parse().unwrap()
    }

    #[test]
    fn a_program_that_let_go_holds_less_of_itself_and_runs_on() {
        static WRITTEN: Mutex<String> = Mutex::new(String::new());
        let text = format!("{:?}", clean_pages());
        WRITTEN.lock().unwrap().push_str(&text);
        let code = clean_pages().into_iter().max_by_key(ExactSizeIterator::len).unwrap();
        let before = resident(&code);
        let_go();
        let after = resident(&code);
        assert!(after < before, "{before} KiB before, {after} KiB after");
        assert_eq!(*WRITTEN.lock().unwrap(), text);
        assert_eq!(format!("{:?}", clean_pages()), text);
    }

    #[test]
    fn only_whole_pages_are_let_go() {
        let page = u64::try_from(page_size()).unwrap();
        let whole = |start, length| {
            let pages = whole_pages(start, length)?;
            Some((u64::try_from(pages.start).unwrap(), u64::try_from(pages.end).unwrap()))
        };
        assert_eq!(whole(page, 2 * page), Some((page, 3 * page)));
        assert_eq!(whole(page + 1, 2 * page), Some((2 * page, 3 * page)));
        assert_eq!(whole(page, 2 * page + 1), Some((page, 3 * page)));
        assert_eq!(whole(page + 1, page), None);
        assert_eq!(whole(page, u64::MAX), None);
    }
}
