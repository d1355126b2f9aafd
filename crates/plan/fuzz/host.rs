//! A host on which a path's length decides what is there: what is planned on it is the same every
//! time. The fuzz targets and the property tests of `plan` share it.

use plan::host::{Found, LookupError, Lookups};

/// Its paths are there or not, by their length.
pub(crate) struct Host;

impl Lookups for Host {
    fn find(&self, path: &str) -> Result<Found, LookupError> {
        match path.len() % 3 {
            0 => Ok(Found::Directory),
            1 => Ok(Found::File(path.len() as u64)),
            _ => Err(LookupError { path: path.into(), why: "it is not there".into() }),
        }
    }

    fn resolve(&self, path: &str) -> Result<String, LookupError> {
        self.find(path).map(|_| path.to_owned())
    }

    fn read(&self, path: &str) -> Result<String, LookupError> {
        self.find(path).map(|_| match path.len() % 2 {
            0 => "{\"namespace\": {}}".to_owned(),
            _ => format!("nameserver 10.0.0.1\n10.0.0.2 {path}\nsearch {path}"),
        })
    }

    fn layer_id(&self, path: &str) -> Result<String, LookupError> {
        Ok(path.to_owned())
    }

    fn new_guid(&self) -> String {
        "00000000-0000-4000-8000-000000000001".into()
    }
}
