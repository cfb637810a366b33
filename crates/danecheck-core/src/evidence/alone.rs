//! A text of Postfix's that stands alone, without the line around it.

use super::cause::Cause;
use super::classify;
use super::line::{Body, Line, single_blanks};

/// The cause that a text of a log, of a queue listing or of a notice has: the
/// text in the parentheses, a whole line, or the line before a delivery.
pub fn cause_of_text(text: &str) -> Option<&'static Cause> {
    let inner = match Line::parse(text).map(|line| line.body) {
        Some(Body::Delivery(delivery)) => delivery.text.into_owned(),
        _ => text.to_owned(),
    };
    let inner = single_blanks(&inner);
    let own = super::reply::own(text);
    classify::delivery(&inner, None, None)
        .or_else(|| classify::hint(own))
        .or_else(|| classify::remark(own))
        .or_else(|| classify::in_any_case(&inner))
}
