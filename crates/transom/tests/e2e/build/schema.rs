//! Images as others' rules have them: the OCI image specification's schemas, in-toto's statements.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{Context, build};
use crate::support::host::{self, Host};
use crate::support::schema;

#[test]
fn images_of_builds_commits_and_imports_fit_the_schemas_of_oci() {
    let host = host::shared();
    let context = Context::new(
        "FROM transom/base\nCOPY a.txt C:/in/\nENV A=b\nLABEL c=d\nUSER ContainerUser\n\
         EXPOSE 80 81/udp\nVOLUME C:/data\nSTOPSIGNAL SIGTERM\nHEALTHCHECK --retries=2 CMD rem\n\
         WORKDIR C:/in\nENTRYPOINT cmd /c rem\nSHELL [\"cmd\", \"/S\", \"/C\"]\nONBUILD RUN rem\n",
    );
    context.file("a.txt", "a");
    let layout = context.path("layout");
    let output = format!("type=oci,dest={layout},tar=false,annotation.x=y");
    let attested = ["--provenance=mode=max,version=v1", "--sbom", "--annotation", "index:i=j"];
    let flags = [&["-t", "test/schema:built", "--load", "-o", &output][..], &attested].concat();
    build(&host, &context, &flags).succeed();
    assert_eq!(
        schema::check_layout(Path::new(&layout)),
        2,
        "the image, and what is attested of it"
    );

    let container = host.transom(&["create", "test/schema:built"]).succeed().text();
    host.transom(&["commit", "-m", "words", "-a", "a", &container, "test/schema:commit"]).succeed();
    host.transom(&["rm", &container]).succeed();
    let archive = context.path("files.tar");
    let tar =
        Command::new("tar").args(["-cf", &archive, "-C", &context.path(""), "a.txt"]).status();
    assert!(tar.is_ok_and(|status| status.success()));
    host.transom(&["import", "-c", "CMD rem", &archive, "test/schema:import"]).succeed();
    for image in ["test/schema:built", "test/schema:commit", "test/schema:import"] {
        let folder = host.scratch();
        let wanted = if image.ends_with("built") { 2 } else { 1 };
        assert_eq!(schema::check_layout(&saved(&host, image, folder.path())), wanted, "{image}");
    }
    host.transom(&["rmi", "test/schema:built", "test/schema:commit", "test/schema:import"])
        .succeed();
}

#[test]
fn the_schemas_tell_what_does_not_fit() {
    let config = json!({
        "architecture": "amd64", "os": "windows", "config": { "Env": "A=b" },
        "rootfs": { "type": "layers", "diff_ids": [] },
    });
    assert!(schema::faults("config-schema.json", &config).contains("config/Env"));
    let manifest = json!({ "schemaVersion": 2, "layers": [], "config": { "digest": "sha256:x" } });
    let faults = schema::faults("image-manifest-schema.json", &manifest);
    assert!(faults.contains("'mediaType' is a required property"), "{faults}");
}

