//! What the targets share: a host, and planning on either kind of host.

mod host;

use plan::host::builds;
use plan::{ContainerRequest, HostFacts, Spec};
use schema::SystemId;

use host::Host;

/// Plans a spec twice: it must come out the same, and shared folders must stay in the pod's.
pub fn plan(spec: &Spec) {
    for facts in [HostFacts::unix(4), HostFacts::windows(builds::LTSC2022, 4, r"C:\shim")] {
        plan_on(spec, &facts);
    }
}

fn plan_on(spec: &Spec, facts: &HostFacts) {
    let id = SystemId::new("fuzz").expect("a plain name");
    let mut request = ContainerRequest::new(id.clone(), "fuzz", spec.clone());
    request.sandbox_folder = Some("/pods/p".to_owned());
    let [first, second] = [(); 2].map(|()| plan::container(&request, facts, &Host));
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

/// Adopts a spec twice: it comes out the same, without its Linux section, and stays as it is when
/// it is adopted again.
pub fn adopt(spec: &Spec) {
    let facts = HostFacts::unix(4);
    let adopted = || {
        let mut spec = spec.clone();
        plan::linux_shaped::adopt(&mut spec, &facts, &Host).map(|names| (spec, names))
    };
    let (Ok((spec, names)), Ok((again, _))) = (adopted(), adopted()) else { return };
    assert_eq!(spec, again);
    assert!(spec.linux.is_none());
    let mut twice = spec.clone();
    let none = plan::linux_shaped::adopt(&mut twice, &facts, &Host).expect("it asks for nothing");
    assert!(none.is_empty() && twice == spec, "{names:?}");
    plan_on(&spec, &facts);
}
