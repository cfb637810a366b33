//! Saved observations: mutated as what they are, JSON with known fields, since
//! hardly any other change of bytes leaves something to judge.

#![no_main]

use libfuzzer_sys::{fuzz_crossover, fuzz_mutator, fuzz_target, fuzzer_mutate};
use serde_json::Value;

fuzz_target!(|data: &[u8]| danecheck_core::fuzzing::observation(data));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut chance = Chance::new(seed);
    let parsed = data.get(..size).map(serde_json::from_slice::<Value>);
    // Now and then bytes are bytes.
    let Some(Ok(mut value)) = parsed.filter(|_| chance.below(16) != 0) else {
        return fuzzer_mutate(data, size, max_size);
    };
    for _ in 0..=chance.below(4) {
        mutate(&mut value, &mut chance);
    }
    write(&value, data, max_size).unwrap_or(size)
});

fuzz_crossover!(|one: &[u8], other: &[u8], out: &mut [u8], seed: u32| {
    let mut chance = Chance::new(seed);
    let (Ok(mut value), Ok(mut donor)) = (
        serde_json::from_slice::<Value>(one),
        serde_json::from_slice::<Value>(other),
    ) else {
        let length = one.len().min(out.len());
        out[..length].copy_from_slice(&one[..length]);
        return length;
    };
    let path = random_path(&donor, &mut chance);
    if let (Some(part), Some(place)) = (donor.pointer_mut(&path), alike(&mut value, &path)) {
        *place = part.take();
    }
    let max_size = out.len();
    write(&value, out, max_size).unwrap_or(0)
});

fn write(value: &Value, data: &mut [u8], max_size: usize) -> Option<usize> {
    let text = serde_json::to_vec(value).ok()?;
    let room = data.get_mut(..text.len().min(max_size))?;
    (room.len() == text.len()).then(|| room.copy_from_slice(&text))?;
    Some(text.len())
}

/// The place at a path, or at the first entry of a list on the way to it.
fn alike<'a>(value: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    let mut place = value;
    for step in path.split('/').skip(1) {
        place = match place {
            Value::Array(items) => {
                let index: usize = step.parse().ok()?;
                let last = items.len().checked_sub(1)?;
                items.get_mut(index.min(last))?
            }
            Value::Object(fields) => fields.get_mut(step)?,
            _ => return None,
        };
    }
    Some(place)
}

/// Every path below a value.
fn paths(value: &Value, here: &str, all: &mut Vec<String>) {
    all.push(here.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                paths(item, &format!("{here}/{index}"), all);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                paths(field, &format!("{here}/{name}"), all);
            }
        }
        _ => {}
    }
}

fn random_path(value: &Value, chance: &mut Chance) -> String {
    let mut all = Vec::new();
    paths(value, "", &mut all);
    all.swap_remove(chance.below(all.len()))
}

