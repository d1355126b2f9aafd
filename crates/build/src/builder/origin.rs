//! Where files come from: the context, another one by its name, a stage, an image.

use std::path::PathBuf;

use engine::Engine;
use image::{Digest, ImageName, Layout};
use resources::Host;

use super::copy::fault_of;
use super::stages::Stages;
use super::state::State;
use crate::dockerfile::Fault;
use crate::error::Cause;
use crate::ignore::Ignore;
use crate::view::View;

/// A context beside the main one.
#[derive(Debug, Clone)]
pub enum NamedContext {
    /// A folder, and what of it is not there.
    Folder(PathBuf, Ignore),
    /// An image.
    Image(String),
    /// An image in a folder.
    Layout(Layout),
}

/// What stands before the name of a [`NamedContext::Layout`], where it is told.
pub(crate) const LAYOUT: &str = "oci-layout://";

/// How contexts are told apart: images by their familiar names, `latest` left out, and whatever the
/// case.
pub fn context_key(name: &str) -> String {
    let lower = name.to_lowercase();
    let familiar = ImageName::parse(&lower).map_or(lower, |name| name.familiar());
    familiar.strip_suffix(":latest").map(str::to_owned).unwrap_or(familiar)
}

/// Files to copy from, or to mount.
pub(super) struct Origin {
    pub(super) view: View,
    /// What of it is not there.
    pub(super) hidden: Ignore,
    /// What the whole of it is, when that is known without looking.
    pub(super) whole: Option<Digest>,
}

impl<E: Engine, H: Host> Stages<'_, E, H> {
    /// What `from` means in the stage `at`; the context when there is none.
    pub(super) async fn origin(
        &self,
        at: usize,
        from: Option<&str>,
        line: usize,
    ) -> Result<Origin, Cause> {
        let Some(from) = from else {
            let hidden = self.options.ignore.clone();
            return Ok(Origin { view: View::folder(&self.options.context), hidden, whole: None });
        };
        match self.context(from) {
            Some(NamedContext::Folder(folder, hidden)) => {
                let hidden = hidden.clone();
                return Ok(Origin { view: View::folder(folder), hidden, whole: None });
            }
            Some(NamedContext::Image(name)) => return self.of_image(name).await,
            Some(NamedContext::Layout(layout)) => {
                let image = Box::pin(self.layout(layout)).await?;
                return self.of_state(&State::of(&image)).await;
            }
            None => {}
        }
        match self.find(from) {
            Some(found) if found < at => {
                let state = self.built(found).await.map_err(fault_of)?;
                self.of_state(&state).await
            }
            Some(_) => {
                let rule = format!("\"{from}\" is a stage that comes later");
                Err(Fault::new(line, rule).into())
            }
            None => self.of_image(from).await,
        }
    }

    /// The context of this name.
    pub(super) fn context(&self, name: &str) -> Option<&NamedContext> {
        self.options.contexts.get(&context_key(name))
    }

    async fn of_image(&self, name: &str) -> Result<Origin, Cause> {
        let image = Box::pin(self.image(name)).await?;
        self.of_state(&State::of(&image)).await
    }

    async fn of_state(&self, state: &State) -> Result<Origin, Cause> {
        let view = self.drive(state).await?;
        Ok(Origin { view, hidden: Ignore::default(), whole: state.chain() })
    }

    /// The drive of an image as it is so far.
    pub(super) async fn drive(&self, state: &State) -> Result<View, Cause> {
        let folders =
            if state.layers.is_empty() { Vec::new() } else { self.unpacked(state).await? };
        Ok(self.drive_of(state, &folders))
    }

    /// The drive that the folders of its layers make, the platform among them.
    pub(super) fn drive_of(&self, state: &State, layers: &[PathBuf]) -> View {
        let mut all: Vec<PathBuf> = layers.iter().map(|folder| folder.join("fs")).collect();
        if let Some(base) = all.pop_if(|_| !state.bare) {
            // The platform stands for the base's own Windows.
            all.push(self.builder.ground.drive.clone());
            all.push(base);
        }
        View::drive(all)
    }
}
