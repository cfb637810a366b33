//! What the certificates of authorities and of servers have in common.

use rcgen::{CertificateParams, CustomExtension, DistinguishedName, DnType};
use time::OffsetDateTime;

use super::key::KeyKind;
use danecheck_core::unix_time::UnixTime;

/// When a certificate is valid, in days from the moment it is minted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// `notBefore`, in days from now; negative is in the past.
    pub from_day: i64,
    /// `notAfter`, in days from now.
    pub to_day: i64,
}

impl Validity {
    /// Issued 30 days ago, with 60 to go.
    pub const CURRENT: Self = Self::days(-30, 60);
    /// Expired 30 days ago.
    pub const EXPIRED: Self = Self::days(-120, -30);
    /// Begins in 30 days.
    pub const NOT_YET: Self = Self::days(30, 120);
    /// An authority's ten years, of which one is over.
    pub const DECADE: Self = Self::days(-365, 3285);

    /// From `from_day` to `to_day`, both counted from now.
    pub const fn days(from_day: i64, to_day: i64) -> Self {
        Self { from_day, to_day }
    }

    pub(super) fn apply(self, params: &mut CertificateParams, now: UnixTime) {
        params.not_before = moment(now.plus_days(self.from_day));
        params.not_after = moment(now.plus_days(self.to_day));
    }
}

/// A certificate that is not minted yet.
#[derive(Clone, Debug)]
pub(super) struct Template {
    pub(super) common_name: Option<String>,
    pub(super) validity: Validity,
    pub(super) key: KeyKind,
    extensions: Vec<CustomExtension>,
    /// Attributes of the subject that mean nothing.
    pub(super) attributes: u64,
}

impl Template {
    pub(super) fn new(common_name: Option<String>, validity: Validity) -> Self {
        Self {
            common_name,
            validity,
            key: KeyKind::default(),
            extensions: Vec::new(),
            attributes: 0,
        }
    }

    /// Adds an extension with this content in DER.
    pub(super) fn extend(&mut self, oid: &[u64], content: Vec<u8>, critical: bool) {
        let mut extension = CustomExtension::from_oid_content(oid, content);
        extension.set_criticality(critical);
        self.extensions.push(extension);
    }

    pub(super) fn params(&self, now: UnixTime) -> CertificateParams {
        let mut params = CertificateParams::default();
        let mut name = DistinguishedName::new();
        if let Some(common_name) = &self.common_name {
            name.push(DnType::CommonName, common_name.as_str());
        }
        for number in 0..self.attributes {
            // Types that nobody knows.
            name.push(DnType::CustomDnType(vec![2, 5, 4, 200 + number]), "x");
        }
        params.distinguished_name = name;
        params.custom_extensions.clone_from(&self.extensions);
        self.validity.apply(&mut params, now);
        params
    }
}

/// The methods that set what both kinds of certificates have.
macro_rules! template_methods {
    () => {
        /// Makes it valid at another time.
        #[must_use]
        pub fn validity(mut self, validity: Validity) -> Self {
            self.template.validity = validity;
            self
        }

        /// Gives it another kind of key.
        #[must_use]
        pub fn key(mut self, key: KeyKind) -> Self {
            self.template.key = key;
            self
        }

        /// Gives it an extension with this content in DER. One of subject
        /// alternative names stands in place of names that were given.
        #[must_use]
        pub fn extension(mut self, oid: &[u64], content: Vec<u8>, critical: bool) -> Self {
            self.template.extend(oid, content, critical);
            self
        }

        /// Gives its subject so many attributes without meaning, each in a
        /// relative distinguished name of its own.
        #[must_use]
        pub fn attributes(mut self, count: u64) -> Self {
            self.template.attributes = count;
            self
        }
    };
}

pub(super) use template_methods;

fn moment(time: UnixTime) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(time.0).expect("a certificate's time is before year 9999")
}
