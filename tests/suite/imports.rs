//! Files that import each other in a circle can only be understood together:
//! none larger than four files, and none between the rooms of a crate, which
//! are the modules of its `lib.rs`.
//!
//! An import counts for the module that it names, and for the file that defines
//! what is imported where a `pub use` hands it on; `use` and paths in the code
//! alike. What does not count:
//!
//! - a `pub use` that only hands a name on;
//! - what a module takes from the module that declares it, or from one above:
//!   those are one thing, opened up;
//! - what is compiled for tests alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The most files in one circle.
const LARGEST_CIRCLE: usize = 4;

/// The most rooms in one: alone, a room is in none.
const NO_CIRCLE: usize = 1;

/// A module as the names on the way to it; that of `lib.rs` has none.
type Place = Vec<String>;

/// Who imports from whom, and which names.
type Imports = BTreeMap<Place, BTreeMap<Place, BTreeSet<String>>>;

struct Use {
    /// `pub use`, so that it may be there for others alone.
    exported: bool,
    path: Vec<String>,
    /// The name that it gives, or `*`.
    name: String,
}

#[derive(Default)]
struct Module {
    uses: Vec<Use>,
    /// Everything but its imports and the declarations of its modules.
    rest: Vec<String>,
}

/// The words and marks of a source, without comments and literals.
fn tokens(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let at = |place: usize| chars.get(place).copied().unwrap_or('\0');
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut tokens = Vec::new();
    let mut place = 0;
    while place < chars.len() {
        let rest = || chars[place..].iter().copied();
        match (at(place), at(place + 1)) {
            ('/', '/') => place += rest().take_while(|c| *c != '\n').count(),
            ('/', '*') => {
                let end = chars[place..].windows(2).position(|two| two == ['*', '/']);
                place = end.map_or(chars.len(), |length| place + length + 2);
            }
            ('"', _) => place = end_of_text(&chars, place + 1),
            ('\'', '\\') => place += 3 + rest().skip(3).take_while(|c| *c != '\'').count() + 1,
            ('\'', _) if at(place + 2) == '\'' => place += 3,
            (':', ':') => {
                tokens.push("::".to_owned());
                place += 2;
            }
            (c, _) if is_word(c) => {
                let word: String = rest().take_while(|c| is_word(*c)).collect();
                place += word.chars().count();
                let raw = matches!(word.as_str(), "r" | "br");
                if raw && matches!(at(place), '"' | '#') {
                    place = end_of_raw_text(&chars, place);
                } else {
                    tokens.push(word);
                }
            }
            (c, _) => {
                if !c.is_whitespace() {
                    tokens.push(c.to_string());
                }
                place += 1;
            }
        }
    }
    tokens
}

fn end_of_text(chars: &[char], mut place: usize) -> usize {
    while place < chars.len() && chars[place] != '"' {
        place += if chars[place] == '\\' { 2 } else { 1 };
    }
    place + 1
}

fn end_of_raw_text(chars: &[char], start: usize) -> usize {
    let marks = chars[start..].iter().take_while(|c| **c == '#').count();
    let mut end = vec!['"'];
    end.extend(std::iter::repeat_n('#', marks));
    let mut place = start + marks + 1;
    while place < chars.len() && !chars[place..].starts_with(&end) {
        place += 1;
    }
    place + end.len()
}

/// The place after the bracket that closes the one at `place`.
fn closed(tokens: &[String], place: usize) -> usize {
    let mut depth = 0;
    for (number, token) in tokens.iter().enumerate().skip(place) {
        match token.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return number + 1;
        }
    }
    tokens.len()
}

/// Without the items under `#[cfg(test)]`, alone or among others.
fn without_tests(tokens: &[String]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut place = 0;
    let attribute = |place: usize| tokens[place..].starts_with(&["#".to_owned(), "[".to_owned()]);
    while place < tokens.len() {
        if !attribute(place) {
            kept.push(tokens[place].clone());
            place += 1;
            continue;
        }
        let end = closed(tokens, place + 1);
        let words = &tokens[place..end];
        let has = |word: &str| words.iter().any(|one| one == word);
        place = end;
        if !has("cfg") || !has("test") || has("not") {
            continue;
        }
        while place < tokens.len() && attribute(place) {
            place = closed(tokens, place + 1);
        }
        while place < tokens.len() && tokens[place] != ";" {
            let block = tokens[place] == "{";
            place = closed(tokens, place);
            if block {
                break;
            }
        }
    }
    kept
}

