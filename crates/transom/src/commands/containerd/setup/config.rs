//! Containerd's configuration with the handler in it, or without: text in, text out. Everything
//! else in the file stays as it was, comments too.

use std::path::Path;

use anyhow::{Context, Result, bail};
use toml_edit::{Array, DocumentMut, Item, Table, value};

/// What a shim of this name is called for.
const RUNTIME: &str = "io.containerd.runhcs.v1";
/// The handler that containerd has when its configuration names none, and needs when it names others.
pub(super) const DEFAULT: &str = "runc";
const DEFAULT_RUNTIME: &str = "io.containerd.runc.v2";
/// Annotations that reach the shim: hcsshim's own, and those for what Kubernetes drops. A star does
/// not match a slash.
const ANNOTATIONS: [&str; 4] =
    ["io.microsoft.*", "microsoft.com/*", "io.transom.*", "io.transom.*/*"];
/// CRI in configurations of version 2, and in later ones.
const CRI: &str = "io.containerd.grpc.v1.cri";
const CRI_RUNTIME: &str = "io.containerd.cri.v1.runtime";
const CRI_IMAGES: &str = "io.containerd.cri.v1.images";
const LOCAL_PULL: &str = "use_local_image_pull";
/// The first containerd with the key, and the first configuration version that has its table.
const HAS_LOCAL_PULL: (u32, u32) = (2, 1);
const NEW_LAYOUT: i64 = 3;

/// The handler to have.
pub(super) struct Handler<'a> {
    pub(super) name: &'a str,
    pub(super) base: &'a Path,
    pub(super) daemon: Option<(u32, u32)>,
}

/// The configuration with the handler; nothing when it has it already.
pub(super) fn with(text: &str, handler: &Handler<'_>) -> Result<Option<String>> {
    let mut config = parse(text)?;
    if config.is_empty() {
        let layout =
            if handler.daemon.is_some_and(|version| version >= (2, 0)) { NEW_LAYOUT } else { 2 };
        config["version"] = value(layout);
    }
    let layout = layout(&config)?;
    check_is_enabled(&config)?;
    let base = handler.base.to_str().context("the base spec's path is not UTF-8")?;
    let default_runtime = default_runtime(&mut config, layout)?;
    let runtimes = runtimes(&mut config, layout)?;
    let known = runtimes.get(handler.name).and_then(|known| known.get("runtime_type"));
    if known.is_some_and(|known| known.as_str() != Some(RUNTIME)) {
        bail!("there is a handler \"{}\" of another type: choose another --handler", handler.name);
    }
    if !runtimes.contains_key(DEFAULT) && default_runtime.is_none_or(|name| name == DEFAULT) {
        table(runtimes, DEFAULT)?["runtime_type"] = value(DEFAULT_RUNTIME);
    }
    let own = table(runtimes, handler.name)?;
    own["runtime_type"] = value(RUNTIME);
    own["base_runtime_spec"] = value(base);
    for key in ["pod_annotations", "container_annotations"] {
        own[key] = value(ANNOTATIONS.into_iter().collect::<Array>());
    }
    if layout >= NEW_LAYOUT && handler.daemon.is_none_or(|version| version >= HAS_LOCAL_PULL) {
        // From 2.3 on the other way to pull leaves images of other systems packed.
        let images = table(plugins(&mut config)?, CRI_IMAGES)?;
        images[LOCAL_PULL] = value(true);
    }
    let new = config.to_string();
    Ok((new != text).then_some(new))
}

/// The configuration without the handler; nothing when it has none of ours.
pub(super) fn without(text: &str, name: &str) -> Result<Option<String>> {
    let mut config = parse(text)?;
    if config.is_empty() {
        return Ok(None);
    }
    let layout = layout(&config)?;
    let runtimes = runtimes(&mut config, layout)?;
    if !runtimes.get(name).is_some_and(is_runhcs) {
        return Ok(None);
    }
    runtimes.remove(name);
    if runtimes.len() == 1 && runtimes.get(DEFAULT).is_some_and(is_ours) {
        runtimes.remove(DEFAULT);
    }
    let last = !runtimes.iter().any(|(_, handler)| is_runhcs(handler));
    if last && layout >= NEW_LAYOUT {
        give_back_pull(plugins(&mut config)?);
    }
    Ok(Some(config.to_string()))
}

