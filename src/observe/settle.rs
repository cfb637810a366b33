//! The status of an answer, given at the end of a check, when it is known
//! whether the resolver validates.

use super::lookup::LookupResult;
use super::query::Raw;
use super::wire::Datum;
use danecheck_core::dnssec::{Fault, KnownBy, OwnValidation, SecurityStatus, Validated};
use danecheck_core::observation::{
    Answer, ExtendedError, FailureKind, Lookup, LookupFailure, RecordSet, RecordType,
    ResolverValidation,
};

/// Gives a raw answer its status (RFC 4035 section 3.2.3): the resolver's, if
/// it proved that it validates, as for a stub that trusts it like Postfix; else
/// danecheck's own.
pub(super) async fn settle<T>(
    name: &str,
    record_type: RecordType,
    looked: &LookupResult,
    validation: ResolverValidation,
    take: impl Fn(&Datum) -> Option<T>,
) -> Lookup<T> {
    let own = looked.own().await;
    let status = |authentic| security_status(authentic, validation, own.as_ref());
    let answer = match &*looked.raw {
        Raw::Records {
            aliases,
            data,
            ttl,
            original_ttl,
            authentic,
            ..
        } => match status(*authentic) {
            Err(failure) => Answer::Failed(failure),
            Ok((status, known_by)) => Answer::Records(Validated::new(
                status,
                known_by,
                RecordSet {
                    aliases: aliases.clone(),
                    records: data.iter().filter_map(take).collect(),
                    ttl: *ttl,
                    original_ttl: *original_ttl,
                },
            )),
        },
        Raw::Denied { denial, authentic } => match status(*authentic) {
            Err(failure) => Answer::Failed(failure),
            Ok((status, known_by)) => Answer::Denied(Validated::new(status, known_by, *denial)),
        },
        Raw::Failed(failure) => Answer::Failed(failure.clone()),
    };
    Lookup {
        name: name.to_owned(),
        record_type,
        answer,
        own,
        extended_error: looked.extended_error.clone(),
        authority: looked.authority().await,
    }
}

/// The status of an answer, and how it is known; or the failure that a
/// validating resolver would give instead.
fn security_status(
    authentic: bool,
    validation: ResolverValidation,
    own: Option<&OwnValidation>,
) -> Result<(SecurityStatus, KnownBy), LookupFailure> {
    // No validating resolver answers so: something between it and this host
    // does.
    let contradicts = own.is_some_and(|own| {
        let fault = own.weak_link.as_ref().map(|link| &link.fault);
        own.is_bogus() && fault == Some(&Fault::ResponseCodeContradicts)
    });
    if authentic && !contradicts {
        return Ok((SecurityStatus::Secure, KnownBy::AuthenticatedData));
    }
    if validation == ResolverValidation::Shown && !contradicts {
        return Ok((SecurityStatus::Insecure, KnownBy::NoAuthenticatedData));
    }
    match own {
        Some(own) if own.is_bogus() => Err(LookupFailure {
            kind: FailureKind::Bogus,
            extended_error: Some(ExtendedError {
                code: own.extended_error(),
                text: own.reason.clone().unwrap_or_default(),
            }),
        }),
        Some(own) if own.status != SecurityStatus::Indeterminate => {
            Ok((own.status, KnownBy::OwnValidation))
        }
        _ => Ok((
            SecurityStatus::Indeterminate,
            KnownBy::ResolverNotValidating,
        )),
    }
}
