//! A real registry on loopback: what goes up comes down, once, and only if it is what it was.

use std::collections::BTreeMap;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use image::{
    Compression, Error, Event, Image, Progress, PullOptions, Pulled, Quiet, Settings, State, Store,
};
use oci_client::Reference;
use oci_client::client::{Client, ClientConfig, ClientProtocol};
use oci_client::secrets::RegistryAuth;
use serde_json::{Value, json};

use crate::common::{Host, Layer, config, read};

/// `docker-registry`, ended when dropped.
struct Registry {
    child: Child,
    dir: tempfile::TempDir,
    address: String,
}

impl Registry {
    fn start() -> Self {
        Self::with_auth("")
    }

    fn with_auth(auth: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let text = format!(
            "version: 0.1\nlog: {{level: warn}}\nstorage: {{filesystem: {{rootdirectory: {0}/data}}}}\n\
             http: {{addr: '{address}'}}\n{1}",
            dir.path().display(),
            auth.replace("DIR", dir.path().to_str().unwrap()),
        );
        let file = dir.path().join("config.yml");
        std::fs::write(&file, text).unwrap();
        std::fs::write(dir.path().join("htpasswd"), HTPASSWD).unwrap();
        let child = Command::new("docker-registry")
            .arg("serve")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("this test needs docker-registry: apt-get install docker-registry");
        let begin = Instant::now();
        while TcpStream::connect(&address).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(20), "docker-registry does not answer");
            std::thread::yield_now();
        }
        Self { child, dir, address }
    }

    fn name(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }

    /// The file in which the registry keeps a blob.
    fn blob(&self, digest: &str) -> PathBuf {
        let hex = digest.trim_start_matches("sha256:");
        let blobs = self.dir.path().join("data/docker/registry/v2/blobs/sha256");
        blobs.join(&hex[..2]).join(hex).join("data")
    }

    /// Puts a document there as it is.
    async fn put(&self, name: &str, media_type: &str, document: &Value) -> String {
        let config = ClientConfig { protocol: ClientProtocol::Http, ..ClientConfig::default() };
        let client = Client::new(config);
        let reference: Reference = self.name(name).parse().unwrap();
        client.store_auth_if_needed(reference.resolve_registry(), &RegistryAuth::Anonymous).await;
        let bytes = serde_json::to_vec(document).unwrap();
        let digest = image::Digest::of(&bytes).to_string();
        client.push_manifest_raw(&reference, bytes, media_type.parse().unwrap()).await.unwrap();
        digest
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// `user` and `secret`.
const HTPASSWD: &str = "user:$2b$05$fb8Yk1T/pUUhhF/sEpndxuVaBTrWOlq9gATfo3Uo6AAEbK6L57bYm";

/// Remembers what every blob did.
#[derive(Default)]
struct Heard {
    states: Mutex<BTreeMap<String, Vec<State>>>,
    lines: Mutex<Vec<String>>,
}

impl Progress for Heard {
    fn layer(&self, event: Event<'_>) {
        self.states.lock().unwrap().entry(event.blob.to_string()).or_default().push(event.state);
    }

    fn status(&self, line: &str) {
        self.lines.lock().unwrap().push(line.to_owned());
    }
}

impl Heard {
    /// How many blobs ended in `state`.
    fn ended(&self, state: State) -> usize {
        self.states.lock().unwrap().values().filter(|states| states.last() == Some(&state)).count()
    }
}

fn options() -> PullOptions {
    PullOptions { host: "10.0.20348.2700".parse().unwrap() }
}

async fn pull(store: &Store, name: &str) -> image::Result<Pulled> {
    store.pull(name, options(), Arc::new(Quiet)).await
}

async fn push(store: &Store, name: &str) -> image::Pushed {
    store.push(name, Arc::new(Quiet)).await.unwrap()
}

/// An image of three layers, one of them of some size.
async fn three_layers(host: &Host, name: &str) -> Image {
    let noise: Vec<u8> =
        (0..3_000_000_u64).map(|i| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect();
    let layers = [
        Layer::new().file("Files/base.txt", "base"),
        Layer::new().file("Files/App/large.bin", &noise),
        Layer::new().file("Files/app/top.txt", name),
    ];
    host.image(Some(name), &layers).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pushed_is_pulled_by_tag_and_by_digest() {
    let registry = Registry::start();
    let host = Host::new().await;
    let name = registry.name("team/app:1.0");
    let image = three_layers(&host, &name).await;
    let heard = Arc::new(Heard::default());
    let pushed = host.store.push(&name, heard.clone()).await.unwrap();
    assert_eq!((heard.ended(State::Pushed), &pushed.digest), (3, &image.manifest_digest()));
    let again = Arc::new(Heard::default());
    host.store.push(&name, again.clone()).await.unwrap();
    assert_eq!(again.ended(State::AlreadyThere), 3);

    let by_digest = registry.name(&format!("team/app@{}", pushed.digest));
    for asked in [&name, &by_digest] {
        let other = Host::new().await;
        let heard = Arc::new(Heard::default());
        let pulled = other.store.pull(asked, options(), heard.clone()).await.unwrap();
        assert_eq!((heard.ended(State::Downloaded), pulled.changed), (3, true));
        assert_eq!((&pulled.image.id, &pulled.digest), (&image.id, &pushed.digest));
        assert_eq!(pulled.image.digests[0].familiar(), by_digest);
        assert_eq!(other.store.resolve(asked).await.unwrap().id, image.id);
        let folders = other.unpack(&pulled.image).await.unwrap();
        assert_eq!(read(folders[0].join("fs/App/top.txt")), name);
        assert!(!pull(&other.store, asked).await.unwrap().changed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_skopeo_pushes_is_pulled_in_both_of_its_formats() {
    let registry = Registry::start();
    let host = Host::new().await;
    let name = registry.name("app");
    let image = three_layers(&host, &name).await;
    push(&host.store, &name).await;
    for format in ["v2s2", "oci"] {
        let copy = registry.name(&format!("copy:{format}"));
        let output = Command::new("skopeo")
            .args(["--insecure-policy", "--override-os", "windows", "copy", "--format", format])
            .args(["--src-tls-verify=false", "--dest-tls-verify=false"])
            .args([format!("docker://{name}:latest"), format!("docker://{copy}")])
            .output()
            .expect("this test needs skopeo: apt-get install skopeo");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let other = Host::new().await;
        let pulled = pull(&other.store, &copy).await.unwrap();
        assert_eq!(pulled.image.config.rootfs, image.config.rootfs, "{format}");
        assert_eq!(other.unpack(&pulled.image).await.unwrap().len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_by_digest_is_removed_alone_and_goes_with_its_repositorys_last_tag() {
    let registry = Registry::start();
    let host = Host::new().await;
    let name = registry.name("app:1");
    three_layers(&host, &name).await;
    let digest = push(&host.store, &name).await.digest;
    let by_digest = registry.name(&format!("app@{digest}"));
    let removed = async |name: &str| {
        host.store.remove(name, image::RemoveOptions::default()).await.unwrap().len()
    };
    assert_eq!(removed(&by_digest).await, 1);
    assert!(host.store.resolve(&name).await.is_ok());
    push(&host.store, &name).await;
    host.store.tag(&name, "other").await.unwrap();
    assert_eq!(removed(&name).await, 2, "the tag and the digest");
    assert!(host.store.resolve(&by_digest).await.unwrap_err().is_not_found());
    assert_eq!(removed("other").await, 2, "the name and the image");
    pull(&host.store, &by_digest).await.unwrap();
    assert_eq!(removed(&by_digest).await, 2);
    assert!(host.store.images().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_of_the_same_registry_lends_its_layers() {
    let registry = Registry::start();
    let host = Host::new().await;
    three_layers(&host, &registry.name("one")).await;
    push(&host.store, &registry.name("one")).await;
    host.store.tag(&registry.name("one"), &registry.name("two")).await.unwrap();
    let heard = Arc::new(Heard::default());
    host.store.push(&registry.name("two"), heard.clone()).await.unwrap();
    assert_eq!(heard.ended(State::Mounted), 3);
    let other = Host::new().await;
    assert_eq!(pull(&other.store, &registry.name("two")).await.unwrap().image.layers.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn however_many_pull_a_layer_comes_down_once() {
    let registry = Registry::start();
    let host = Host::new().await;
    for name in ["one", "two"] {
        three_layers(&host, &registry.name(name)).await;
        push(&host.store, &registry.name(name)).await;
    }
    let other = Host::new().await;
    let heard = Arc::new(Heard::default());
    let mut tasks = Vec::new();
    for i in 0..8 {
        // Stores opened apart share nothing but the folder, as processes do.
        let (store, heard) = (other.again().await, heard.clone());
        let name = registry.name(if i % 2 == 0 { "one" } else { "two" });
        tasks.push(tokio::spawn(async move { store.pull(&name, options(), heard).await }));
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let states = heard.states.lock().unwrap();
    assert_eq!(states.len(), 4, "two images share two of their three layers");
    for (blob, states) in states.iter() {
        let downloads = states.iter().filter(|&&state| state == State::Downloaded).count();
        assert_eq!(downloads, 1, "{blob}");
    }
    assert!(other.leftovers().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn content_that_was_changed_in_the_registry_is_not_taken() {
    let registry = Registry::start();
    let host = Host::new().await;
    let name = registry.name("app");
    let image = three_layers(&host, &name).await;
    push(&host.store, &name).await;
    let file = registry.blob(image.layers[1].digest().as_ref());
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[1000] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let other = Host::new().await;
    let error = pull(&other.store, &name).await.unwrap_err();
    assert!(matches!(error, Error::WrongDigest { .. }), "{error:?}");
    assert!(other.store.images().await.unwrap().is_empty());
    assert!(other.leftovers().is_empty());
    assert_eq!(other.blobs(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_that_is_given_up_leaves_nothing() {
    let registry = Registry::start();
    let host = Host::new().await;
    let name = registry.name("app");
    three_layers(&host, &name).await;
    push(&host.store, &name).await;
    let other = Host::new().await;
    for _ in 0..10 {
        let store = other.store.clone();
        let name = name.clone();
        let task = tokio::spawn(async move { store.pull(&name, options(), Arc::new(Quiet)).await });
        tokio::task::yield_now().await;
        task.abort();
        let _ = task.await;
    }
    // Its writers notice on their own threads; pruning waits for none of them.
    other.store.prune(image::PruneOptions::default()).await.unwrap();
    assert_eq!(pull(&other.store, &name).await.unwrap().image.layers.len(), 3);
    assert!(other.leftovers().is_empty());
}

fn platform(os: &str, version: &str) -> Value {
    json!({ "architecture": "amd64", "os": os, "os.version": version })
}

fn entry(image: &Image, platform: &Value) -> Value {
    let mut entry = serde_json::to_value(&image.manifest).unwrap();
    entry["platform"] = platform.clone();
    entry
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_index_the_windows_that_fits_is_taken() {
    let registry = Registry::start();
    let host = Host::new().await;
    let mut images = Vec::new();
    for tag in ["a", "b", "c"] {
        let name = registry.name(&format!("app:{tag}"));
        images.push(host.image(Some(&name), &[Layer::new().file("Files/which", tag)]).await);
        push(&host.store, &name).await;
    }
    let index_type = "application/vnd.oci.image.index.v1+json";
    let index = |manifests: Vec<Value>| json!({ "schemaVersion": 2, "mediaType": index_type, "manifests": manifests });
    let [a, b, c] = [&images[0], &images[1], &images[2]];
    for (tag, entries, expected) in [
        (
            "same",
            vec![
                entry(a, &platform("windows", "10.0.17763.1")),
                entry(b, &platform("windows", "10.0.20348.9")),
            ],
            b,
        ),
        (
            "newer",
            vec![
                entry(a, &platform("windows", "10.0.26100.1")),
                entry(c, &platform("windows", "10.0.17763.1")),
            ],
            c,
        ),
        (
            "older",
            vec![
                entry(a, &platform("windows", "10.0.14393.1")),
                entry(b, &platform("windows", "10.0.17763.1")),
            ],
            b,
        ),
        (
            "mixed",
            vec![entry(a, &platform("linux", "")), entry(c, &platform("windows", "10.0.20348.1"))],
            c,
        ),
    ] {
        let digest = registry.put(&format!("app:{tag}"), index_type, &index(entries)).await;
        let other = Host::new().await;
        let pulled = pull(&other.store, &registry.name(&format!("app:{tag}"))).await.unwrap();
        assert_eq!(
            (&pulled.image.id, pulled.digest.as_str()),
            (&expected.id, digest.as_str()),
            "{tag}"
        );
        let pinned = registry.name(&format!("app@{digest}"));
        assert_eq!(other.store.resolve(&pinned).await.unwrap().id, expected.id, "{tag}");
    }
    let none =
        vec![entry(a, &platform("linux", "")), entry(b, &platform("windows", "10.0.26100.1"))];
    registry.put("app:none", index_type, &index(none)).await;
    let error = pull(&host.store, &registry.name("app:none")).await.unwrap_err().to_string();
    assert!(
        error.contains("linux/amd64") && error.contains("windows/amd64 10.0.26100.1"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn images_that_cannot_run_here_are_refused() {
    let registry = Registry::start();
    let host = Host::new().await;
    for (tag, os, version) in [("linux", "linux", None), ("new", "windows", Some("10.0.26100.1"))] {
        let hold = host.store.hold().await.unwrap();
        let bytes = Layer::new().bytes();
        let layer = host
            .store
            .add_layer(&hold, Compression::default(), move |out| out.write_all(&bytes))
            .await
            .unwrap();
        let mut config = config();
        (config.os, config.os_version) = (os.to_owned(), version.map(str::to_owned));
        let name = registry.name(&format!("app:{tag}"));
        host.store.create_image(&hold, config, vec![layer], Some(&name)).await.unwrap();
        push(&host.store, &name).await;
        let other = Host::new().await;
        let error = pull(&other.store, &name).await.unwrap_err();
        match tag {
            "linux" => assert!(matches!(error, Error::WrongPlatform { .. }), "{error}"),
            _ => assert_eq!(
                error.to_string(),
                "a Windows version 10.0.26100-based image is incompatible with a 10.0.20348 host"
            ),
        }
        assert!(other.store.images().await.unwrap().is_empty());
    }
    let missing = registry.name("nobody/knows:this");
    let error = pull(&host.store, &missing).await.unwrap_err();
    assert!(error.to_string().contains(&missing), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn layers_that_only_their_owner_hands_out_come_from_there() {
    let registry = Registry::start();
    let host = Host::new().await;
    let owned = three_layers(&host, &registry.name("owner")).await;
    push(&host.store, &registry.name("owner")).await;
    let mut manifest: Value = {
        let path =
            host.store.root().join("content/blobs/sha256").join(owned.manifest_digest().hex());
        serde_json::from_str(&read(path)).unwrap()
    };
    let foreign = &mut manifest["layers"][1];
    let url = format!(
        "http://{}/v2/owner/blobs/{}",
        registry.address,
        foreign["digest"].as_str().unwrap()
    );
    foreign["mediaType"] = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip".into();
    foreign["urls"] = json!(["ftp://nowhere/x", "https://127.0.0.1:1/x", url]);
    let kept = owned.layers[1].digest().to_string();
    // The other repository has everything but the foreign layer.
    let lender = Host::new().await;
    let small = [
        Layer::new().file("Files/base.txt", "base"),
        Layer::new().file("Files/app/top.txt", registry.name("owner")),
    ];
    let stand_in = lender.image(Some(&registry.name("lent")), &small).await;
    push(&lender.store, &registry.name("lent")).await;
    let config = owned.config_descriptor.digest().to_string();
    assert_ne!(config, stand_in.id.to_string());
    host.store.tag(&registry.name("owner"), &registry.name("config")).await.unwrap();
    let client =
        Client::new(ClientConfig { protocol: ClientProtocol::Http, ..ClientConfig::default() });
    let [from, to] =
        ["owner", "lent"].map(|name| registry.name(name).parse::<Reference>().unwrap());
    client.mount_blob(&to, &from, &config).await.unwrap();
    registry.put("lent:foreign", "application/vnd.oci.image.manifest.v1+json", &manifest).await;

    let other = Host::new().await;
    let heard = Arc::new(Heard::default());
    let pulled = other.store.pull(&registry.name("lent:foreign"), options(), heard.clone()).await;
    // The first address that could be asked fails, which must not end the search.
    let pulled = pulled.unwrap();
    assert!(heard.states.lock().unwrap()[&kept].contains(&State::Downloaded));
    assert_eq!(other.unpack(&pulled.image).await.unwrap().len(), 3);
    let heard = Arc::new(Heard::default());
    other.store.push(&registry.name("lent:foreign"), heard.clone()).await.unwrap();
    assert!(heard.lines.lock().unwrap().iter().any(|line| line.contains("Skipped foreign layer")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_with_a_password_wants_the_one_in_dockers_configuration() {
    let registry = Registry::with_auth("auth: {htpasswd: {realm: test, path: DIR/htpasswd}}\n");
    let dir = tempfile::tempdir().unwrap();
    let host = |auth: &str| {
        let folder = dir.path().join(auth);
        std::fs::create_dir_all(&folder).unwrap();
        let file = json!({ "auths": { registry.address.clone(): { "auth": auth } } });
        std::fs::write(folder.join("config.json"), file.to_string()).unwrap();
        Host::with(Settings { docker_config: Some(folder), ..Settings::default() })
    };
    let name = registry.name("private");
    let right = host("dXNlcjpzZWNyZXQ=").await;
    three_layers(&right, &name).await;
    right.store.push(&name, Arc::new(Quiet)).await.unwrap();
    right.store.remove(&name, image::RemoveOptions::default()).await.unwrap();
    pull(&right.store, &name).await.unwrap();
    let wrong = host("dXNlcjp3cm9uZw==").await;
    let error = pull(&wrong.store, &name).await.unwrap_err();
    assert!(matches!(error, Error::Registry { .. }), "{error:?}");
}

#[tokio::test]
async fn the_built_in_base_never_goes_to_a_registry() {
    let host = Host::new().await;
    let pulled = pull(&host.store, "transom/base").await.unwrap();
    assert!(pulled.changed);
    assert!(host.store.push("transom/base", Arc::new(Quiet)).await.is_err());
    assert!(pull(&host.store, "transom/base:other").await.is_err());
}