/// What a tree of imports names: each path, and the name that it gives.
fn leaves(tree: &[String], before: &[String], found: &mut Vec<(Vec<String>, String)>) {
    let mut path = before.to_vec();
    let mut name = None;
    let mut place = 0;
    while place < tree.len() {
        match tree[place].as_str() {
            "{" => {
                let end = closed(tree, place);
                let mut start = place + 1;
                let mut next = start;
                while next < end {
                    if next + 1 == end || tree[next] == "," {
                        leaves(&tree[start..next], &path, found);
                        start = next + 1;
                    }
                    next = if tree[next] == "{" {
                        closed(tree, next)
                    } else {
                        next + 1
                    };
                }
                return;
            }
            "as" => {
                name = tree.get(place + 1).cloned();
                place += 1;
            }
            "::" => {}
            word => path.push(word.to_owned()),
        }
        place += 1;
    }
    if path.len() > before.len() {
        if path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let name = name.or_else(|| path.last().cloned()).unwrap();
        found.push((path, name));
    }
}

impl Module {
    /// The module of a text, and which modules it declares.
    fn read(text: &str) -> (Self, Vec<String>) {
        let tokens = without_tests(&tokens(text));
        let mut module = Self::default();
        let mut declared = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            let after = |number: usize| tokens.get(at + number).map_or("", String::as_str);
            if after(0) == "mod" && after(2) == ";" {
                declared.push(after(1).to_owned());
                at += 3;
            } else if after(0) == "use" && after(1) != "<" {
                let length = tokens[at..]
                    .iter()
                    .take_while(|token| *token != ";")
                    .count();
                let mut found = Vec::new();
                leaves(&tokens[at + 1..at + length], &[], &mut found);
                let before = at.checked_sub(1).map_or("", |before| &tokens[before]);
                let exported = before == "pub" || before == ")";
                let uses = found.into_iter().map(|(path, name)| Use {
                    exported,
                    path,
                    name,
                });
                module.uses.extend(uses);
                at += length + 1;
            } else {
                module.rest.push(after(0).to_owned());
                at += 1;
            }
        }
        (module, declared)
    }
}

struct House {
    modules: BTreeMap<Place, Module>,
}

impl House {
    /// The library whose `lib.rs` is in this folder.
    fn of(folder: &Path) -> Self {
        let mut house = Self {
            modules: BTreeMap::new(),
        };
        house.enter(folder.join("lib.rs"), folder, Vec::new());
        house
    }

    /// A file, and below it the modules that it declares in this folder.
    fn enter(&mut self, file: PathBuf, folder: &Path, place: Place) {
        let (module, declared) = Module::read(&std::fs::read_to_string(&file).unwrap());
        for name in declared {
            let below = folder.join(&name);
            let alone = folder.join(format!("{name}.rs"));
            let file = if alone.exists() {
                alone
            } else {
                below.join("mod.rs")
            };
            self.enter(file, &below, [&place[..], &[name]].concat());
        }
        self.modules.insert(place, module);
    }
    /// Modules and their texts.
    fn built(texts: &[(&str, &str)]) -> Self {
        let modules = texts.iter().map(|(path, text)| {
            let place = path.split('/').filter(|name| !name.is_empty());
            (place.map(str::to_owned).collect(), Module::read(text).0)
        });
        Self {
            modules: modules.collect(),
        }
    }

