//! OpenSSL's verdict, with the settings of Postfix
//! (`tls_client.c:tls_client_start`) as libssl hands them to the verifier
//! (`ssl_cert.c:ssl_verify_cert_chain`).
//!
//! The `openssl` crate has no functions for DANE, so they are called here; this
//! is the one place of the workspace with `unsafe`.

use std::cell::RefCell;
use std::ffi::{CString, c_char, c_int, c_long, c_uint, c_ulong, c_void};
use std::ptr;

use foreign_types::ForeignType;
use openssl::ssl::{Ssl, SslContext, SslMethod};
use openssl::stack::Stack;
use openssl::x509::X509;
use openssl::x509::store::{X509Store, X509StoreBuilder};
use openssl_sys::{
    SSL, SSL_CTX, X509_STORE, X509_STORE_CTX, X509_STORE_CTX_free, X509_STORE_CTX_get_error,
    X509_STORE_CTX_init, X509_STORE_CTX_new, X509_VERIFY_PARAM, X509_verify_cert, stack_st_X509,
};

use crate::chain::{Case, Record, Trust};

/// `smtp_tls_scert_verifydepth` (9) and the one that Postfix adds.
const DEPTH: c_int = 10;
/// Where a certificate must match.
const SECURITY_LEVEL: c_int = 1;
const NO_PARTIAL_WILDCARDS: c_uint = 4;
const NO_DANE_EE_NAMECHECKS: c_ulong = 1;
const HOSTNAME_MISMATCH: c_int = 62;

type Callback = extern "C" fn(c_int, *mut X509_STORE_CTX) -> c_int;

// Each is in OpenSSL 1.1.0 and later, with these arguments.
unsafe extern "C" {
    fn SSL_CTX_dane_enable(context: *mut SSL_CTX) -> c_int;
    fn SSL_dane_enable(ssl: *mut SSL, base_domain: *const c_char) -> c_int;
    fn SSL_dane_set_flags(ssl: *mut SSL, flags: c_ulong) -> c_ulong;
    fn SSL_dane_tlsa_add(
        ssl: *mut SSL,
        usage: u8,
        selector: u8,
        matching_type: u8,
        data: *const u8,
        length: usize,
    ) -> c_int;
    fn SSL_get0_dane(ssl: *mut SSL) -> *mut c_void;
    fn SSL_add1_host(ssl: *mut SSL, name: *const c_char) -> c_int;
    fn SSL_set_hostflags(ssl: *mut SSL, flags: c_uint);
    fn SSL_get0_param(ssl: *mut SSL) -> *mut X509_VERIFY_PARAM;
    fn X509_STORE_CTX_get0_param(context: *mut X509_STORE_CTX) -> *mut X509_VERIFY_PARAM;
    fn X509_STORE_CTX_set0_dane(context: *mut X509_STORE_CTX, dane: *mut c_void);
    fn X509_STORE_CTX_set_default(context: *mut X509_STORE_CTX, name: *const c_char) -> c_int;
    fn X509_STORE_CTX_set_verify_cb(context: *mut X509_STORE_CTX, callback: Callback);
    fn X509_STORE_CTX_get_error_depth(context: *mut X509_STORE_CTX) -> c_int;
    fn X509_VERIFY_PARAM_set1(to: *mut X509_VERIFY_PARAM, from: *const X509_VERIFY_PARAM) -> c_int;
    fn X509_VERIFY_PARAM_set_auth_level(param: *mut X509_VERIFY_PARAM, level: c_int);
    fn X509_VERIFY_PARAM_set_depth(param: *mut X509_VERIFY_PARAM, depth: c_int);
    fn X509_VERIFY_PARAM_set_time(param: *mut X509_VERIFY_PARAM, time: c_long);
}

thread_local! {
    /// What the verifier objects to, in its order.
    static RAISED: RefCell<Vec<(c_int, c_int)>> = const { RefCell::new(Vec::new()) };
}

/// Goes on whatever is wrong, as `tls_verify.c:tls_verify_certificate_callback`.
extern "C" fn note(good: c_int, context: *mut X509_STORE_CTX) -> c_int {
    if good != 1 {
        // SAFETY: OpenSSL calls this with its own context, which is alive.
        let objection = unsafe {
            (
                X509_STORE_CTX_get_error(context),
                X509_STORE_CTX_get_error_depth(context),
            )
        };
        RAISED.with_borrow_mut(|raised| raised.push(objection));
    }
    1
}

/// What OpenSSL says of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// It cannot read what the server sends: there is no handshake.
    Unreadable,
    /// The server is who it should be.
    Good,
    /// The objection that Postfix 3.10 logs: its code and its depth.
    Bad(i32, i32),
}

/// OpenSSL with the settings of Postfix.
pub(crate) struct OpenSsl {
    context: SslContext,
}

impl OpenSsl {
    pub(crate) fn new() -> Result<Self, openssl::error::ErrorStack> {
        let context = SslContext::builder(SslMethod::tls_client())?.build();
        // SAFETY: the context is alive.
        unsafe { SSL_CTX_dane_enable(context.as_ptr()) };
        Ok(Self { context })
    }

