//! The ways out that networks give: a namespace has one, however many networks it is on.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::{Map, Value, json};

/// Where a way out leads.
const EVERYWHERE: [&str; 2] = ["0.0.0.0/0", "::/0"];

/// Takes the way out from a plugin's configuration; its other routes stay. Two would be one too many:
/// what comes in by the first must leave by it.
pub(super) fn without_way_out(plugin: &mut Map<String, Value>) {
    let routes = plugin.get_mut("ipam").and_then(|ipam| ipam.get_mut("routes"));
    if let Some(Value::Array(routes)) = routes {
        routes.retain(|route| !leads_out(route));
    }
    if plugin.get(IS_WAY_OUT) == Some(&json!(true)) {
        // A bridge's other word for it, which says also that the bridge has an address.
        plugin.insert(IS_WAY_OUT.into(), json!(false));
        plugin.insert("isGateway".into(), json!(true));
    }
}

/// By which address a network leads out. The routes that its plugins told are all that some have to
/// say; those of a definition were held back where another network led out before.
pub(super) fn way_out(
    plugins: &[Map<String, Value>],
    result: Option<&Value>,
    gateway: Option<IpAddr>,
) -> Option<Ipv4Addr> {
    let defined = plugins.iter().filter_map(|plugin| plugin.get("ipam")?["routes"].as_array());
    let told = result.and_then(|result| result["routes"].as_array());
    let mut routes =
        told.into_iter().chain(defined).flatten().filter(|r| r["dst"] == EVERYWHERE[0]);
    let found = routes.next();
    let named = found.and_then(|route| route["gw"].as_str()?.parse().ok());
    let is_way_out = || plugins.iter().any(|plugin| plugin.get(IS_WAY_OUT) == Some(&json!(true)));
    match named.or_else(|| gateway.filter(|_| found.is_some() || is_way_out()))? {
        IpAddr::V4(gateway) => Some(gateway),
        IpAddr::V6(_) => None,
    }
}

/// What a bridge calls it.
const IS_WAY_OUT: &str = "isDefaultGateway";

fn leads_out(route: &Value) -> bool {
    route["dst"].as_str().is_some_and(|to| EVERYWHERE.contains(&to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin(text: &Value) -> Map<String, Value> {
        text.as_object().unwrap().clone()
    }

    #[test]
    fn only_the_way_out_is_taken_from_a_later_network() {
        let mut config = plugin(&json!({
            "isDefaultGateway": true,
            "ipam": { "routes": [
                { "dst": "0.0.0.0/0" }, { "dst": "10.1.0.0/16", "gw": "10.2.0.9" }, { "dst": "::/0" }
            ] }
        }));
        without_way_out(&mut config);
        let left = json!([{ "dst": "10.1.0.0/16", "gw": "10.2.0.9" }]);
        assert_eq!(config["ipam"]["routes"], left);
        assert_eq!(
            (&config["isDefaultGateway"], &config["isGateway"]),
            (&json!(false), &json!(true))
        );
        let mut config = plugin(&json!({ "ipam": { "type": "dhcp" } }));
        without_way_out(&mut config);
        assert_eq!(config["ipam"], json!({ "type": "dhcp" }));
    }

    #[test]
    fn the_way_out_is_in_the_definition_or_in_what_the_plugins_told() {
        let gateway: Option<IpAddr> = Some("10.2.0.1".parse().unwrap());
        let address = |text: &str| text.parse::<Ipv4Addr>().ok();
        let quiet = [plugin(&json!({ "ipam": { "type": "dhcp" } }))];
        let told = json!({ "routes": [{ "dst": "0.0.0.0/0", "gw": "10.2.0.7" }] });
        assert_eq!(way_out(&quiet, Some(&told), gateway), address("10.2.0.7"));
        let told = json!({ "routes": [{ "dst": "0.0.0.0/0" }] });
        assert_eq!(way_out(&quiet, Some(&told), gateway), address("10.2.0.1"));
        assert_eq!(way_out(&quiet, Some(&json!({})), gateway), None);
        let defined = [plugin(&json!({ "ipam": { "routes": [{ "dst": "0.0.0.0/0" }] } }))];
        assert_eq!(way_out(&defined, None, gateway), address("10.2.0.1"));
        assert_eq!(way_out(&defined, None, None), None);
        let bridge = [plugin(&json!({ "isDefaultGateway": true }))];
        assert_eq!(way_out(&bridge, None, gateway), address("10.2.0.1"));
    }
}
