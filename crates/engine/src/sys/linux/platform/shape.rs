//! Turns the files that Wine made into those of a Windows container.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::prefix::Prefix;
use super::wine::Wine;
use super::{doing, link};

const SYSTEM32: &str = "windows/system32";
const USERS: &[&str] = &["ContainerAdministrator", "ContainerUser", "Default"];
/// Folders of a profile.
const PROFILE: &[&str] = &[
    "AppData/Local/Microsoft/Windows",
    "AppData/Local/Temp",
    "AppData/LocalLow",
    "AppData/Roaming/Microsoft/Windows",
    "Desktop",
    "Documents",
    "Downloads",
    "Favorites",
    "Links",
    "Music",
    "Pictures",
    "Saved Games",
    "Videos",
];
/// Folders that every Windows has and Wine leaves out.
const FOLDERS: &[&str] = &[
    "windows/system32/config/systemprofile/AppData/Local",
    "windows/system32/config/systemprofile/AppData/Roaming",
    "windows/system32/drivers/etc",
    "windows/system32/WindowsPowerShell/v1.0",
    "windows/ServiceProfiles/LocalService",
    "windows/ServiceProfiles/NetworkService",
    "windows/temp",
    "users/Public/Downloads",
];
/// What only a desktop has.
const REMOVED: &[&str] = &["windows/system32/winemenubuilder.exe"];
/// What Wine has only empty programs of.
const EMPTY: &[&str] = &["setx.exe", "WindowsPowerShell/v1.0/powershell.exe"];
/// Wine's boot program, whose work the guest does.
const BOOT_PROGRAM: &str = "windows/system32/wineboot.exe";

/// Moves the shaped files to `into/drive_c` and the registry to `into/registry`.
pub(super) fn shape(
    wine: &Wine,
    prefix: &Prefix<'_>,
    guest_exe: &Path,
    into: &Path,
) -> io::Result<()> {
    let drive_c = into.join("drive_c");
    std::fs::rename(prefix.drive_c(), &drive_c)?;
    for path in REMOVED {
        remove_if_there(&drive_c.join(path))?;
    }
    refuse_boot_program(&drive_c.join(BOOT_PROGRAM))?;
    profiles(&drive_c)?;
    for folder in FOLDERS {
        std::fs::create_dir_all(drive_c.join(folder))?;
    }
    install(guest_exe, &drive_c.join(SYSTEM32))?;
    refuse_links(&drive_c)?;
    share_with_wine(wine, &drive_c.join(SYSTEM32))?;
    registry(prefix, &into.join("registry"))
}

/// Puts a program in the boot program's place that Wine refuses to start, and goes on without.
/// Where there is none, Wine looks among its own, and pays for a whole process to find none there.
fn refuse_boot_program(path: &Path) -> io::Result<()> {
    // A header without a program behind it.
    let mut header = [0; 64];
    header[..2].copy_from_slice(b"MZ");
    remove_if_there(path)?;
    std::fs::write(path, header).map_err(|error| doing("writing", path, &error))
}

/// Real folders for each account; Wine's own profile layout has some at places of its own.
fn profiles(drive_c: &Path) -> io::Result<()> {
    for user in USERS {
        for folder in PROFILE {
            std::fs::create_dir_all(drive_c.join("users").join(user).join(folder))?;
        }
    }
    Ok(())
}

/// The guest, also under the names of programs that Wine only has empty ones of, which say that all
/// went well, and the module that a Wine before 10 lacks.
fn install(guest_exe: &Path, system32: &Path) -> io::Result<()> {
    let guest = system32.join("transom-guest.exe");
    put(guest_exe, &guest)?;
    for empty in EMPTY {
        let program = system32.join(empty);
        remove_if_there(&program)?;
        std::fs::hard_link(&guest, &program).map_err(|error| doing("making", &program, &error))?;
    }
    let missing = "bcryptprimitives.dll";
    let ours = guest_exe.with_file_name(missing);
    if !system32.join(missing).exists() && ours.is_file() {
        put(&ours, &system32.join(missing))?;
    }
    Ok(())
}

/// A copy of our own, readable by all and startable.
fn put(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::copy(from, to).map_err(|error| doing("installing", from, &error))?;
    std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o755))
}

/// A link could lead out of the layer to a place of the host; Wine makes none in an empty home.
fn refuse_links(directory: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_symlink() {
            std::fs::remove_file(entry.path())?;
            std::fs::create_dir(entry.path())?;
        } else if kind.is_dir() {
            refuse_links(&entry.path())?;
        }
    }
    Ok(())
}

/// Most of `system32` is Wine's modules again.
fn share_with_wine(wine: &Wine, system32: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(system32)? {
        let entry = entry?;
        let original = wine.windows.join(entry.file_name());
        if entry.file_type()?.is_file() && original.is_file() {
            link::share(&original, &entry.path())?;
        }
    }
    Ok(())
}

fn registry(prefix: &Prefix<'_>, into: &Path) -> io::Result<()> {
    std::fs::create_dir(into)?;
    for name in ["system.reg", "user.reg", "userdef.reg"] {
        std::fs::rename(prefix.registry(name), into.join(name))?;
    }
    Ok(())
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(doing("removing", path, &error))
        }
        _ => Ok(()),
    }
}
