//! The root file system of a silo: Wine and what it needs, at the paths that the host has.
//!
//! Nothing else of the host is in it. `/etc` is ours; the directories that a silo mounts over are
//! there and empty. The libraries are those that the host's dynamic linker itself names, so its
//! search rules are not written down a second time here.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::wine::Wine;
use super::{doing, fonts, link};

/// Fixed by the ABI.
const LINKER: &str = "/lib64/ld-linux-x86-64.so.2";
/// Linux halves of modules that a container has a use for; the others draw, play, print, scan.
const UNIX_MODULES: &[&str] = &[
    "bcrypt.so",
    "crypt32.so",
    "dnsapi.so",
    "dwrite.so",
    "kerberos.so",
    "mountmgr.so",
    "msv1_0.so",
    "netapi32.so",
    "nsiproxy.so",
    "ntdll.so",
    "odbc32.so",
    "secur32.so",
    "win32u.so",
    "ws2_32.so",
];
/// Libraries that modules load by name when they are there: ciphers, fonts, Kerberos, names (old
/// glibc).
const LOADED_BY_NAME: &[&str] = &[
    "libgnutls.so.30",
    "libfreetype.so.6",
    // Also without a font: a console takes no key without it.
    "libfontconfig.so.1",
    "libgcc_s.so.1",
    "libgssapi_krb5.so.2",
    "libkrb5.so.3",
    "libnss_files.so.2",
    "libnss_dns.so.2",
    "libresolv.so.2",
];
/// Programs of Wine's whose work the guest does; without them here the guest's are found.
const GUESTS: &[&str] = &["setx.exe", "wineboot.exe"];
/// Mounted over by a silo, or empty on purpose.
const DIRECTORIES: &[&str] = &["dev", "etc/fonts", "proc", "run", "sys", "tmp", "var/tmp", "wine"];
/// Mounted over with a container's own.
const FILES: &[&str] = &["etc/hostname", "etc/hosts", "etc/resolv.conf"];
/// Links that a merged `/usr` has.
const MERGED: &[&str] = &["bin", "lib", "lib64", "sbin"];

/// The locale in which names are UTF-8, where the C library keeps it in files: without it Wine
/// takes every name for ASCII. Wine is to be started with `LC_ALL=C.UTF-8`.
const LOCALES: &[&str] = &["/usr/lib/locale/C.utf8", "/usr/lib/locale/C.UTF-8"];

const PASSWD: &str = "ContainerAdministrator:x:0:0::/wine:/nologin\n\
                      ContainerUser:x:1000:1000::/wine:/nologin\n\
                      nobody:x:65534:65534::/:/nologin\n";
const GROUP: &str = "Administrators:x:0:\nUsers:x:1000:\nnogroup:x:65534:\n";
const NSSWITCH: &str = "passwd: files\ngroup: files\nhosts: files dns\nnetworks: files\n\
                        services: files\nprotocols: files\n";

/// Makes the tree at `into`; returns the host's libraries that went in.
pub(super) fn gather(wine: &Wine, into: &Path) -> io::Result<Vec<PathBuf>> {
    std::fs::create_dir(into)?;
    skeleton(into)?;
    modules(wine, into)?;
    let libraries = libraries(wine)?;
    for library in &libraries {
        place(library, into)?;
    }
    Ok(libraries)
}

fn skeleton(into: &Path) -> io::Result<()> {
    for name in MERGED {
        if let Ok(target) = std::fs::read_link(Path::new("/").join(name)) {
            let relative = target.strip_prefix("/").unwrap_or(&target);
            std::fs::create_dir_all(into.join(relative))?;
            std::os::unix::fs::symlink(relative, into.join(name))?;
        }
    }
    for name in DIRECTORIES {
        std::fs::create_dir_all(into.join(name))?;
    }
    for name in FILES {
        std::fs::write(into.join(name), "")?;
    }
    for (name, text) in
        [("etc/passwd", PASSWD), ("etc/group", GROUP), ("etc/nsswitch.conf", NSSWITCH)]
    {
        std::fs::write(into.join(name), text)?;
    }
    for name in ["etc/services", "etc/protocols"] {
        let host = Path::new("/").join(name);
        if host.is_file() {
            std::fs::copy(host, into.join(name))?;
        }
    }
    Ok(())
}

