//! What is written to which file, and a freeze in a tree of the kernel's own.
//!
//! Files of controllers are a folder's here: the kernel gives a controller to one version at a
//! time. What needs no controller runs in a tree that is mounted for it, where that is allowed.

use std::process::{Child, Command};

use super::super::oom::OomWatch;
use super::*;

/// A group whose files are ordinary ones.
fn group() -> (tempfile::TempDir, Group) {
    let folder = tempfile::tempdir().unwrap();
    let group = Group { dir: folder.path().to_owned() };
    (folder, group)
}

/// Where the engine has its own.
fn make(group: &Group) -> Result<(), ErrorKind> {
    group.make(&mut Made::default(), &mut Vec::new())
}

fn text(folder: &tempfile::TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join(name)).unwrap()
}

#[test]
fn memory_is_limited_without_swap_where_swap_is_counted() {
    let (folder, group) = group();
    group.limit_memory(Some(64 << 20)).unwrap();
    assert_eq!(text(&folder, "memory.max"), "67108864");
    assert!(!folder.path().join("memory.swap.max").exists());
    fs::write(folder.path().join("memory.swap.max"), "max").unwrap();
    group.limit_memory(Some(1 << 20)).unwrap();
    assert_eq!(text(&folder, "memory.swap.max"), "0");
    group.limit_memory(None).unwrap();
    assert_eq!((text(&folder, "memory.max"), text(&folder, "memory.swap.max")), both("max"));
}

fn both(text: &str) -> (String, String) {
    (text.to_owned(), text.to_owned())
}

#[test]
fn processors_are_limited_by_quota_or_by_weight() {
    let (folder, group) = group();
    group.limit_processor(ProcessorLimit::Count(2)).unwrap();
    assert_eq!(text(&folder, "cpu.max"), "200000 100000");
    assert_eq!(text(&folder, "cpu.weight"), "100");
    group.limit_processor(ProcessorLimit::Weight(1000)).unwrap();
    assert_eq!(text(&folder, "cpu.max"), "max 100000");
    assert_eq!(text(&folder, "cpu.weight"), "200");
    group.limit_processor(ProcessorLimit::Weight(1)).unwrap();
    assert_eq!(text(&folder, "cpu.weight"), "1");
}

#[test]
fn a_disk_is_limited_both_ways_and_no_limit_is_max() {
    let (folder, group) = group();
    group.limit_io(IoLimit { bytes: 1 << 20, operations: 0 }, "8:16").unwrap();
    let line = "8:16 rbps=1048576 wbps=1048576 riops=max wiops=max";
    assert_eq!(text(&folder, "io.max"), line);
}

#[test]
fn each_controller_that_is_missing_is_given_to_the_children() {
    for (there, written) in [
        ("cpu pids io cpuset", "+memory"),
        ("memory pids io cpuset", "+cpu"),
        ("memory cpu io cpuset", "+pids"),
        ("memory cpu pids cpuset", "+io"),
        ("memory cpu pids io", "+cpuset"),
        ("memory cpu pids io cpuset", "memory cpu pids io cpuset"),
    ] {
        let tree = tempfile::tempdir().unwrap();
        let parent = tree.path().join("transom");
        fs::create_dir(&parent).unwrap();
        for group in [tree.path(), &parent] {
            fs::write(group.join("cgroup.subtree_control"), there).unwrap();
        }
        let group = Group::at(tree.path(), Path::new("transom/one"));
        make(&group).unwrap();
        assert!(group.directory().is_dir());
        for group in [tree.path(), &parent] {
            let now = fs::read_to_string(group.join("cgroup.subtree_control")).unwrap();
            assert_eq!(now, written);
        }
    }
}

#[test]
fn statistics_come_from_the_files_of_their_controllers() {
    let (folder, group) = group();
    for (name, text) in [
        ("cpu.stat", "usage_usec 30\nuser_usec 20\nsystem_usec 10\n"),
        ("memory.stat", "anon 4096\nfile 1\ninactive_file 7\npgfault 9\npgmajfault 2\n"),
        ("memory.current", "8192\n"),
        ("memory.max", "max\n"),
        ("pids.current", "3\n"),
        ("pids.max", "512\n"),
        (
            "io.stat",
            "8:0 rbytes=10 wbytes=20 rios=1 wios=2\n8:16 rbytes=5 wbytes=5 rios=1 wios=1\n",
        ),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let found = group.statistics().unwrap();
    assert_eq!(found.processor.total_runtime_100ns, 300);
    assert_eq!(found.memory.memory_usage_commit_bytes, 8192);
    // Kernels before 5.19 keep no peak.
    assert_eq!(found.memory.memory_usage_commit_peak_bytes, 8192);
    assert_eq!(found.memory.memory_usage_private_working_set_bytes, 4096);
    assert_eq!((found.storage.read_size_bytes, found.storage.write_count_normalized), (15, 3));
    let own = found.control_group.unwrap();
    assert_eq!((own.inactive_file_bytes, own.page_faults, own.tasks), (7, 9, 3));
}

#[test]
fn a_kill_for_memory_is_noticed_once() {
    let (folder, group) = group();
    let events = folder.path().join("memory.events");
    fs::write(&events, "max 4\noom 0\noom_kill 0\n").unwrap();
    let mut watch: OomWatch = group.watch_oom().unwrap();
    assert!(!watch.hit());
    fs::write(&events, "max 4\noom 1\noom_kill 2\n").unwrap();
    assert!(watch.hit());
    assert_eq!((watch.hit(), watch.killed()), (false, 2));
}

/// A tree of the kernel's, mounted for a test.
struct Tree(tempfile::TempDir);

impl Tree {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let flags = rustix::mount::MountFlags::empty();
        match rustix::mount::mount("cgroup2", folder.path(), "cgroup2", flags, None) {
            Ok(()) => Some(Self(folder)),
            Err(error) => {
                eprintln!("not run: a cgroup2 tree cannot be mounted here: {error}");
                None
            }
        }
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let detach = rustix::mount::UnmountFlags::DETACH;
        rustix::mount::unmount(self.0.path(), detach).unwrap();
    }
}

