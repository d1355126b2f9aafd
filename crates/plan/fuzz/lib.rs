//! What both targets share: a host on which a path's length decides what is there, and planning on
//! either kind of host.

use plan::host::{Found, LookupError, Lookups, builds};
use plan::{ContainerRequest, HostFacts, Spec};
use schema::SystemId;

struct Host;

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
        self.find(path).map(|_| path.to_owned())
    }

    fn layer_id(&self, path: &str) -> Result<String, LookupError> {
        Ok(path.to_owned())
    }

    fn new_guid(&self) -> String {
        "00000000-0000-4000-8000-000000000001".into()
    }
}

/// Plans a spec twice: it must come out the same, and shared folders must stay in the pod's.
pub fn plan(spec: &Spec) {
    let id = SystemId::new("fuzz").expect("a plain name");
    for facts in [HostFacts::unix(4), HostFacts::windows(builds::LTSC2022, 4, r"C:\shim")] {
        let mut request = ContainerRequest::new(id.clone(), "fuzz", spec.clone());
        request.sandbox_folder = Some("/pods/p".to_owned());
        let [first, second] = [(); 2].map(|()| plan::container(&request, &facts, &Host));
        match (first, second) {
            (Ok(first), Ok(second)) => {
                assert_eq!(first, second);
                first.to_table();
                for step in &first.steps {
                    if let plan::Step::CreateFolder { path } = step {
                        let name = path.strip_prefix("/pods/p/").expect("it is in the pod's");
                        assert!(!name.contains('/'), "{path}");
                    }
                }
            }
            (Err(first), Err(second)) => assert_eq!(first.to_string(), second.to_string()),
            (first, second) => panic!("planned {first:?}, then {second:?}"),
        }
    }
}
