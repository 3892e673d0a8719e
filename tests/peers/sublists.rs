//! Statistics of the lists of subscriptions.

use natsight::catalog::{CATALOG, Kind, Origin};

use super::*;

#[test]
fn recorded_statistics_are_shown_of_each_version() {
    for version in VERSIONS {
        let answer = body(&format!("{version}/single/subsz.json"));
        let known: Json = serde_json::from_slice(&answer).unwrap();
        let (series, facts) = decode("subsz", &Context::default(), &answer).unwrap();
        assert_eq!(series.len(), 8, "{version}: {series:?}");
        assert_eq!(
            value(&series, "nats_sublist_matches{"),
            known["num_matches"].to_string()
        );
        let has_id = !["2.9.10", "2.10.26", "2.11.11"].contains(&version);
        assert_eq!(facts.server_id.is_some(), has_id, "{version}");
    }
}

#[test]
fn sums_over_present_accounts_are_no_counters() {
    let families = CATALOG.iter().filter(|def| def.origin == Origin::Subsz);
    assert_eq!(families.filter(|def| def.kind == Kind::Gauge).count(), 8);
}

#[test]
fn a_field_that_the_version_lacks_is_absent() {
    let (series, _) = decode("subsz", &Context::default(), br#"{"num_cache":3}"#).unwrap();
    assert_eq!(series.len(), 1);
}
