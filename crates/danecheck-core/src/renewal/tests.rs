use super::plan::duration;
use super::*;
use crate::certificate::mint::Chain;

#[test]
fn records_are_printed_as_zone_files_have_them() {
    let chain = Chain::new("mx.test").presented();
    let owners = [owner_name("mx.test", 25), owner_name("mx2.test.", 2525)];
    let records = new_records(&chain, Wanted::EndEntity, &owners);
    assert_eq!(records.len(), 2);
    let line = records[0].zone_line();
    assert!(
        line.starts_with("_25._tcp.mx.test. IN TLSA 3 1 1 "),
        "{line}"
    );
    let line = records[1].zone_line();
    assert!(
        line.starts_with("_2525._tcp.mx2.test. IN TLSA 3 1 1 "),
        "{line}"
    );
    let bare = new_records(&chain, Wanted::EndEntity, &[]);
    assert!(bare[0].zone_line().starts_with("3 1 1 "));
    let authorities = new_records(&chain, Wanted::Authorities, &[]);
    assert_eq!(authorities.len(), 2);
    assert!(authorities[0].record.starts_with("2 1 1 "));
}

#[test]
fn times_are_told_in_the_largest_unit_that_fits() {
    for (seconds, text) in [
        (45, "45 seconds"),
        (60, "1 minute"),
        (5400, "90 minutes"),
        (3600, "1 hour"),
        (172_800, "2 days"),
    ] {
        assert_eq!(duration(seconds), text);
    }
}
