//! Whose copied files are, and who may do what with them, as the layers have it that they come from.
//! What comes from a context has nothing of the kind.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::PathBuf;

use image::Descriptors;

use super::{CopyError, Selection};
use crate::view::View;

impl Selection {
    /// Lets what was selected in `view` keep its owner and its access list, unless it is given to
    /// somebody.
    pub(crate) fn keep_descriptors(&mut self, view: &View) -> Result<(), CopyError> {
        if self.owner.is_some() {
            return Ok(());
        }
        let mut layers: HashMap<PathBuf, Descriptors> = HashMap::new();
        for item in &mut self.items {
            let origin = item.what.origin().and_then(|path| view.layer_of(path));
            let Some((layer, below)) = origin else { continue };
            let descriptors = match layers.entry(layer) {
                Entry::Occupied(read) => read.into_mut(),
                Entry::Vacant(new) => {
                    let read = Descriptors::of(new.key()).map_err(Box::new)?;
                    new.insert(read)
                }
            };
            item.descriptor = descriptors.get(below).map(str::to_owned);
        }
        Ok(())
    }
}