/// Wine itself, without what the guest stands in for: see the module above.
fn modules(wine: &Wine, into: &Path) -> io::Result<()> {
    for program in [&wine.loader, &wine.server] {
        place(program, into)?;
    }
    // The name that Wine itself looks for; a distribution may have a script there.
    let server = inside(into, &wine.loader.with_file_name("wineserver"));
    if !server.exists() {
        link::take(&wine.server, &server)?;
    }
    link::directory(&wine.unix, &inside(into, &wine.unix), |name| UNIX_MODULES.contains(&name))?;
    link::directory(&wine.windows, &inside(into, &wine.windows), |name| !GUESTS.contains(&name))?;
    let code_pages = wine.data.join("nls");
    link::directory(&code_pages, &inside(into, &code_pages), |_| true)?;
    let fonts = fonts::of(wine);
    if let Some(place) = &fonts {
        link::directory(place, &inside(into, place), |_| true)?;
    }
    let told = fonts::configuration(fonts.as_deref(), "/tmp");
    std::fs::write(into.join("etc/fonts/fonts.conf"), told)?;
    for locale in LOCALES.iter().map(Path::new).filter(|path| path.is_dir()) {
        for part in [locale.to_owned(), locale.join("LC_MESSAGES")] {
            link::directory(&part, &inside(into, &part), |_| true)?;
        }
    }
    Ok(())
}

/// Every library that Wine's programs and modules are linked against or load by name.
fn libraries(wine: &Wine) -> io::Result<Vec<PathBuf>> {
    let mut found = BTreeSet::from([PathBuf::from(LINKER)]);
    let unix = UNIX_MODULES.iter().map(|name| wine.unix.join(name)).filter(|path| path.is_file());
    for file in [wine.loader.clone(), wine.server.clone()].into_iter().chain(unix) {
        found.extend(linked_by(wine, &file)?);
    }
    let directories: BTreeSet<PathBuf> =
        found.iter().filter_map(|library| Some(library.parent()?.to_owned())).collect();
    for name in LOADED_BY_NAME {
        let library = directories.iter().map(|dir| dir.join(name)).find(|path| path.is_file());
        if let Some(library) = library {
            found.extend(linked_by(wine, &library)?);
            found.insert(library);
        }
    }
    // Wine's own are in place already.
    Ok(found.into_iter().filter(|library| !library.starts_with(&wine.unix)).collect())
}

/// What the dynamic linker would load for `file`: `name => path (address)` and `path (address)`.
fn linked_by(wine: &Wine, file: &Path) -> io::Result<Vec<PathBuf>> {
    let output = Command::new(LINKER)
        .env_clear()
        .arg("--library-path")
        .arg(&wine.unix)
        .arg("--list")
        .arg(file)
        .output()
        .map_err(|error| doing("starting", Path::new(LINKER), &error))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        return Err(doing("listing the libraries of", file, &io::Error::other(words.trim())));
    }
    text.lines()
        .map(|line| line.split_once("=>").map_or(line, |(_, path)| path).trim())
        .filter(|line| line.starts_with('/') || line.starts_with("not found"))
        .map(|line| {
            if line.starts_with("not found") {
                return Err(doing("resolving a library of", file, &io::Error::other(text.trim())));
            }
            Ok(PathBuf::from(line.split(" (").next().unwrap_or(line)))
        })
        .collect()
}

/// Puts a host's file at its path inside.
fn place(file: &Path, into: &Path) -> io::Result<()> {
    let to = inside(into, file);
    std::fs::create_dir_all(to.parent().expect("a file has a directory"))?;
    if to.exists() { Ok(()) } else { link::take(file, &to) }
}

fn inside(into: &Path, path: &Path) -> PathBuf {
    into.join(path.strip_prefix("/").unwrap_or(path))
}
