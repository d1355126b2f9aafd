//! Which program a command line starts.
//!
//! A quoted program is looked up as it stands. Else the words are tried one by one together, as
//! `CreateProcess` does, since a path with blanks needs no quotes; but beneath the working directory
//! and the new process' own `PATH`.

use std::path::{Path, PathBuf};

use windows_sys::Win32::Storage::FileSystem::SearchPathW;
use windows_sys::Win32::System::SystemInformation::{GetSystemDirectoryW, GetWindowsDirectoryW};

use super::super::text::wide;
use crate::error::ErrorKind;
use schema::guest::Failure;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The program's file.
    pub(super) program: PathBuf,
    /// The command line, with the program quoted where it has blanks.
    pub(super) line: String,
}

/// Finds the program of `line`; `path` is the new process' own.
pub(super) fn resolve(line: &str, folder: &Path, path: &str) -> Result<Found, ErrorKind> {
    let places = places(folder, path);
    let look = |name: &str| look_up(name, &places);
    if let Some(inner) = line.trim_start().strip_prefix('"') {
        let Some((name, _)) = inner.split_once('"') else {
            return Err(failure(87, "no ending quotation mark found in command"));
        };
        let program = look(name).ok_or_else(|| missing(line))?;
        return Ok(Found { program, line: line.to_owned() });
    }
    let words = words(line);
    for count in 1..=words.len() {
        let name = words[..count].join(" ");
        let Some(program) = look(&name) else { continue };
        if count == 1 {
            return Ok(Found { program, line: line.to_owned() });
        }
        let mut quoted = format!("\"{name}\"");
        for word in &words[count..] {
            quoted.push(' ');
            quoted.push_str(word);
        }
        return Ok(Found { program, line: quoted });
    }
    Err(missing(line))
}

fn missing(line: &str) -> ErrorKind {
    failure(2, &format!("failed to find executable \"{line}\""))
}

fn failure(code: u32, message: &str) -> ErrorKind {
    ErrorKind::Guest(Failure { code, message: message.to_owned() })
}

/// The working directory, the process' `PATH`, then Windows' own folders.
fn places(folder: &Path, path: &str) -> String {
    let system = windows_folder(GetSystemDirectoryW);
    let windows = windows_folder(GetWindowsDirectoryW);
    [folder.display().to_string(), path.to_owned(), system, format!("{windows}\\System"), windows]
        .into_iter()
        .filter(|place| !place.is_empty())
        .collect::<Vec<_>>()
        .join(";")
}

fn windows_folder(ask: unsafe extern "system" fn(*mut u16, u32) -> u32) -> String {
    let mut text = [0_u16; 260];
    // SAFETY: the text has the place that it is said to have.
    let length = unsafe { ask(text.as_mut_ptr(), 260) } as usize;
    String::from_utf16_lossy(text.get(..length).unwrap_or_default())
}

fn look_up(name: &str, places: &str) -> Option<PathBuf> {
    let name = name.replace('/', "\\");
    let (places, name, extension) = (wide(places), wide(name), wide(".exe"));
    let mut found = vec![0_u16; 1024];
    let room = u32::try_from(found.len()).expect("a short buffer");
    // SAFETY: the texts end with zeros, and the answer has the place that it is said to have.
    let length = unsafe {
        SearchPathW(
            places.as_ptr(),
            name.as_ptr(),
            extension.as_ptr(),
            room,
            found.as_mut_ptr(),
            std::ptr::null_mut(),
        )
    } as usize;
    let path = PathBuf::from(String::from_utf16_lossy(found.get(..length)?));
    (length > 0 && path.is_file()).then_some(path)
}

/// Words at blanks; a quoted group stays together.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quoted) = (String::new(), false);
    for character in line.chars() {
        match character {
            '"' => {
                quoted = !quoted;
                word.push(character);
            }
            ' ' | '\t' if !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            other => word.push(other),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(line: &str, folder: &Path, path: &str) -> Option<(String, String)> {
        let found = resolve(line, folder, path).ok()?;
        let name = found.program.file_name()?.to_str()?.to_lowercase();
        Some((name, found.line))
    }

    #[test]
    fn a_program_is_found_in_windows_own_folders() {
        let windows = Path::new(r"C:\windows");
        for line in ["cmd /c ver", "cmd", r"system32\cmd /c x", "system32/cmd.exe", "\"cmd\" /c x"]
        {
            let (name, same) = program(line, windows, "").unwrap();
            assert_eq!((name.as_str(), same.as_str()), ("cmd.exe", line));
        }
        assert!(program("no-such-program-here x", windows, "").is_none());
        assert!(program("\"cmd /c ver", windows, "").is_none());
    }

    #[test]
    fn a_name_with_blanks_is_found_and_quoted() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["test.exe", "test 2.exe", "exe with space.exe"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let find = |line: &str| program(line, folder.path(), "").unwrap();
        assert_eq!(
            find("exe with space.exe  a b"),
            ("exe with space.exe".into(), "\"exe with space.exe\" a b".into())
        );
        assert_eq!(find("test 2"), ("test.exe".into(), "test 2".into()));
        assert_eq!(find("\"test 2.exe\" x"), ("test 2.exe".into(), "\"test 2.exe\" x".into()));
        let by_path = program("test", Path::new(r"C:\"), &folder.path().display().to_string());
        assert_eq!(by_path.unwrap().0, "test.exe");
    }
}