/// What handlers of a configuration still need of what `with` goes with.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// The base spec.
    pub(super) base: bool,
    /// The shim.
    pub(super) shim: bool,
}

/// What the handlers of a configuration need.
pub(super) fn needs(text: &str, base: &Path) -> Result<Needs> {
    let mut config = parse(text)?;
    if config.is_empty() {
        return Ok(Needs::default());
    }
    let layout = layout(&config)?;
    let mut needs = Needs::default();
    for (_, handler) in runtimes(&mut config, layout)?.iter() {
        let spec = handler.get("base_runtime_spec").and_then(Item::as_str);
        needs.base |= spec.is_some_and(|spec| Path::new(spec) == base);
        needs.shim |= is_runhcs(handler);
    }
    Ok(needs)
}

fn is_runhcs(handler: &Item) -> bool {
    handler.get("runtime_type").and_then(Item::as_str) == Some(RUNTIME)
}

/// Takes out the key that [`with`] sets, where it stands as [`with`] adds it.
fn give_back_pull(plugins: &mut Table) {
    let ours = plugins.get(CRI_IMAGES).and_then(Item::as_table).is_some_and(|images| {
        images.len() == 1 && images.get(LOCAL_PULL).and_then(Item::as_bool) == Some(true)
    });
    if ours {
        plugins.remove(CRI_IMAGES);
    }
}

fn parse(text: &str) -> Result<DocumentMut> {
    text.parse().context("reading containerd's configuration")
}

fn layout(config: &DocumentMut) -> Result<i64> {
    match config.get("version").and_then(Item::as_integer) {
        Some(version) if version >= 2 => Ok(version),
        _ => bail!("the configuration is of version 1: run `containerd config migrate` first"),
    }
}

/// Docker's packages of containerd switch CRI off.
fn check_is_enabled(config: &DocumentMut) -> Result<()> {
    let off = config.get("disabled_plugins").and_then(Item::as_array);
    let off = off.into_iter().flatten().filter_map(|name| name.as_str());
    if off.into_iter().any(|name| name == "cri" || name == CRI || name == CRI_RUNTIME) {
        bail!(
            "disabled_plugins switches CRI off, which handlers belong to: take it out of the list"
        );
    }
    Ok(())
}

fn plugins(config: &mut DocumentMut) -> Result<&mut Table> {
    table(config.as_table_mut(), "plugins")
}

/// The handler of pods that name none, as the configuration has it.
fn default_runtime(config: &mut DocumentMut, layout: i64) -> Result<Option<String>> {
    let containerd = table(cri(config, layout)?, "containerd")?;
    let name = containerd.get("default_runtime_name").and_then(Item::as_str);
    Ok(name.map(str::to_owned))
}

/// As [`with`] adds it, and nothing more.
fn is_ours(default: &Item) -> bool {
    let kind = default.get("runtime_type").and_then(Item::as_str);
    let keys = default.as_table().map_or(0, Table::len);
    kind == Some(DEFAULT_RUNTIME) && keys == 1
}

fn cri(config: &mut DocumentMut, layout: i64) -> Result<&mut Table> {
    table(plugins(config)?, if layout >= NEW_LAYOUT { CRI_RUNTIME } else { CRI })
}

fn runtimes(config: &mut DocumentMut, layout: i64) -> Result<&mut Table> {
    table(table(cri(config, layout)?, "containerd")?, "runtimes")
}

