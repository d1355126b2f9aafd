//! Credential guard instances are made, put into documents, and removed.

use engine::Credentials as _;
use schema::SystemId;

use crate::support::engine;

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_given_for_its_container_and_removed_twice() {
    let id = SystemId::new(format!("gmsa-{}", std::process::id())).expect("a plain name");
    let spec = r#"{"CmsPlugins":["ActiveDirectory"]}"#;
    let guard = engine().add(&id, spec).await.expect("add");
    assert_eq!((guard.credential_spec.as_str(), guard.transport.as_str()), (spec, "LRPC"));
    assert!(!guard.rpc_endpoint.is_empty());
    engine().remove(&id).await.expect("remove");
    engine().remove(&id).await.expect("one that is gone is a success");
}