    /// A path in a file as one from the root of the crate; none where it leads
    /// out of it.
    fn absolute(&self, from: &Place, path: &[String], depth: usize) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        let below = |place: &[String]| [place, std::slice::from_ref(first)].concat();
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some([&from[..], rest].concat()),
            "super" => {
                let (_, parent) = from.split_last()?;
                let parent = parent.to_vec();
                match rest.first().map(String::as_str) {
                    Some("super") => self.absolute(&parent, rest, depth),
                    _ => Some([&parent[..], rest].concat()),
                }
            }
            _ if self.modules.contains_key(&below(from)) => Some([&from[..], path].concat()),
            _ => {
                let uses = &self.modules[from].uses;
                let one = uses.iter().find(|one| one.name == *first && depth > 0)?;
                if one.path == [first.clone()] {
                    return None;
                }
                let start = self.absolute(from, &one.path, depth - 1)?;
                Some([&start[..], rest].concat())
            }
        }
    }

    /// The module that defines what this path from the root names, or that the
    /// path itself names where no `use` is followed (`depth` 0); none where it
    /// leads to a module as such.
    fn definer(&self, path: &[String], depth: usize) -> Option<(Place, String)> {
        let length = (0..=path.len())
            .rev()
            .find(|length| self.modules.contains_key(&path[..*length]))?;
        let (place, rest) = path.split_at(length);
        let place = place.to_vec();
        let name = rest.first()?;
        let module = &self.modules[&place];
        if depth > 0 {
            for one in &module.uses {
                let onward = match one.name.as_str() {
                    "*" => [&one.path[..one.path.len() - 1], std::slice::from_ref(name)].concat(),
                    other if other == name => one.path.clone(),
                    _ => continue,
                };
                let Some(onward) = self.absolute(&place, &onward, depth - 1) else {
                    continue;
                };
                match self.definer(&onward, depth - 1) {
                    Some((there, name)) if one.name != "*" || self.defines(&there, &name) => {
                        return Some((there, name));
                    }
                    _ => {}
                }
            }
        }
        Some((place, name.clone()))
    }

    fn defines(&self, place: &Place, name: &str) -> bool {
        let kinds = [
            "fn", "struct", "enum", "trait", "type", "const", "static", "union",
        ];
        let words = self.modules[place].rest.windows(2);
        words
            .into_iter()
            .any(|pair| kinds.contains(&pair[0].as_str()) && pair[1] == name)
    }

    fn imports(&self) -> Imports {
        let mut imports = Imports::new();
        for (place, module) in &self.modules {
            let used = module
                .uses
                .iter()
                .filter(|one| !one.exported || module.rest.contains(&one.name));
            let mut paths: Vec<Vec<String>> = used.map(|one| one.path.clone()).collect();
            paths.extend(paths_in(&module.rest));
            for path in paths {
                let Some(path) = self.absolute(place, &path, 9) else {
                    continue;
                };
                let named = self.definer(&path, 0);
                let defined = self.definer(&path, 9);
                for (from, name) in named.into_iter().chain(defined) {
                    if !place.starts_with(&from) {
                        let all = imports.entry(place.clone()).or_default();
                        all.entry(from).or_default().insert(name);
                    }
                }
            }
        }
        imports
    }
}

/// The paths of more than one name in the code.
fn paths_in(tokens: &[String]) -> Vec<Vec<String>> {
    let is_word = |token: &String| token.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let mut paths = Vec::new();
    let mut place = 0;
    while place < tokens.len() {
        let mut path = Vec::new();
        while place < tokens.len() && is_word(&tokens[place]) {
            path.push(tokens[place].clone());
            let more = tokens.get(place + 1).is_some_and(|next| next == "::")
                && tokens.get(place + 2).is_some_and(is_word);
            if !more {
                break;
            }
            place += 2;
        }
        place += 1;
        if path.len() > 1 {
            paths.push(path);
        }
    }
    paths
}

/// All that can be reached from a module.
fn reached<'a>(from: &'a Place, imports: &'a Imports) -> BTreeSet<&'a Place> {
    let mut seen = BTreeSet::new();
    let mut next = vec![from];
    while let Some(place) = next.pop() {
        for other in imports.get(place).into_iter().flat_map(BTreeMap::keys) {
            if seen.insert(other) {
                next.push(other);
            }
        }
    }
    seen
}

/// The circles of more than one, the largest first.
fn circles(imports: &Imports) -> Vec<BTreeSet<Place>> {
    let reached: BTreeMap<&Place, BTreeSet<&Place>> = imports
        .keys()
        .map(|place| (place, reached(place, imports)))
        .collect();
    let mut circles: BTreeSet<BTreeSet<Place>> = BTreeSet::new();
    for (place, others) in &reached {
        let back = |other: &&&Place| reached.get(**other).is_some_and(|its| its.contains(place));
        let circle: BTreeSet<Place> = others.iter().filter(back).map(|it| (*it).clone()).collect();
        if circle.len() > 1 {
            circles.insert(circle);
        }
    }
    let mut circles: Vec<_> = circles.into_iter().collect();
    circles.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
    circles
}