/// A process in a group; both go with this value.
struct Sleeper(Child, PathBuf);

impl Sleeper {
    fn start_in(group: &Group) -> Self {
        let child = Command::new("sleep").arg("1000").spawn().unwrap();
        let this = Self(child, group.directory().to_owned());
        group.write("cgroup.procs", &this.0.id().to_string()).unwrap();
        this
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
        fs::remove_dir(&self.1).unwrap();
    }
}

#[test]
fn the_kernel_freezes_and_thaws_what_is_inside() {
    let Some(tree) = Tree::mount() else { return };
    let name = format!("transom-test-{}", std::process::id());
    let group = Group::at(tree.0.path(), Path::new(&name));
    fs::create_dir(group.directory()).unwrap();
    let _sleeper = Sleeper::start_in(&group);
    let frozen = || value(&read(&group.directory().join("cgroup.events")).unwrap(), "frozen");
    group.freeze(true).unwrap();
    assert_eq!(frozen(), 1);
    group.freeze(false).unwrap();
    assert_eq!(frozen(), 0);
    // Counted without any controller.
    assert!(read(&group.directory().join("cpu.stat")).unwrap().contains("usage_usec"));
}

/// As a kubelet has made them: the controllers are given on all the way down, and nothing else is touched.
#[test]
fn a_group_below_somebody_elses_has_its_controllers_from_them() {
    let tree = tempfile::tempdir().unwrap();
    let parent = tree.path().join("kubepods/besteffort/pod1");
    fs::create_dir_all(&parent).unwrap();
    let way: Vec<&Path> = parent.ancestors().take(4).collect();
    for folder in &way {
        fs::write(folder.join("cgroup.subtree_control"), "memory cpu io cpuset").unwrap();
    }
    let path = Path::new("kubepods/besteffort/pod1/c1");
    let group = Group::at(tree.path(), path);
    let mut made = Made { path: path.to_owned(), ..Made::default() };
    group.make(&mut made, &mut Vec::new()).unwrap();
    assert!(group.directory().is_dir() && made.way.is_empty(), "{:?}", made.way);
    for folder in &way {
        let now = fs::read_to_string(folder.join("cgroup.subtree_control")).unwrap();
        assert_eq!(now, "+pids", "{}", folder.display());
    }
    assert_eq!(fs::read_dir(&parent).unwrap().count(), 2, "the group, and the file");
}

#[test]
fn a_controller_that_the_host_has_not_is_named() {
    let Some(tree) = Tree::mount() else { return };
    let there = read(&tree.0.path().join("cgroup.controllers")).unwrap();
    let is_there = |controller: &str| there.split_whitespace().any(|word| word == controller);
    let Some(lacking) = NEEDED.iter().find(|controller| !is_there(controller)) else {
        eprintln!("not run: this host's tree has all that is needed");
        return;
    };
    let name = format!("transom-lacks-{}/one", std::process::id());
    let group = Group::at(tree.0.path(), Path::new(&name));
    let error = make(&group).unwrap_err();
    assert!(matches!(error, ErrorKind::HostLacks { .. }), "{error}");
    assert!(error.to_string().contains(&format!("no controller `{lacking}`")), "{error}");
    assert!(!group.directory().parent().unwrap().exists(), "something is left");
}

/// The one controller that version 1 seldom has. Nothing here is limited by it; that the kernel
/// gives it on shows that it would give the others on in the same way.
#[test]
fn the_kernel_gives_a_controller_on_to_the_group() {
    const FREE: &str = "hugetlb";
    let Some(tree) = Tree::mount() else { return };
    let has = |path: &Path, file: &str| {
        read(&path.join(file)).unwrap().split_whitespace().any(|word| word == FREE)
    };
    let root = tree.0.path();
    if !has(root, "cgroup.controllers") {
        eprintln!("not run: this host's tree has no {FREE}");
        return;
    }
    let before = has(root, "cgroup.subtree_control");
    let parent = root.join(format!("transom-gives-{}", std::process::id()));
    delegate(root, &[FREE]).unwrap();
    fs::create_dir(&parent).unwrap();
    delegate(&parent, &[FREE]).unwrap();
    let group = Group::at(&parent, Path::new("one"));
    fs::create_dir(group.directory()).unwrap();
    assert!(has(group.directory(), "cgroup.controllers"));
    fs::remove_dir(group.directory()).unwrap();
    fs::remove_dir(&parent).unwrap();
    if !before {
        // Another's group may have it meanwhile.
        let _ = fs::write(root.join("cgroup.subtree_control"), format!("-{FREE}"));
    }
}
