//! Checks of the Dockerfile of a build, with what is known here of its base images.

use std::collections::BTreeMap;

use engine::Engine;
use image::ImageName;
use resources::Host;

use super::globals::predefined;
use super::{Builder, Options, context_key};
use crate::check::{self, Asked, Checked};
use crate::dockerfile::Fault;

impl<E: Engine, H: Host> Builder<E, H> {
    /// Checks what is to be built. Nothing is fetched for it: of base images that are not here, the
    /// variables are not known.
    pub async fn check(&self, options: &Options) -> Result<Checked, Fault> {
        let (mut bases, none) = (BTreeMap::new(), BTreeMap::new());
        let (text, args, ignore) = (&options.dockerfile, &options.args, &options.ignore);
        let predefined = &predefined(options, &self.ground);
        for name in check::bases(&Asked { text, args, predefined, ignore, bases: &none })? {
            if !options.contexts.contains_key(&context_key(&name))
                && let Some(variables) = self.variables(&name).await
            {
                bases.insert(name, variables);
            }
        }
        check::check(&Asked { text, args, predefined, ignore, bases: &bases })
    }

    /// Refuses what breaks rules where the Dockerfile says that it must not; tells whether it does.
    pub(super) async fn unless_refused(&self, options: &Options) -> Result<bool, Fault> {
        let checked = self.check(options).await?;
        match checked.refusal() {
            Some(refusal) => Err(Fault::new(0, refusal)),
            None => Ok(checked.forbids),
        }
    }

    async fn variables(&self, name: &str) -> Option<Vec<String>> {
        let parsed = ImageName::parse(name).ok()?;
        let mapped = self.images.settings().image_map.get(&parsed);
        let builtin = parsed.is_builtin() || mapped.is_some_and(ImageName::is_builtin);
        if builtin || name.eq_ignore_ascii_case("scratch") {
            return Some(Vec::new());
        }
        let image = self.images.resolve(name).await.ok()?;
        Some(image.config.config.env.unwrap_or_default())
    }
}