    /// The verdict on a case.
    pub(crate) fn verify(&self, case: &Case) -> Result<Said, openssl::error::ErrorStack> {
        let mut sent = Stack::new()?;
        let mut leaf = None;
        for der in &case.sent {
            // The whole of it (`tls_process_server_certificate`).
            let Some(certificate) = exactly_one(der) else {
                return Ok(Said::Unreadable);
            };
            leaf.get_or_insert_with(|| certificate.clone());
            sent.push(certificate)?;
        }
        let Some(leaf) = leaf else {
            return Ok(Said::Unreadable);
        };
        let mut store = X509StoreBuilder::new()?;
        let records: &[Record] = match &case.trust {
            Trust::Store(known) => {
                for der in known {
                    if let Ok(certificate) = X509::from_der(der) {
                        store.add_cert(certificate)?;
                    }
                }
                &[]
            }
            Trust::Records(records) => records,
        };
        let ssl = Ssl::new(&self.context)?;
        let said = self.run(&ssl, &store.build(), &leaf, &sent, records, case);
        // What is left there is no error of the next one.
        let _ = openssl::error::ErrorStack::get();
        Ok(said)
    }

    fn run(
        &self,
        ssl: &Ssl,
        store: &X509Store,
        leaf: &X509,
        sent: &Stack<X509>,
        records: &[Record],
        case: &Case,
    ) -> Said {
        let names: Vec<CString> = case
            .names
            .iter()
            .filter_map(|name| CString::new(name.as_str()).ok())
            .collect();
        let ssl = ssl.as_ptr();
        RAISED.with_borrow_mut(Vec::clear);
        // SAFETY: all that is handed over is alive until the context is freed,
        // and OpenSSL keeps none of it beyond that.
        let (error, depth) = unsafe {
            if !records.is_empty() {
                let base = names.first().map_or(c"".as_ptr(), |name| name.as_ptr());
                SSL_dane_enable(ssl, base);
                SSL_dane_set_flags(ssl, NO_DANE_EE_NAMECHECKS);
                // Postfix's list is in reverse (`tls_dane.c:tlsa_prepend`).
                let mut usable = 0;
                for record in records.iter().rev() {
                    let added = SSL_dane_tlsa_add(
                        ssl,
                        record.usage,
                        record.selector,
                        record.matching_type,
                        record.data.as_ptr(),
                        record.data.len(),
                    );
                    usable += usize::from(added > 0);
                }
                if usable == 0 {
                    // `tls_dane.c:tls_dane_enable` sets must_fail.
                    return Said::Bad(1, 0);
                }
            }
            let begin = usize::from(!records.is_empty());
            for name in names.iter().skip(begin) {
                SSL_add1_host(ssl, name.as_ptr());
            }
            SSL_set_hostflags(ssl, NO_PARTIAL_WILDCARDS);
            X509_VERIFY_PARAM_set_depth(SSL_get0_param(ssl), DEPTH);
            let context = X509_STORE_CTX_new();
            let store: *mut X509_STORE = store.as_ptr();
            let chain: *mut stack_st_X509 = sent.as_ptr().cast();
            X509_STORE_CTX_init(context, store, leaf.as_ptr(), chain);
            let param = X509_STORE_CTX_get0_param(context);
            X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
            if !records.is_empty() {
                X509_STORE_CTX_set0_dane(context, SSL_get0_dane(ssl));
            }
            X509_STORE_CTX_set_default(context, c"ssl_server".as_ptr());
            X509_VERIFY_PARAM_set1(param, SSL_get0_param(ssl));
            X509_VERIFY_PARAM_set_time(param, c_long::from(case.now));
            X509_STORE_CTX_set_verify_cb(context, note);
            X509_verify_cert(context);
            let result = (
                X509_STORE_CTX_get_error(context),
                X509_STORE_CTX_get_error_depth(context),
            );
            X509_STORE_CTX_free(context);
            result
        };
        if error == 0 {
            return Said::Good;
        }
        let raised = RAISED.with_borrow_mut(std::mem::take);
        let (code, depth) = logged(&raised).unwrap_or((error, depth));
        Said::Bad(code, depth)
    }
}

/// The certificate in DER with nothing behind it.
fn exactly_one(der: &[u8]) -> Option<X509> {
    let mut end = der.as_ptr();
    let length = c_long::try_from(der.len()).ok()?;
    // SAFETY: so many bytes are readable there, and what is made is ours.
    let certificate = unsafe {
        let made = openssl_sys::d2i_X509(ptr::null_mut(), &mut end, length);
        if made.is_null() {
            let _ = openssl::error::ErrorStack::get();
            return None;
        }
        X509::from_ptr(made)
    };
    (end.addr() - der.as_ptr().addr() == der.len()).then_some(certificate)
}

/// The objection that is kept (`tls_verify.c:update_error_state`, 3.10): the
/// closest to the leaf, and there the first; a host name only for want of
/// others.
fn logged(raised: &[(c_int, c_int)]) -> Option<(c_int, c_int)> {
    let others = raised.iter().filter(|(code, _)| *code != HOSTNAME_MISMATCH);
    let closest = others.min_by_key(|(_, depth)| *depth);
    closest.or(raised.first()).copied()
}
