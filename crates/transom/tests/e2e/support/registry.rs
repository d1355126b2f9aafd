//! A real registry for a test, gone with it.

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use super::{http, wait};

/// `user`, whose password is `secret`.
const HTPASSWD: &str = "user:$2b$05$fb8Yk1T/pUUhhF/sEpndxuVaBTrWOlq9gATfo3Uo6AAEbK6L57bYm";

/// `docker-registry` on a port of its own.
pub(crate) struct Registry {
    child: Child,
    _folder: tempfile::TempDir,
    address: String,
}

impl Registry {
    pub(crate) fn start() -> Self {
        Self::with("")
    }

    /// One that wants a name and a password: `user` and `secret`.
    pub(crate) fn guarded() -> Self {
        Self::with("auth: {htpasswd: {realm: test, path: DIR/htpasswd}}\n")
    }

    fn with(auth: &str) -> Self {
        let folder = tempfile::tempdir().expect("temporary folders can be made");
        let address = format!("127.0.0.1:{}", http::free_port());
        let text = format!(
            "version: 0.1\nlog: {{level: warn}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\n\
             http: {{addr: '{address}'}}\n{}",
            folder.path().join("data").display(),
            auth.replace("DIR", &folder.path().to_string_lossy()),
        );
        let users = folder.path().join("htpasswd");
        std::fs::write(users, HTPASSWD).expect("a file can be written");
        let file = folder.path().join("config.yml");
        std::fs::write(&file, text).expect("a file can be written");
        let child = Command::new("docker-registry")
            .arg("serve")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("this test needs docker-registry: apt-get install docker-registry");
        wait::until("the registry", || TcpStream::connect(&address).ok());
        Self { child, _folder: folder, address }
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// A name in it.
    pub(crate) fn name(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // It may have ended of itself, which its users will have noticed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What `skopeo` answers to these arguments, about images for Windows.
pub(crate) fn skopeo(arguments: &[&str]) -> String {
    let windows = ["--override-os", "windows", "--override-arch", "amd64"];
    let output = Command::new("skopeo").args(windows).args(arguments).output();
    let output = output.expect("this test needs skopeo: apt-get install skopeo");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "skopeo {arguments:?}: {errors}");
    String::from_utf8(output.stdout).expect("skopeo writes UTF-8")
}
