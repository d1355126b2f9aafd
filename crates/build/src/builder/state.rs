//! What an image is so far.

use std::path::PathBuf;

use image::{Digest, History, Image, ImageConfig, NewLayer};

/// The platform layer that containers stand on.
#[derive(Debug, Clone)]
pub struct Ground {
    /// Its drive.
    pub drive: PathBuf,
    /// Its registry.
    pub registry: PathBuf,
    /// Its name.
    pub key: String,
    /// Which Windows it is, as far as programs can tell: what steps did on another is done anew.
    pub edition: String,
    /// The Windows that it is.
    pub os_version: image::OsVersion,
}

/// What an image is so far.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) config: ImageConfig,
    pub(super) layers: Vec<NewLayer>,
    /// It began with nothing: below its layers is no Windows.
    pub(super) bare: bool,
    /// Variables of the build that were declared, in their order.
    pub(super) args: Vec<(String, String)>,
    /// `CMD` was set in this stage.
    pub(super) has_cmd: bool,
    /// Its steps are done anew: what others keep is not looked at, what is made is still kept.
    pub(super) anew: bool,
    /// How much of the history is the base image's.
    pub(super) inherited: usize,
    /// How many of the layers are the base image's.
    pub(super) inherited_layers: usize,
}

impl State {
    /// Nothing: `FROM scratch`.
    pub(super) fn scratch(ground: &Ground) -> Self {
        let config = ImageConfig {
            architecture: "amd64".to_owned(),
            os: "windows".to_owned(),
            os_version: Some(ground.os_version.to_string()),
            ..ImageConfig::default()
        };
        Self { config, bare: true, ..Self::default() }
    }

    /// What an image is.
    pub(super) fn of(image: &Image) -> Self {
        Self {
            config: image.config.clone(),
            layers: image.parts().collect(),
            inherited: image.config.history.len(),
            inherited_layers: image.layers.len(),
            ..Self::default()
        }
    }

    /// Makes everything that was done here as old as that.
    pub(super) fn date(&mut self, created: &str) {
        for entry in self.config.history.iter_mut().skip(self.inherited) {
            entry.created = Some(created.to_owned());
        }
        self.config.created = Some(created.to_owned());
    }

    /// The chain id of its layers.
    pub(super) fn chain(&self) -> Option<Digest> {
        let chained =
            |below: Option<Digest>, layer: &NewLayer| Some(layer.diff_id.chained(below.as_ref()));
        self.layers.iter().fold(None, chained)
    }

    /// The value of a variable. Those of Windows are the same whatever their case, and those of
    /// the image win over those of the build.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        let env = self.config.config.env.iter().flatten().filter_map(|entry| entry.split_once('='));
        let args = self.args.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        env.chain(args)
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.to_owned())
    }

    /// The environment of a `RUN`.
    pub(super) fn environment(&self) -> Vec<String> {
        let mut env: Vec<String> = self.config.config.env.clone().unwrap_or_default();
        let is_set = |env: &[String], name: &str| {
            let names = env.iter().filter_map(|entry| entry.split_once('='));
            names.into_iter().any(|(other, _)| other.eq_ignore_ascii_case(name))
        };
        for (name, value) in &self.args {
            if !is_set(&env, name) {
                env.push(format!("{name}={value}"));
            }
        }
        env
    }

    /// The shell in effect.
    pub(super) fn shell(&self) -> Vec<String> {
        let own = self.config.config.shell.clone();
        own.unwrap_or_else(|| ["cmd", "/S", "/C"].map(str::to_owned).to_vec())
    }

    /// The shell in effect, as a command line begins with it: word for word, but for a program whose
    /// path has blanks in it and no quotes, which Windows would take apart.
    pub(super) fn shell_line(&self) -> String {
        let mut words = self.shell();
        if let Some(program) = words.first_mut().filter(|program| is_path_with_blanks(program)) {
            *program = format!("\"{program}\"");
        }
        words.join(" ")
    }

    /// Notes a step. One that makes no layer is as old as the image so far, so that the same
    /// Dockerfile gives the same image again.
    pub(super) fn note(&mut self, by: String, layer: Option<(NewLayer, String)>) {
        let empty = layer.is_none();
        if let Some((layer, created)) = layer {
            self.config.rootfs.diff_ids.push(layer.diff_id.clone());
            self.layers.push(layer);
            self.config.created = Some(created);
        }
        self.config.history.push(History {
            created: self.config.created.clone(),
            created_by: Some(by),
            comment: Some("buildkit.dockerfile.v0".to_owned()),
            empty_layer: empty.then_some(true),
            ..History::default()
        });
    }
}

/// A path alone, and not a command line that somebody wrote as one word.
fn is_path_with_blanks(program: &str) -> bool {
    let Some((begins, _)) = program.split_once(' ') else { return false };
    let ends = program.to_ascii_lowercase();
    begins.contains(['\\', '/'])
        && !program.contains('"')
        && ends.find(".exe").is_some_and(|at| at + 4 == ends.len())
}
