//! Replies as bytes, broken in every place.

use std::str::FromStr;

use domain::base::iana::{Class, Rcode, Rtype};
use domain::base::message_builder::MessageBuilder;
use domain::base::opt::ExtendedError;
use domain::base::{Name, Record, Ttl};
use domain::rdata::{Cname, Mx};

use super::super::wire::{Datum, WireName, is_bounded, read, text};
use danecheck_core::observation::{MxRecord, RecordType};

fn name(text: &str) -> WireName {
    WireName::from_str(text).unwrap()
}

/// `mx.test. MX` through an alias, with an OPT record that says why.
fn reply() -> Vec<u8> {
    let mut builder = MessageBuilder::new_vec();
    builder.header_mut().set_qr(true);
    builder.header_mut().set_ad(true);
    builder.header_mut().set_rcode(Rcode::NOERROR);
    let mut builder = builder.question();
    builder.push((name("Mx.test."), Rtype::MX)).unwrap();
    let mut builder = builder.answer();
    let alias = Cname::new(name("Real.test."));
    let ttl = Ttl::from_secs(60);
    builder
        .push(Record::new(name("mx.test."), Class::IN, ttl, alias))
        .unwrap();
    for (preference, host) in [(20, "B.test."), (10, "a\\046x.test."), (0, ".")] {
        let mx = Mx::new(preference, Name::<Vec<u8>>::from_str(host).unwrap());
        builder
            .push(Record::new(
                name("real.test."),
                Class::IN,
                Ttl::from_secs(30),
                mx,
            ))
            .unwrap();
    }
    let mut builder = builder.additional();
    let reason = ExtendedError::<Vec<u8>>::new_with_str(7u16.into(), "late").unwrap();
    builder.opt(|opt| opt.push(&reason)).unwrap();
    builder.finish()
}

#[test]
fn a_reply_is_read_as_postfix_reads_it() {
    let reply = read(&reply(), &name("mx.test."), RecordType::Mx).unwrap();
    assert!(reply.authentic && !reply.truncated && !reply.spoiled);
    assert_eq!(reply.failure(), None);
    assert_eq!(reply.aliases, ["real.test"]);
    assert_eq!(reply.ttl, 30);
    let mx = |preference, host: &str| {
        Datum::Mx(MxRecord {
            preference,
            host: host.to_owned(),
        })
    };
    // The dot within a label stays told from the dots between them.
    assert_eq!(
        reply.data,
        [mx(0, ""), mx(10, "a\\.x.test"), mx(20, "b.test")]
    );
    let reason = reply.extended_error.unwrap();
    assert_eq!((reason.code, reason.text.as_str()), (7, "late"));
}

#[test]
fn a_reply_to_another_question_is_none() {
    assert!(read(&reply(), &name("other.test."), RecordType::Mx).is_none());
    assert!(read(&reply(), &name("mx.test."), RecordType::A).is_none());
}

#[test]
fn no_byte_can_do_harm() {
    let whole = reply();
    for length in 0..whole.len() {
        let cut = whole.get(..length).unwrap();
        let _ = read(cut, &name("mx.test."), RecordType::Mx);
        for value in [0, 1, 0x3f, 0xc0, 0xff] {
            let mut bent = whole.clone();
            bent[length] = value;
            for asked in [RecordType::Mx, RecordType::Cname, RecordType::Tlsa] {
                let _ = read(&bent, &name("mx.test."), asked);
            }
        }
    }
}

#[test]
fn the_root_is_an_empty_name() {
    assert_eq!(text(name(".")), "");
    assert_eq!(text(name("A.Test.")), "a.test");
}

/// An answer to `mx.test. A` of these aliases and addresses.
fn answer(aliases: &[(&str, &str)], addresses: &[&str]) -> Vec<u8> {
    let mut builder = MessageBuilder::new_vec();
    builder.header_mut().set_qr(true);
    let mut builder = builder.question();
    builder.push((&name("mx.test."), Rtype::A)).unwrap();
    let mut builder = builder.answer();
    let ttl = Ttl::from_secs(60);
    for owner in addresses {
        let address = domain::rdata::A::from_octets(192, 0, 2, 1);
        let record = Record::new(name(owner), Class::IN, ttl, address);
        builder.push(record).unwrap();
    }
    for (owner, target) in aliases {
        let alias = Cname::new(name(target));
        let record = Record::new(name(owner), Class::IN, ttl, alias);
        builder.push(record).unwrap();
    }
    builder.finish()
}

#[test]
fn what_the_way_from_the_question_does_not_reach_is_no_answer() {
    for (aliases, addresses, found, end) in [
        (&[][..], &["mx.test."][..], 1, None),
        (&[], &["other.test."], 0, None),
        (&[], &["other.test.", "mx.test."], 1, None),
        (&[("foo.test.", "other.test.")], &["other.test."], 0, None),
        (&[("foo.test.", "other.test.")], &[], 0, None),
        (&[("mx.test.", "b.test.")], &["b.test."], 1, Some("b.test")),
        (&[("mx.test.", "b.test.")], &["c.test."], 0, Some("b.test")),
        // In any order.
        (
            &[("b.test.", "c.test."), ("MX.test.", "B.test.")],
            &["c.test."],
            1,
            Some("c.test"),
        ),
        // In a circle.
        (
            &[("mx.test.", "b.test."), ("b.test.", "mx.test.")],
            &["b.test."],
            0,
            Some("b.test"),
        ),
    ] {
        let bytes = answer(aliases, addresses);
        let reply = read(&bytes, &name("mx.test."), RecordType::A).unwrap();
        assert_eq!(reply.data.len(), found, "{aliases:?} {addresses:?}");
        let next = reply.next.map(text);
        assert_eq!(next.as_deref(), end, "{aliases:?} {addresses:?}");
    }
}

/// So many records of a name with so many labels, which is written once.
fn of_pointers(labels: usize, count: u16, rtype: Rtype) -> Vec<u8> {
    let mut bytes = vec![0, 1, 0x80, 0, 0, 1];
    bytes.extend(count.to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend([1, b'a'].repeat(labels));
    bytes.push(0);
    bytes.extend(rtype.to_int().to_be_bytes());
    bytes.extend([0, 1]);
    for _ in 0..count {
        bytes.extend([0xc0, 12]);
        bytes.extend(rtype.to_int().to_be_bytes());
        bytes.extend([0, 1, 0, 0, 0, 60, 0, 2, 0xc0, 12]);
    }
    bytes
}

#[test]
fn pointers_to_long_names_are_not_written_out() {
    let flood = of_pointers(115, 4500, Rtype::CNAME);
    assert!(flood.len() < 65_535);
    assert!(!is_bounded(&flood));
    let long = name(&"a.".repeat(115));
    assert!(read(&flood, &long, RecordType::Cname).is_none());
    // Of every type, in every section.
    for rtype in [Rtype::NS, Rtype::PTR, Rtype::A] {
        assert!(!is_bounded(&of_pointers(115, 4500, rtype)), "{rtype}");
    }
    let mut elsewhere = flood;
    elsewhere.copy_within(6..8, 10);
    elsewhere[6..8].fill(0);
    assert!(!is_bounded(&elsewhere));
    // A long set with names as they are is none.
    assert!(is_bounded(&of_pointers(12, 1000, Rtype::CNAME)));
    assert!(is_bounded(&reply()));
}
