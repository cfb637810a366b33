//! Files with the certificates of a server: PEM, or one certificate in DER. Other
//! forms are named, with the command that converts them.

use std::path::Path;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use danecheck_core::certificate::{Certificate, presented_chain};
use danecheck_core::renewal::is_authority;

use super::input::read;
use super::stop::Stop;

/// The largest file of a server's certificates; what a server sends is limited
/// to 64 KiB (`observe::budget::CHAIN_BYTES`).
const LARGEST: u64 = 1 << 20;

/// Certificates in such a file.
const MOST: usize = 100;

/// What to give instead.
const GIVE: &str = "give the server's certificate, as in fullchain.pem";

/// The certificates of a server, its own first.
pub(super) fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, Stop> {
    let ders = certificates(path)?;
    let chain = presented_chain(&ders);
    let first = chain
        .iter()
        .flatten()
        .next()
        .filter(|first| is_authority(first));
    let Some(first) = first else {
        return Ok(ders);
    };
    let name = first.subject().common_names().first().cloned();
    let name = name.unwrap_or_else(|| first.subject().to_string());
    let what = match chain.iter().flatten().any(|other| !is_authority(other)) {
        true => format!(
            "begins with the certificate of an authority ({name}): put the server's certificate \
             first, as in fullchain.pem"
        ),
        false => format!(
            "is the certificate of an authority ({name}) and not of a server: give the server's, \
             as in fullchain.pem. `danecheck tlsa --ta` prints the records of authorities"
        ),
    };
    Err(Stop::Sentence(format!("{}: {what}", path.display())))
}

/// The certificates of a file, for any owner.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Stop> {
    let refuse = |why: &str| Stop::Sentence(format!("{}: {why}", path.display()));
    let bytes = read(path, LARGEST)?;
    let pem = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes);
    let ders: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pem)
        .take(MOST + 1)
        .collect::<Result<_, _>>()
        .map_err(|_| refuse(&format!("cannot be read as PEM: {GIVE}")))?;
    if ders.len() > MOST {
        return Err(refuse(&format!(
            "contains more than {MOST} certificates: {GIVE}"
        )));
    }
    match presented_chain(&ders).first() {
        Some(Ok(_)) => return Ok(ders),
        Some(Err(error)) => return Err(refuse(&error.to_string())),
        None => {}
    }
    let why = match (Certificate::from_der(&bytes), form_of(pem)) {
        (Ok(_), _) => return Ok(vec![CertificateDer::from(bytes)]),
        (Err(_), Some(form)) => form.instead(&path.display().to_string()),
        (Err(error), None) if bytes.starts_with(&[SEQUENCE]) => format!("{error}: {GIVE}"),
        (Err(_), None) => format!("contains no certificate: {GIVE}"),
    };
    Err(refuse(&why))
}

/// Before a text in UTF-8, as some programs write it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The tag with which all DER here begins (X.690).
const SEQUENCE: u8 = 0x30;

/// Forms that hold no certificate, or one that has to be taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// PKCS#7 (`.p7b`), in DER.
    Pkcs7,
    /// PKCS#7, in PEM.
    Pkcs7Pem,
    /// PKCS#12 (`.p12`, `.pfx`).
    Pkcs12,
    /// OpenSSL's own form of a trusted certificate, or an old name of the form.
    OtherName,
    /// Java's own form of a keystore.
    Java,
    PrivateKey,
    PublicKey,
    Request,
    /// Any of them as Base64, without the lines of PEM.
    Base64,
}

impl Form {
    /// What it is, and what to do.
    fn instead(self, name: &str) -> String {
        let name = quoted(name);
        let convert =
            |command: &str| format!("`openssl {command} -out chain.pem` converts it to PEM");
        match self {
            Self::Pkcs7 => format!(
                "is in the form PKCS#7: {}",
                convert(&format!("pkcs7 -inform DER -in {name} -print_certs"))
            ),
            Self::Pkcs7Pem => format!(
                "is in the form PKCS#7: {}",
                convert(&format!("pkcs7 -in {name} -print_certs"))
            ),
            Self::Pkcs12 => format!(
                "is in the form PKCS#12: {}",
                convert(&format!("pkcs12 -in {name} -nokeys"))
            ),
            Self::OtherName => format!(
                "has the certificate under another name: {}",
                convert(&format!("x509 -in {name}"))
            ),
            Self::Java => format!(
                "is a Java keystore: `keytool -exportcert -rfc -alias ALIAS -keystore {name} -file \
                 chain.pem` converts it to PEM"
            ),
            Self::PrivateKey => format!("is a private key and no certificate: {GIVE}"),
            Self::PublicKey => format!("is a public key and no certificate: {GIVE}"),
            Self::Request => format!("is a request for a certificate: {GIVE}"),
            Self::Base64 => "is Base64 without the lines of PEM: if it is a certificate, put \
                             `-----BEGIN CERTIFICATE-----` before it and `-----END \
                             CERTIFICATE-----` after it"
                .to_owned(),
        }
    }
}