/// A table below another, made when it is missing; its head is written only when it has keys.
fn table<'a>(parent: &'a mut Table, name: &str) -> Result<&'a mut Table> {
    let item = parent.entry(name).or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    item.as_table_mut().with_context(|| format!("`{name}` in the configuration is no table"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handler(daemon: (u32, u32)) -> Handler<'static> {
        Handler {
            name: "runhcs",
            base: Path::new("/etc/containerd/base.json"),
            daemon: Some(daemon),
        }
    }

    #[test]
    fn an_empty_configuration_gets_the_layout_of_the_installed_containerd() {
        let old = with("", &handler((1, 6))).unwrap().unwrap();
        assert!(old.starts_with("version = 2\n"), "{old}");
        assert!(
            old.contains(r#"[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runhcs]"#),
            "{old}"
        );
        assert!(!old.contains("use_local_image_pull"), "{old}");
        let new = with("", &handler((2, 1))).unwrap().unwrap();
        assert!(new.starts_with("version = 3\n"), "{new}");
        assert!(
            new.contains(r#"[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runhcs]"#),
            "{new}"
        );
        assert!(new.contains("use_local_image_pull = true"), "{new}");
    }

    #[test]
    fn the_rest_of_a_configuration_stays_and_a_second_time_changes_nothing() {
        let text = "# mine\nversion = 2\n\n[plugins.\"io.containerd.grpc.v1.cri\"]\n  sandbox_image = \"x\" # kept\n";
        let new = with(text, &handler((1, 6))).unwrap().unwrap();
        assert!(new.starts_with(text), "{new}");
        assert_eq!(with(&new, &handler((1, 6))).unwrap(), None);
        assert_eq!(without(&new, "runhcs").unwrap().unwrap(), text);
        assert_eq!(without(text, "runhcs").unwrap(), None);
    }

    #[test]
    fn what_another_handler_needs_is_known_and_the_last_takes_all_with_it() {
        let text = "version = 3\nroot = \"/data\"\n";
        let base = Path::new("/etc/containerd/base.json");
        let one = with(text, &handler((2, 1))).unwrap().unwrap();
        let two = with(&one, &Handler { name: "second", ..handler((2, 1)) }).unwrap().unwrap();
        let left = without(&two, "runhcs").unwrap().unwrap();
        assert_eq!(needs(&left, base).unwrap(), Needs { base: true, shim: true });
        assert!(left.contains(LOCAL_PULL), "{left}");
        let other = needs(&left, Path::new("/etc/containerd/other.json")).unwrap();
        assert_eq!(other, Needs { base: false, shim: true });
        let none = without(&left, "second").unwrap().unwrap();
        assert_eq!(none, text);
        assert_eq!(needs(&none, base).unwrap(), Needs::default());
        assert_eq!(needs("", base).unwrap(), Needs::default());
    }

    #[test]
    fn linux_pods_keep_the_handler_that_they_have_by_default() {
        let new = with("", &handler((1, 6))).unwrap().unwrap();
        assert!(new.contains("runtimes.runc]"), "{new}");
        let head = "[plugins.\"io.containerd.grpc.v1.cri\".containerd";
        let text = format!("version = 2\n{head}.runtimes.runc]\nruntime_type = \"mine\"\n");
        let new = with(&text, &handler((1, 6))).unwrap().unwrap();
        assert!(new.starts_with(&text) && !new.contains("runc.v2"), "{new}");
        assert_eq!(without(&new, "runhcs").unwrap().unwrap(), text);
        let text = format!("version = 2\n{head}]\ndefault_runtime_name = \"kata\"\n");
        assert!(!with(&text, &handler((1, 6))).unwrap().unwrap().contains("runtimes.runc]"));
    }

    #[test]
    fn what_it_cannot_set_up_is_refused() {
        for (text, word) in [
            ("root = \"/x\"\n", "version 1"),
            ("version = 2\ndisabled_plugins = [\"cri\"]\n", "disabled_plugins"),
            (
                "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runhcs]\nruntime_type = \"io.containerd.runc.v2\"\n",
                "another type",
            ),
            ("version = ", "configuration"),
        ] {
            let error = format!("{:#}", with(text, &handler((1, 6))).unwrap_err());
            assert!(error.contains(word), "{error}");
        }
    }
}
