//! The headers of every answer of the pages.

use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};

use crate::serve::answered::Answered;
use danecheck_core::report::html::content_security_policy;

/// What a page may load and do: the style, the script and the icon of this
/// server, and forms and events to it.
const OWN: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
                   connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What everything else may.
const NOTHING: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors \
                       'none'";

/// What an answer is, for the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    /// A page of this server.
    Own,
    /// A report, whose policy names its style and its script.
    Report,
    /// No page.
    Nothing,
}

/// Adds the headers.
pub(super) fn guarded(mut answer: Answered, policy: Policy) -> Answered {
    let policy = match policy {
        Policy::Own => HeaderValue::from_static(OWN),
        Policy::Report => report_policy(),
        Policy::Nothing => HeaderValue::from_static(NOTHING),
    };
    let headers = answer.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // `no-referrer` would make a form's own Origin `null` (Fetch, "serializing
        // a request origin"), which is refused.
        (REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-embedder-policy"),
            "require-corp",
        ),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        ),
        (VARY, "accept-language, sec-fetch-site"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// The policy of a report: its own style and script, and no frame.
fn report_policy() -> HeaderValue {
    let policy = content_security_policy() + "; frame-ancestors 'none'";
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static(NOTHING))
}
