//! Where a build's result goes: archives, folders, registries, caches, and what is attested of it.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::support::host::{self, Host};
use crate::support::registry::{Registry, skopeo};

/// Three layers, one of them run.
const DOCKERFILE: &str = "FROM transom/base\nCOPY one.txt C:/app/\nRUN echo two>C:\\\\app\\\\two.txt\n\
    WORKDIR C:/app\nCMD type one.txt two.txt\n";

fn context() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("temporary folders can be made");
    std::fs::write(folder.path().join("Dockerfile"), DOCKERFILE).expect("a file can be written");
    std::fs::write(folder.path().join("one.txt"), "one").expect("a file can be written");
    folder
}

fn text(path: &Path) -> String {
    path.to_str().expect("a path in UTF-8").to_owned()
}

fn json(path: &Path) -> Value {
    let bytes = std::fs::read(path).expect("the file is there");
    serde_json::from_slice(&bytes).expect("it is JSON")
}

fn build(host: &Host, context: &Path, flags: &[&str]) -> String {
    let path = text(context);
    let command = [&["build", "--network", "none"], flags, &[&path]].concat();
    host.transom(&command).succeed().errors()
}

/// `TarExporterBasic`, `BuildLocalExporter`, `MultipleExporters` and `NoTarOCIIndexMediaType`.
#[test]
fn one_build_goes_to_archives_a_folder_and_stdout_and_others_read_them() {
    let host = host::shared();
    let (context, out) = (context(), host.scratch());
    let at = |name: &str| out.path().join(name);
    let oci = format!("type=oci,dest={},compression=zstd,annotation.a=b", text(&at("oci.tar")));
    let folder = format!("type=oci,dest={},tar=false", text(&at("layout")));
    let docker = format!("type=docker,dest={}", text(&at("docker.tar")));
    let local = text(&at("files"));
    let (ids, about) = (text(&at("id")), text(&at("about.json")));
    let flags = ["-t", "test/outputs:1", "--iidfile", &ids, "--metadata-file", &about];
    let outputs = ["-o", &oci, "-o", &folder, "-o", &docker, "-o", &local];
    build(&host, context.path(), &[&flags[..], &outputs].concat());

    assert_eq!(std::fs::read_to_string(at("files/app/one.txt")).expect("it is there"), "one");
    assert_eq!(std::fs::read_to_string(at("files/app/two.txt")).expect("it is there"), "two\r\n");
    assert!(!at("files/windows/system32/cmd.exe").exists(), "the platform is the host's");
    let inspected = skopeo(&["inspect", "--raw", &format!("oci-archive:{}", text(&at("oci.tar")))]);
    let manifest: Value = serde_json::from_str(&inspected).expect("a manifest");
    assert_eq!(manifest["annotations"]["a"], "b");
    let last = manifest["layers"].as_array().expect("layers").last().expect("there are layers");
    assert_eq!(last["mediaType"], "application/vnd.oci.image.layer.v1.tar+zstd");
    let config = skopeo(&["inspect", "--config", &format!("oci:{}", text(&at("layout")))]);
    let config: Value = serde_json::from_str(&config).expect("a configuration");
    assert_eq!((&config["os"], &config["architecture"]), (&"windows".into(), &"amd64".into()));
    let copied = format!("dir:{}", text(&at("copied")));
    skopeo(&["copy", &format!("docker-archive:{}", text(&at("docker.tar"))), &copied]);
    let about = json(&at("about.json"));
    let id = std::fs::read_to_string(at("id")).expect("the id was written");
    assert_eq!(about["containerimage.config.digest"], id.as_str());
    assert_eq!(about["image.name"], "docker.io/test/outputs:1");

    let names = host.transom(&["images", "-q", "test/outputs"]).succeed().text();
    assert_eq!(names, "", "no output was the store");
    host.transom(&["load", "-i", &text(&at("docker.tar"))]).succeed();
    let run = host.transom(&["run", "--rm", "test/outputs:1"]).succeed().text();
    assert!(run.contains("one") && run.contains("two"), "{run}");

    let path = text(context.path());
    let command = ["build", "--network", "none", "-o", "-", &path];
    let stream = host.transom(&command).succeed().stdout;
    let mut archive = tar::Archive::new(stream.as_slice());
    let names: Vec<PathBuf> = archive
        .entries()
        .expect("an archive")
        .map(|entry| entry.expect("an entry").path().expect("a path").into_owned())
        .collect();
    assert!(names.contains(&PathBuf::from("app/two.txt")), "{names:?}");
}