/// The name as a shell takes it.
fn quoted(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@+,".contains(c);
    match name.chars().all(is_plain) && !name.starts_with('-') {
        true => name.to_owned(),
        false => "FILE".to_owned(),
    }
}

/// The form of a file that is no certificate by itself, if it is a known one.
fn form_of(bytes: &[u8]) -> Option<Form> {
    if bytes.starts_with(b"\xfe\xed\xfe\xed") {
        return Some(Form::Java);
    }
    if let Some(content) = content(bytes) {
        // RFC 2315 section 7: an identifier of the content, here signedData. RFC
        // 7292 section 4: the version 3. RFC 5208 and 8017: the version 0.
        return match content {
            [
                0x06,
                0x09,
                0x2a,
                0x86,
                0x48,
                0x86,
                0xf7,
                0x0d,
                0x01,
                0x07,
                ..,
            ] => Some(Form::Pkcs7),
            [0x02, 0x01, 0x03, SEQUENCE, ..] => Some(Form::Pkcs12),
            [0x02, 0x01, 0x00 | 0x01, ..] => Some(Form::PrivateKey),
            // RFC 2986 section 4.1: a request begins with its version, a certificate
            // with a tag of it or with a longer number.
            [SEQUENCE, ..] => match self::content(content) {
                Some([0x02, 0x01, 0x00, SEQUENCE, ..]) => Some(Form::Request),
                _ => None,
            },
            _ => None,
        };
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let label = |line: &str| {
        let label = line.trim().strip_prefix("-----BEGIN ")?;
        Some(match label.strip_suffix("-----")? {
            "PKCS7" | "CMS" => Form::Pkcs7Pem,
            "TRUSTED CERTIFICATE" | "X509 CERTIFICATE" => Form::OtherName,
            "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => Form::Request,
            "PUBLIC KEY" => Form::PublicKey,
            label if label.ends_with("PRIVATE KEY") => Form::PrivateKey,
            _ => return None,
        })
    };
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || "+/= \r\n".contains(c);
    text.lines().find_map(label).or_else(|| {
        // The first bytes of a SEQUENCE with a length of two bytes.
        (text.trim_start().starts_with("MII") && text.chars().all(is_base64))
            .then_some(Form::Base64)
    })
}

/// The content of the SEQUENCE with which the bytes begin.
fn content(bytes: &[u8]) -> Option<&[u8]> {
    let [SEQUENCE, length, rest @ ..] = bytes else {
        return None;
    };
    match length {
        // The indefinite length is BER, which PKCS#7 and PKCS#12 may be.
        0..=0x80 => Some(rest),
        long => rest.get(usize::from(long & 0x7f)..),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_forms_are_known_by_their_first_bytes() {
        let der: [(&[u8], Option<Form>); 9] = [
            (
                b"\x30\x82\x09\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0",
                Some(Form::Pkcs7),
            ),
            (
                b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0",
                Some(Form::Pkcs7),
            ),
            (b"\x30\x82\x0a\x31\x02\x01\x03\x30\x82", Some(Form::Pkcs12)),
            (
                b"\x30\x82\x04\xbe\x02\x01\x00\x30\x0d",
                Some(Form::PrivateKey),
            ),
            (b"\x30\x77\x02\x01\x01\x04\x20", Some(Form::PrivateKey)),
            (
                b"\x30\x82\x02\x5c\x30\x82\x01\x44\x02\x01\x00\x30\x17",
                Some(Form::Request),
            ),
            // A certificate.
            (
                b"\x30\x82\x03\x0b\x30\x82\x01\xf3\xa0\x03\x02\x01\x02",
                None,
            ),
            (b"\xfe\xed\xfe\xed\0\0\0\x02", Some(Form::Java)),
            (b"\x30", None),
        ];
        for (bytes, form) in der {
            assert_eq!(form_of(bytes), form, "{bytes:?}");
        }
        for (text, form) in [
            ("-----BEGIN PKCS7-----\nMII=\n", Some(Form::Pkcs7Pem)),
            (
                "x\n-----BEGIN EC PRIVATE KEY-----\n",
                Some(Form::PrivateKey),
            ),
            (
                "-----BEGIN CERTIFICATE REQUEST-----\r\n",
                Some(Form::Request),
            ),
            (
                "-----BEGIN TRUSTED CERTIFICATE-----\n",
                Some(Form::OtherName),
            ),
            ("MIIDCzCCAfOgAwIB\nAgIU\n", Some(Form::Base64)),
            ("MIID, not Base64\n", None),
            ("", None),
        ] {
            assert_eq!(form_of(text.as_bytes()), form, "{text}");
        }
        let said = Form::Pkcs12.instead("my certificate.p12");
        assert!(said.contains(" -in FILE "), "{said}");
    }
}