/// A circle and what ties it, for a reader who has to untie it.
fn told(circle: &BTreeSet<Place>, imports: &Imports) -> String {
    let mut text = format!("a circle of {}:\n", circle.len());
    for place in circle {
        for (other, names) in &imports[place] {
            if circle.contains(other) {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                text += &format!(
                    "  {} -> {}: {}\n",
                    place.join("/"),
                    other.join("/"),
                    names.join(", ")
                );
            }
        }
    }
    text
}

/// The imports between the modules of `lib.rs`: those of their files together.
fn between_rooms(imports: &Imports) -> Imports {
    let mut rooms = Imports::new();
    for (place, others) in imports {
        for (other, names) in others {
            let rooms_of_both = place.first().zip(other.first());
            if let Some((one, another)) = rooms_of_both.filter(|(one, another)| one != another) {
                let all = rooms.entry(vec![one.clone()]).or_default();
                let between = all.entry(vec![another.clone()]).or_default();
                between.extend(
                    names
                        .iter()
                        .map(|name| format!("{name} ({})", place.join("/"))),
                );
            }
        }
    }
    rooms
}

/// No circle of this crate is too large. Its rooms are the modules of `lib.rs`
/// that have modules of their own.
fn holds(folder: &str) {
    let house = House::of(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder));
    let imports = house.imports();
    assert!(imports.len() > 5, "{folder}: {imports:?}");
    let is_room = |place: &&Place| {
        let mut all = house.modules.keys();
        place.len() == 1 && all.any(|one| one.len() > 1 && one.starts_with(place))
    };
    let between = between_rooms(&imports);
    let mut too_large = String::new();
    for circle in circles(&imports) {
        if circle.len() > LARGEST_CIRCLE {
            too_large += &format!("{} files: {}", circle.len(), told(&circle, &imports));
        }
    }
    for circle in circles(&between) {
        let count = circle.iter().filter(is_room).count();
        if count > NO_CIRCLE {
            too_large += &format!("{count} rooms: {}", told(&circle, &between));
        }
    }
    assert!(too_large.is_empty(), "{folder}:\n{too_large}");
}

#[test]
fn the_core_has_no_large_circle() {
    holds("crates/danecheck-core/src");
}

#[test]
fn the_validation_has_no_large_circle() {
    holds("crates/danecheck-validation/src");
}

#[test]
fn the_world_has_no_large_circle() {
    holds("crates/danecheck-world/src");
}

#[test]
fn the_program_has_no_large_circle() {
    holds("src");
}

/// What is looked for is found, and named, in a house of four rooms.
#[test]
fn a_circle_is_found_by_whatever_path_it_is_closed() {
    let house = House::built(&[
        ("", "mod a; mod b; mod c; mod d;"),
        ("a", "mod inner; pub use inner::Thing; pub fn own() {}"),
        (
            "a/inner",
            "use super::own; use crate::b::Other; pub struct Thing; /* crate::c::X */",
        ),
        (
            "b",
            "use crate::{a::Thing as Named, c}; pub struct Other(c::Deep); #[cfg(test)] use crate::d::It;",
        ),
        ("c", "pub struct Deep; const TEXT: &str = \"crate::d::It\";"),
        ("d", "pub struct It; fn it() { crate::b::other() }"),
    ]);
    let place = |path: &str| -> Place { path.split('/').map(str::to_owned).collect() };
    let imports = house.imports();
    let from = |path: &str| -> Vec<Place> {
        let its = imports.get(&place(path)).into_iter().flatten();
        its.map(|(other, _)| other.clone()).collect()
    };
    assert!(from("a").is_empty());
    assert_eq!(from("a/inner"), [place("b")]);
    assert_eq!(from("b"), [place("a"), place("a/inner"), place("c")]);
    assert!(from("c").is_empty());
    assert_eq!(from("d"), [place("b")]);
    let found = circles(&imports);
    assert_eq!(found, [BTreeSet::from([place("a/inner"), place("b")])]);
    assert!(told(&found[0], &imports).contains("a/inner -> b: Other"));
    let rooms = circles(&between_rooms(&imports));
    assert_eq!(rooms, [BTreeSet::from([place("a"), place("b")])]);
}