#[test]
fn the_same_input_gives_the_same_digest_when_it_has_a_date() {
    let host = host::shared();
    let out = host.scratch();
    let digest = |name: &str, age: u64| {
        let context = context();
        let about = out.path().join(name);
        let time = SystemTime::now() - Duration::from_secs(age);
        let file = std::fs::File::open(context.path().join("one.txt")).expect("it is there");
        file.set_modified(time).expect("a time can be set");
        let dated = "SOURCE_DATE_EPOCH=1500000000";
        let about_flag = text(&about);
        let flags = ["--no-cache", "--build-arg", dated, "--metadata-file", &about_flag];
        let attested = ["--provenance=mode=max", "--sbom"];
        build(&host, context.path(), &[&flags[..], &attested].concat());
        let about = json(&about);
        about["containerimage.digest"].as_str().expect("a digest").to_owned()
    };
    assert_eq!(digest("first", 10), digest("again", 100_000));
}

/// `BasicCacheImportExport`, `BasicInlineCacheImportExport`, `ImageManifestCacheImportExport` and
/// `MultipleCacheExports`.
#[test]
fn what_is_pushed_with_what_is_attested_is_pulled_by_digest_and_its_cache_serves_others() {
    let host = Host::new("push");
    let (context, registry) = (context(), Registry::start());
    let (name, cache) = (registry.name("app:1"), registry.name("cache:1"));
    let (about, folder) = (host.folder().join("about.json"), host.folder().join("cache"));
    let (remote, local) = (
        format!("type=registry,ref={cache},mode=max,image-manifest=true"),
        format!("type=local,dest={},mode=max", text(&folder)),
    );
    let about_flag = text(&about);
    let flags = ["-t", &name, "--push", "--provenance=mode=max", "--sbom"];
    let more = ["--cache-to", &remote, "--cache-to", &local, "--cache-to", "type=inline"];
    build(&host, context.path(), &[&flags[..], &more, &["--metadata-file", &about_flag]].concat());
    let about = json(&about);
    let digest = about["containerimage.digest"].as_str().expect("a digest");
    let by_digest = registry.name(&format!("app@{digest}"));
    let index =
        skopeo(&["inspect", "--tls-verify=false", "--raw", &format!("docker://{by_digest}")]);
    let index: Value = serde_json::from_str(&index).expect("an index");
    let attested = &index["manifests"][1];
    assert_eq!(attested["annotations"]["vnd.docker.reference.type"], "attestation-manifest");
    let image = &index["manifests"][0]["digest"];
    assert_eq!(&attested["annotations"]["vnd.docker.reference.digest"], image);
    let attested = attested["digest"].as_str().expect("a digest");
    let attested = format!("docker://{}", registry.name(&format!("app@{attested}")));
    let manifest = skopeo(&["inspect", "--tls-verify=false", "--raw", &attested]);
    for kind in ["https://spdx.dev/Document", "https://slsa.dev/provenance/v0.2"] {
        assert!(manifest.contains(kind), "{manifest}");
    }

    let raw = skopeo(&["inspect", "--tls-verify=false", "--raw", &format!("docker://{cache}")]);
    let raw: Value = serde_json::from_str(&raw).expect("a manifest");
    assert_eq!(raw["mediaType"], "application/vnd.oci.image.manifest.v1+json", "{raw}");

    host.transom(&["rmi", "-f", &name]).succeed();
    host.transom(&["builder", "prune", "-a", "-f"]).succeed();
    host.transom(&["pull", &by_digest]).succeed();
    let run = host.transom(&["run", "--rm", &by_digest]).succeed().text();
    assert!(run.contains("one") && run.contains("two"), "{run}");

    // The image itself keeps no record of how its layers came to be.
    let sources = [format!("type=local,src={}", text(&folder)), cache.clone(), name.clone()];
    for source in &sources {
        let said = build(&host, context.path(), &["--cache-from", source]);
        assert_eq!(said.matches("CACHED").count(), 3, "{source}: {said}");
        host.transom(&["builder", "prune", "-a", "-f"]).succeed();
    }
    let said = build(&host, context.path(), &["--cache-from", &registry.name("none:1")]);
    assert!(said.contains("ERROR") && !said.contains("CACHED"), "{said}");
}

/// `InvalidExporter`.
#[test]
fn what_an_output_or_a_cache_cannot_be_is_refused_before_anything_is_built() {
    let host = host::shared();
    let context = context();
    let path = text(context.path());
    for (flags, wanted) in [
        (["-o", "type=nfs,dest=x"], "type nfs is not supported"),
        (["--cache-to", "type=gha"], "type gha is not supported"),
        (["--cache-from", "type=local"], "a src is needed"),
        (["--attest", "type=magic"], "type=provenance or type=sbom"),
        (["--annotation", "x"], "NAME=VALUE"),
    ] {
        let command = [&["build"], &flags[..], &[&path]].concat();
        let errors = host.transom(&command).fail().errors();
        assert!(errors.contains(wanted) && !errors.contains("#1"), "{errors}");
    }
}
