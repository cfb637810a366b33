//! Which requests may make the exporter look. A page of another site can send a
//! browser to any address, with an image or a link; such a request has no
//! `Origin`. It must not cause traffic.

use hyper::header::{HeaderMap, ORIGIN, USER_AGENT};
use hyper::{Method, Request};

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comes {
    /// From these pages, from a person who gave the address, or from a program.
    Here,
    /// From a page of another site, or from another server on this machine.
    Elsewhere,
    /// From a browser that says neither.
    Unknown,
}

/// Whether a person has followed a link, as a page cannot do by itself: the list
/// of targets in Prometheus has links to `/probe`.
pub(super) fn is_followed_link<B>(request: &Request<B>) -> bool {
    let says = |name: &str, value: &str| {
        let mut values = request.headers().get_all(name).iter();
        matches!((values.next(), values.next()), (Some(one), None) if one == value)
    };
    says("sec-fetch-mode", "navigate")
        && says("sec-fetch-dest", "document")
        && says("sec-fetch-user", "?1")
        && !request.headers().contains_key("sec-purpose")
}

/// Where a request comes from, by what browsers say and pages cannot change
/// (Fetch Metadata). Browsers say it to HTTPS and to loopback; elsewhere one is
/// known by its `User-Agent`, which all browsers begin with `Mozilla/`.
pub(super) fn comes<B>(request: &Request<B>) -> Comes {
    let headers = request.headers();
    // A page that the browser fetches before anybody wants to see it.
    if headers
        .get("sec-purpose")
        .is_some_and(|purpose| purpose.as_bytes().starts_with(b"prefetch"))
    {
        return Comes::Elsewhere;
    }
    let mut sites = headers.get_all("sec-fetch-site").iter();
    match (sites.next(), sites.next()) {
        (Some(site), None) => match site.as_bytes() {
            b"same-origin" | b"none" => Comes::Here,
            // `same-site` is another port of this machine, or a neighbour's name.
            _ => Comes::Elsewhere,
        },
        (Some(_), Some(_)) => Comes::Elsewhere,
        // An origin that is not ours was refused before.
        (None, _) if *request.method() == Method::POST && headers.contains_key(ORIGIN) => {
            Comes::Here
        }
        (None, _) if is_browser(headers) => Comes::Unknown,
        (None, _) => Comes::Here,
    }
}

fn is_browser(headers: &HeaderMap) -> bool {
    headers.get_all(USER_AGENT).iter().any(|agent| {
        let name = agent.as_bytes().get(..8);
        name.is_some_and(|name| name.eq_ignore_ascii_case(b"mozilla/"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_somebody_else_is_recognised() {
        let firefox = ("user-agent", "Mozilla/5.0 (X11; rv:140.0) Gecko/20100101");
        let site = |site| ("sec-fetch-site", site);
        for (method, headers, expected) in [
            ("GET", &[][..], Comes::Here),
            ("GET", &[("user-agent", "curl/8.0")], Comes::Here),
            ("GET", &[firefox], Comes::Unknown),
            ("GET", &[firefox, site("none")], Comes::Here),
            ("GET", &[firefox, site("same-origin")], Comes::Here),
            ("GET", &[firefox, site("same-site")], Comes::Elsewhere),
            ("GET", &[firefox, site("cross-site")], Comes::Elsewhere),
            ("GET", &[site("cross-site")], Comes::Elsewhere),
            ("GET", &[site("none"), site("cross-site")], Comes::Elsewhere),
            (
                "GET",
                &[site("none"), ("sec-purpose", "prefetch;prerender")],
                Comes::Elsewhere,
            ),
            (
                "GET",
                &[firefox, ("origin", "http://localhost")],
                Comes::Unknown,
            ),
            (
                "POST",
                &[firefox, ("origin", "http://localhost")],
                Comes::Here,
            ),
            ("POST", &[firefox], Comes::Unknown),
            ("POST", &[], Comes::Here),
            (
                "POST",
                &[site("cross-site"), ("origin", "http://localhost")],
                Comes::Elsewhere,
            ),
        ] {
            let begin = Request::builder().method(method);
            let request = headers.iter().fold(begin, |request, (name, value)| {
                request.header(*name, *value)
            });
            let request = request.body(()).unwrap();
            assert_eq!(comes(&request), expected, "{method} {headers:?}");
        }
    }
}