/// Words and values that mean something somewhere in an observation.
const WORDS: &[&str] = &[
    "\"secure\"",
    "\"insecure\"",
    "\"bogus\"",
    "\"indeterminate\"",
    "\"authenticated-data\"",
    "\"no-authenticated-data\"",
    "\"resolver-not-validating\"",
    "\"own-validation\"",
    "\"shown\"",
    "\"not-shown\"",
    "\"no-answer\"",
    "\"does-not-validate\"",
    "\"ad-stripped\"",
    "\"not-dnssec-capable\"",
    "\"no-starttls\"",
    "\"completed\"",
    "{\"no-greeting\":\"lost\"}",
    "{\"no-greeting\":\"timed-out\"}",
    "{\"no-ehlo-reply\":\"flooded\"}",
    "{\"no-starttls-reply\":\"lost\"}",
    "{\"no-ehlo-reply-in-tls\":\"timed-out\"}",
    "{\"greeting-refused\":{\"code\":421,\"lines\":[\"421 4.3.2 later\"]}}",
    "{\"starttls-refused\":{\"code\":554,\"lines\":[\"554 5.7.3 never\"]}}",
    "{\"ehlo-refused-in-tls\":{\"code\":502,\"lines\":[\"502 5.5.1 what\"]}}",
    "{\"not-connected\":{\"kind\":\"timed-out\",\"text\":\"Connection timed out\"}}",
    "{\"not-connected\":{\"kind\":\"refused\",\"text\":\"Connection refused\"}}",
    "{\"not-connected\":{\"kind\":\"unreachable\",\"text\":\"No route to host\"}}",
    "{\"handshake-failed\":{\"text\":\"\\u001b[31m\\u202e\",\"alert\":null,\"timed_out\":true,\"ours\":true}}",
    "{\"failed\":{\"kind\":\"serv-fail\",\"extended_error\":null}}",
    "{\"failed\":{\"kind\":\"timeout\",\"extended_error\":{\"code\":9,\"text\":\"\\u0007\"}}}",
    "{\"failed\":{\"kind\":\"alias-loop\",\"extended_error\":null}}",
    "\"not-seen\"",
    "\"verified\"",
    "\"nodata\"",
    "\"nxdomain\"",
    "null",
    "true",
    "false",
    "0",
    "25",
    "65535",
    "4294967295",
    "-9223372036854775808",
    "9223372036854775807",
    "[]",
    "{}",
    "\"\"",
    "\".\"",
    "\"192.0.2.1\"",
    "\"2001:db8::1\"",
    "\"3 1 1 00\"",
    "\"2 0 0 30\"",
    "\"\\\\# 0\"",
    "\"MIIB\"",
    "\"mx1.example.com\"",
    "\"a\\u001b[2Jb\\u202ec\\u0000\\u009b d, e\\tf\"",
    "\"*.example.com\"",
];

fn mutate(value: &mut Value, chance: &mut Chance) {
    let path = random_path(value, chance);
    let donor = match chance.below(3) {
        // From elsewhere in the same observation.
        0 => {
            let from = random_path(value, chance);
            value.pointer(&from).cloned()
        }
        1 => serde_json::from_str(WORDS[chance.below(WORDS.len())]).ok(),
        _ => None,
    };
    let Some(place) = value.pointer_mut(&path) else {
        return;
    };
    match (donor, place) {
        (Some(donor), place) => *place = donor,
        (None, Value::Array(items)) if !items.is_empty() => {
            let (one, two) = (chance.below(items.len()), chance.below(items.len()));
            match chance.below(3) {
                0 => drop(items.remove(one)),
                1 => items.swap(one, two),
                _ => {
                    let copy = items[one].clone();
                    items.insert(two, copy);
                }
            }
        }
        (None, Value::Object(fields)) if !fields.is_empty() => {
            let index = chance.below(fields.len());
            let key = fields.keys().nth(index).cloned();
            if let Some(key) = key {
                fields.shift_remove(&key);
            }
        }
        (None, Value::String(text)) => edit(text, chance),
        (None, Value::Bool(bit)) => *bit = !*bit,
        (None, place @ Value::Number(_)) => {
            let near = place.as_i64().unwrap_or(0);
            let step = 1_i64 << chance.below(40);
            *place = near
                .wrapping_add(if chance.below(2) == 0 { step } else { -step })
                .into();
        }
        _ => {}
    }
}

/// Puts one character in another's place, or cuts, or doubles.
fn edit(text: &mut String, chance: &mut Chance) {
    let mut characters: Vec<char> = text.chars().collect();
    if characters.is_empty() {
        return;
    }
    let at = chance.below(characters.len());
    match chance.below(6) {
        0 => characters.truncate(at),
        1 => drop(characters.remove(at)),
        2 => characters.extend_from_within(..at),
        3 => {
            let odd = [
                '\u{1b}', '\u{202e}', '\0', '.', ' ', '*', '\u{e9}', '\n', '"', '-',
            ];
            characters[at] = odd[chance.below(odd.len())];
        }
        // As likely as not base64.
        _ => {
            let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            characters[at] = char::from(digits[chance.below(digits.len())]);
        }
    }
    *text = characters.into_iter().collect();
}

/// A xorshift generator: the same seed makes the same mutation.
struct Chance(u64);

impl Chance {
    fn new(seed: u32) -> Self {
        Self(u64::from(seed) << 17 | 0x9e37_79b9)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit.max(1)
    }
}