#[test]
fn what_is_attested_is_bound_to_the_image_in_the_words_of_in_toto_slsa_and_spdx() {
    let host = host::shared();
    let context =
        Context::new("ARG X\nFROM transom/base AS a\nARG X\nRUN echo %X%\nCOPY p.exe C:/\n");
    context.file("p.exe", "MZ and more");
    for (version, kind) in
        [("v0.2", "https://slsa.dev/provenance/v0.2"), ("v1", "https://slsa.dev/provenance/v1")]
    {
        let (layout, about) = (context.path(version), context.path("about.json"));
        let output = format!("type=oci,dest={layout},tar=false");
        let asked = format!("type=provenance,mode=max,version={version},builder-id=https://me");
        let flags = ["--build-arg", "X=secret?", "--sbom", "--attest", &asked, "-o", &output];
        let more = ["-t", "some/app:1", "--metadata-file", &about];
        build(&host, &context, &[&flags[..], &more].concat()).succeed();
        let (image, statements) = attested(Path::new(&layout));
        for statement in &statements {
            assert_eq!(statement["_type"], "https://in-toto.io/Statement/v0.1");
            let subject = &statement["subject"][0];
            assert_eq!(subject["name"], "pkg:docker/some/app@1?platform=windows%2Famd64");
            assert_eq!(subject["digest"]["sha256"], image.replace("sha256:", ""));
        }
        let predicate = |kind: &str| {
            let mut all = statements.iter();
            let found = all.find(|statement| statement["predicateType"] == kind);
            found.unwrap_or_else(|| panic!("no {kind}: {statements:?}"))["predicate"].clone()
        };
        let provenance = predicate(kind);
        let (builder, request, materials) = if version == "v1" {
            let definition = &provenance["buildDefinition"];
            (
                &provenance["runDetails"]["builder"],
                &definition["externalParameters"]["request"],
                &definition["resolvedDependencies"],
            )
        } else {
            (
                &provenance["builder"],
                &provenance["invocation"]["parameters"],
                &provenance["materials"],
            )
        };
        assert_eq!(builder["id"], "https://me");
        assert_eq!(request["frontend"], "dockerfile.v0");
        assert_eq!(request["args"]["build-arg:X"], "secret?");
        assert!(materials[0]["uri"].as_str().is_some_and(|uri| uri.contains("transom/base")));
        let told = std::fs::read(&about).expect("it was written");
        let told: Value = serde_json::from_slice(&told).expect("it is JSON");
        assert_eq!(told["buildx.build.provenance"], provenance);
        let document = predicate("https://spdx.dev/Document");
        assert_eq!(document["spdxVersion"], "SPDX-2.3");
        // Whole seconds, says the specification, and its readers insist.
        let created = document["creationInfo"]["created"].as_str().expect("a time");
        assert!(created.len() == 20 && created.ends_with('Z'), "{created}");
        let packages = document["packages"].as_array().expect("it has packages");
        assert!(packages.iter().any(|package| package["name"] == "p.exe"), "{document}");
    }
    let said = build(&host, &context, &["--annotation", "index:a=b"]).fail().errors();
    assert!(said.contains("index annotations not supported"), "{said}");
}

/// The digest of a layout's image, and the statements about it.
fn attested(layout: &Path) -> (String, Vec<Value>) {
    let index = std::fs::read(layout.join("index.json")).expect("a layout has an index");
    let index: Value = serde_json::from_slice(&index).expect("it is JSON");
    let index = schema::blob(layout, &index["manifests"][0]);
    let (own, beside) = (&index["manifests"][0], &index["manifests"][1]);
    assert_eq!(own["platform"]["os"], "windows");
    let version = own["platform"]["os.version"].as_str();
    assert!(version.is_some_and(|text| text.starts_with("10.0.")), "{own}");
    assert_eq!(beside["platform"], json!({ "architecture": "unknown", "os": "unknown" }));
    let annotations = &beside["annotations"];
    assert_eq!(annotations["vnd.docker.reference.type"], "attestation-manifest");
    assert_eq!(annotations["vnd.docker.reference.digest"], own["digest"]);
    let manifest = schema::blob(layout, beside);
    let layers = manifest["layers"].as_array().expect("a manifest has layers");
    let statement = |layer: &Value| {
        assert_eq!(layer["mediaType"], "application/vnd.in-toto+json");
        let statement = schema::blob(layout, layer);
        assert_eq!(layer["annotations"]["in-toto.io/predicate-type"], statement["predicateType"]);
        statement
    };
    let digest = own["digest"].as_str().expect("a digest").to_owned();
    (digest, layers.iter().map(statement).collect())
}

/// An image as the archive that `save` writes, unpacked.
fn saved(host: &Host, image: &str, folder: &Path) -> std::path::PathBuf {
    let archive = host.transom(&["save", image]).succeed().stdout;
    let mut tar = Command::new("tar")
        .args(["-x", "-C"])
        .arg(folder)
        .stdin(Stdio::piped())
        .spawn()
        .expect("tar is a part of every Linux");
    tar.stdin.take().expect("it is piped").write_all(&archive).expect("tar reads");
    assert!(tar.wait().is_ok_and(|status| status.success()));
    folder.to_owned()
}
