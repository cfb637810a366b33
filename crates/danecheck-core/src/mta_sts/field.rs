//! The fields of policies and of records (RFC 8461 sections 3.1 and 3.2,
//! RFC 8460 section 3).

/// What is wrong with a required field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldFault {
    /// It is missing.
    #[error("it has no field `{0}`")]
    Missing(&'static str),
    /// Its value is invalid.
    #[error("invalid value `{value}` for `{name}`: {why}")]
    Value {
        /// The field.
        name: &'static str,
        /// The value.
        value: String,
        /// The rule that it breaks.
        why: &'static str,
    },
}

impl FieldFault {
    pub(super) fn value(name: &'static str, value: &str, why: &'static str) -> Self {
        Self::Value {
            name,
            value: value.to_owned(),
            why,
        }
    }
}

/// sts-ext-name and sts-policy-ext-name: a letter or digit first, and 32
/// characters at most.
pub(crate) fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= 32
        && bytes
            .next()
            .is_some_and(|first| first.is_ascii_alphanumeric())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}
