//! `transom containerd setup` as an administrator uses it. That what it writes works is what all
//! other tests here stand on.

use crate::support::host;

#[test]
fn setup_changes_a_configuration_once_and_takes_it_back() {
    let host = host::shared();
    let folder = host.scratch();
    let (config, base) =
        (folder.path().join("config.toml"), folder.path().join("transom-base.json"));
    let mine = "# mine\nversion = 2\nroot = \"/data\" # kept\n";
    std::fs::write(&config, mine).unwrap();
    let link = folder.path().join("containerd-shim-runhcs-v1");
    // One that an installation which is gone has left.
    std::os::unix::fs::symlink("/nowhere", &link).unwrap();
    // What the caller's own path has, a service's has not.
    let path = format!("{}:{}", host::dist().join("bin").display(), std::env::var("PATH").unwrap());
    let setup = |flags: &[&str]| {
        let setup = host.transom(&["containerd", "setup", "--config"]).arg(&config);
        let setup = setup.arg("--bin-dir").arg(folder.path());
        setup.args(flags).env("PATH", &path).succeed().text()
    };
    let shown = setup(&["--dry-run"]);
    assert!(shown.contains("io.containerd.runhcs.v1") && shown.contains("nothing was changed"));
    assert!(std::fs::read_to_string(&config).unwrap() == mine && !base.exists(), "it is dry");

    let told = setup(&[]);
    assert!(told.contains("systemctl restart containerd") && told.contains("--undo"), "{told}");
    let once = std::fs::read_to_string(&config).unwrap();
    assert!(once.starts_with(mine) && once.contains("runtimes.runhcs"), "{once}");
    let spec: serde_json::Value = serde_json::from_slice(&std::fs::read(&base).unwrap()).unwrap();
    assert!(spec["windows"].is_object() && spec["linux"].is_object(), "{spec}");
    assert!(setup(&[]).contains("nothing to change"));
    assert_eq!(std::fs::read_to_string(&config).unwrap(), once);

    assert!(link.is_file(), "it leads to the shim");

    setup(&["--handler", "second"]);
    setup(&["--undo"]);
    assert!(base.exists() && link.is_file(), "the second handler needs both");
    assert!(setup(&["--undo"]).contains("nothing to change"));
    setup(&["--undo", "--handler", "second"]);
    assert_eq!(std::fs::read_to_string(&config).unwrap(), mine);
    assert!(!base.exists() && !link.is_symlink());
}

#[test]
fn setup_refuses_what_it_does_not_understand() {
    let host = host::shared();
    let folder = host.scratch();
    let config = folder.path().join("config.toml");
    std::fs::write(&config, "version = 2\ndisabled_plugins = [\"cri\"]\n").unwrap();
    let setup = |flags: &[&str]| {
        host.transom(&["containerd", "setup", "--config"]).arg(&config).args(flags).fail().errors()
    };
    assert!(setup(&[]).contains("disabled_plugins"));
    assert!(setup(&["--handler", "Not/a.label"]).contains("--handler"));
    std::fs::write(&config, "version = 2\n").unwrap();
    assert!(setup(&["--handler", "runc"]).contains("the handler of Linux pods"));
    assert_eq!(std::fs::read_to_string(&config).unwrap(), "version = 2\n");
}
