//! The configuration and the history of what was built, as `BuildKit`'s tests ask for them.

use serde_json::{Value, json};

use super::{Context, build};
use crate::support::host;
use crate::support::schema;

const DATE: &str = "2017-07-14T02:40:00Z";

/// `CmdShell`, `DefaultShellAndPath`, `InvalidJSONCommands`, `ExposeExpansion`, `Labels`,
/// `ExportedHistory`, `SourceDateEpochImageExporter` and `OCIIndexMediatype`.
#[test]
fn an_image_says_what_its_dockerfile_said_and_when_it_was_told() {
    let host = host::shared();
    let context = Context::new(
        r#"FROM scratch AS plain
COPY a.txt /
CMD ["inherited"]
FROM plain AS shell
ENTRYPOINT foo bar
FROM plain AS array
ARG PORTS="3000 4000/udp"
EXPOSE $PORTS 80
ENV EMPTY= TWO="b c"
LABEL one="1 $TWO" two=2
WORKDIR /made
SHELL ["cmd.exe", "/V:ON", "/C"]
ENTRYPOINT []random string
CMD ["x", "y z"]
"#,
    );
    context.file("a.txt", "a");
    let image = |target: &str| {
        let layout = context.path(target);
        let output = format!("type=oci,dest={layout},tar=false");
        let dated = ["--build-arg", "SOURCE_DATE_EPOCH=1500000000", "-o", &output];
        build(&host, &context, &[&["--target", target], &dated[..]].concat()).succeed();
        let index = std::fs::read(context.path(&format!("{target}/index.json")));
        let index: Value = serde_json::from_slice(&index.expect("it is there")).expect("JSON");
        assert_eq!(index["mediaType"], "application/vnd.oci.image.index.v1+json");
        let manifest = schema::blob(layout.as_ref(), &index["manifests"][0]);
        schema::blob(layout.as_ref(), &manifest["config"])
    };
    let shell = image("shell");
    assert_eq!(shell["config"]["Entrypoint"], json!(["cmd /S /C foo bar"]));
    assert_eq!(shell["config"]["ArgsEscaped"], true);
    assert_eq!(shell["config"].get("Cmd"), None, "one that was inherited is cleared");
    assert_eq!(shell["config"].get("Env"), None, "the registry has the PATH");

    let array = image("array");
    let config = &array["config"];
    assert_eq!(config["Entrypoint"], json!(["cmd.exe /V:ON /C []random string"]));
    assert_eq!(config["Cmd"], json!(["x", "y z"]));
    assert_eq!(config["ExposedPorts"], json!({ "3000/tcp": {}, "4000/udp": {}, "80/tcp": {} }));
    assert_eq!(config["Env"], json!(["EMPTY=", "TWO=b c"]));
    assert_eq!(config["Labels"], json!({ "one": "1 b c", "two": "2" }));
    assert_eq!(array["created"], DATE);
    let history = array["history"].as_array().expect("it has a history");
    let told: Vec<(&str, bool)> = history
        .iter()
        .map(|entry| {
            assert_eq!(entry["created"], DATE, "{entry}");
            (entry["created_by"].as_str().unwrap_or_default(), entry["empty_layer"] == true)
        })
        .collect();
    let wanted = [
        ("COPY a.txt / # buildkit", false),
        (r#"CMD ["inherited"]"#, true),
        (r#"ARG PORTS="3000 4000/udp""#, true),
        ("EXPOSE $PORTS 80", true),
        (r#"ENV EMPTY= TWO="b c""#, true),
        (r#"LABEL one="1 $TWO" two=2"#, true),
        ("WORKDIR /made", false),
        (r#"SHELL ["cmd.exe", "/V:ON", "/C"]"#, true),
        ("ENTRYPOINT []random string", true),
        (r#"CMD ["x", "y z"]"#, true),
    ];
    assert_eq!(told, wanted);
}
