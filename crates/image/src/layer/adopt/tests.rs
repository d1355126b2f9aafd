//! Folders as containerd leaves them, adopted. What a container makes of them is tested from outside.

use engine::os::unix::fs::{MetadataExt, symlink};

use engine::os::fs::{CWD, FileType, Mode, mknodat};

use super::*;

struct Ground {
    folder: tempfile::TempDir,
}

impl Ground {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ground = Self { folder };
        ground.file("platform/windows/system32/cmd.exe");
        ground
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn file(&self, path: &str) -> PathBuf {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, path.display().to_string()).unwrap();
        path
    }

    fn adopt(&self, unpacked: &[&str]) -> Result<Vec<PathBuf>> {
        let unpacked: Vec<PathBuf> = unpacked.iter().map(|name| self.path(name)).collect();
        adopt(&self.path("root"), &unpacked, &self.path("platform"))
    }
}

#[test]
fn names_take_the_chains_spelling_and_files_are_the_same_ones() {
    let ground = Ground::new();
    let library = ground.file("1/Files/Windows/System32/Lib.dll");
    ground.file("1/Hives/Software_Delta");
    ground.file("1/UtilityVM/kernel");
    ground.file("2/Files/WINDOWS/system32/lib.DLL");
    ground.file("2/Files/App/app.exe");
    ground.file("2/Files/App/app.exe:Zone.Identifier");
    fs::set_permissions(&library, engine::os::unix::fs::PermissionsExt::from_mode(0o0)).unwrap();
    let folders = ground.adopt(&["2", "1"]).unwrap();
    let [upper, base] = folders.as_slice() else { panic!("{folders:?}") };
    let adopted = base.join("fs/windows/system32/Lib.dll");
    assert_eq!(adopted.metadata().unwrap().ino(), library.metadata().unwrap().ino());
    assert_eq!(adopted.metadata().unwrap().mode() & 0o777, 0o644);
    assert!(upper.join("fs/windows/system32/Lib.dll").is_file(), "as the layer below spells it");
    assert!(upper.join("fs/App/app.exe").is_file());
    assert_eq!(fs::read_dir(upper.join("fs/App")).unwrap().count(), 1, "streams are left out");
    assert!(base.join("hives/Software_Delta").is_file());
    assert!(!base.join("fs/kernel").exists() && !base.join("UtilityVM").exists());
}

#[test]
fn links_lead_to_where_windows_means_and_never_out() {
    let ground = Ground::new();
    ground.file("1/Files/ProgramData/x");
    symlink(r"c:\programdata", ground.path("1/Files/All")).unwrap();
    let folders = ground.adopt(&["1"]).unwrap();
    assert_eq!(fs::read_link(folders[0].join("fs/All")).unwrap(), Path::new("ProgramData"));
    fs::create_dir_all(ground.path("2/Files")).unwrap();
    symlink("../../etc/passwd", ground.path("2/Files/out")).unwrap();
    let refused = ground.adopt(&["2"]).unwrap_err().to_string();
    assert!(refused.contains("Files/out"), "{refused}");
    fs::create_dir_all(ground.path("3")).unwrap();
    symlink("/etc", ground.path("3/Files")).unwrap();
    ground.adopt(&["3"]).unwrap_err();
}

#[test]
fn what_is_there_is_used_again_and_goes_with_its_original() {
    let ground = Ground::new();
    ground.file("1/Files/a");
    let first = ground.adopt(&["1"]).unwrap();
    assert_eq!(ground.adopt(&["1"]).unwrap(), first);
    fs::remove_dir_all(ground.path("1")).unwrap();
    ground.file("2/Files/b");
    ground.adopt(&["2"]).unwrap();
    assert!(!first[0].exists());
    ground.file("1/Files/c");
    let again = ground.adopt(&["1"]).unwrap();
    assert_ne!(again, first, "another folder at the same path");
    assert!(again[0].join("fs/c").is_file());
}

#[test]
fn folders_that_windows_cannot_tell_apart_are_one_and_files_are_refused() {
    let ground = Ground::new();
    ground.file("1/Files/App/a");
    ground.file("1/Files/APP/b");
    let folders = ground.adopt(&["1"]).unwrap();
    assert_eq!(fs::read_dir(folders[0].join("fs/APP")).unwrap().count(), 2);
    ground.file("2/Files/App/same");
    ground.file("2/Files/APP/SAME");
    let refused = ground.adopt(&["2"]).unwrap_err().to_string();
    assert!(refused.to_lowercase().contains("app/same"), "{refused}");
}

#[test]
fn a_layer_of_a_linux_image_is_told_from_a_windows_one() {
    let ground = Ground::new();
    ground.file("1/bin/sh");
    let refused = ground.adopt(&["1"]).unwrap_err().to_string();
    assert!(refused.contains("bin") && refused.contains("windows/amd64"), "{refused}");
    let left: Vec<_> = fs::read_dir(ground.path("root/containerd/layers")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_whiteout_hides_the_file_however_it_is_spelled() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let ground = Ground::new();
    ground.file("1/Files/App/Old.txt");
    fs::create_dir_all(ground.path("2/Files/app")).unwrap();
    let mark = ground.path("2/Files/app/OLD.TXT");
    mknodat(CWD, &mark, FileType::CharacterDevice, Mode::empty(), 0).unwrap();
    let folders = ground.adopt(&["2", "1"]).unwrap();
    let about = fs::symlink_metadata(folders[0].join("fs/App/Old.txt")).unwrap();
    assert_eq!(about.rdev(), 0);
    let disk = ground.path("3/Files/disk");
    fs::create_dir_all(disk.parent().unwrap()).unwrap();
    mknodat(CWD, &disk, FileType::BlockDevice, Mode::empty(), rustix::fs::makedev(8, 0)).unwrap();
    assert!(ground.adopt(&["3"]).unwrap_err().to_string().contains("device"));
}
