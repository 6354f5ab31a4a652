//! Which keys there are, taken from the structs themselves, and which one somebody meant.

use std::fmt;
use std::ops::Range;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use toml_edit::{Item, TableLike};

use super::file::{Camera, Detector, File, Holder, Holders, Ledger, Metrics, Storage, StorageDisk, Zone};
use super::problem::{Problem, repeated};

/// The tables of `louver.toml` with their keys; the first is the top of the file.
pub(super) fn tables() -> [(&'static str, &'static [&'static str]); 10] {
    [
        ("", fields::<File>()),
        ("holders", fields::<Holders>()),
        ("holders.list", fields::<Holder>()),
        ("detector", fields::<Detector>()),
        ("storage", fields::<Storage>()),
        ("storage.disk", fields::<StorageDisk>()),
        ("ledger", fields::<Ledger>()),
        ("metrics", fields::<Metrics>()),
        ("camera", fields::<Camera>()),
        ("camera.zone", fields::<Zone>()),
    ]
}

/// Every key of the file that no struct knows, with its place.
pub(super) fn unknown(top: &dyn TableLike) -> Vec<(Range<usize>, Problem)> {
    let mut found = Vec::new();
    for (name, keys) in tables() {
        for table in tables_called(top, name) {
            for (key, _) in table.iter().filter(|(key, _)| !keys.contains(key)) {
                let span = table.get_key_value(key).and_then(|(k, _)| k.span()).unwrap_or_default();
                found.push((span, unknown_key(key, name, keys)));
            }
        }
    }
    found
}

/// The dotted name of the key whose value covers `place`, such as `camera.retention_hours`.
pub(super) fn covering(top: &dyn TableLike, place: &Range<usize>) -> Option<String> {
    let covers = |item: &Item| item.span().is_some_and(|s| s.start <= place.start && place.end <= s.end);
    // Inner tables first.
    for (name, _) in tables().into_iter().rev() {
        for table in tables_called(top, name) {
            let hit = table.iter().find(|(_, item)| covers(item) && (item.is_value() || !name.is_empty()));
            if let Some((key, _)) = hit {
                return Some(if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") });
            }
        }
    }
    None
}

/// The table or tables of that name; inline ones too.
fn tables_called<'t>(top: &'t dyn TableLike, name: &str) -> Vec<&'t dyn TableLike> {
    if name.is_empty() {
        return vec![top];
    }
    if let Some((outer, inner)) = name.split_once('.') {
        let all = tables_called(top, outer).into_iter();
        return all.flat_map(|table| tables_called(table, inner)).collect();
    }
    match top.get(name) {
        Some(Item::ArrayOfTables(all)) => all.iter().map(|t| t as &dyn TableLike).collect(),
        Some(Item::Value(toml_edit::Value::Array(all))) => {
            all.iter().filter_map(|v| v.as_inline_table()).map(|t| t as &dyn TableLike).collect()
        }
        Some(item) => item.as_table_like().into_iter().collect(),
        None => Vec::new(),
    }
}

fn unknown_key(key: &str, table: &'static str, keys: &'static [&'static str]) -> Problem {
    let home = tables().into_iter().find(|(name, keys)| *name != table && keys.contains(&key));
    // Bounded: the key comes from a file that may be anything.
    let shown = repeated(key);
    match (home, nearest(&shown, keys)) {
        (Some((home, _)), None) => Problem::MisplacedKey { key: shown, table, home },
        (_, Some(nearest)) => Problem::UnknownKey { key: shown, table, nearest },
        (None, None) => Problem::StrangeKey { key: shown, table, keys },
    }
}

/// The known word closest to `word`, if it is close enough that somebody may have meant it.
fn nearest(word: &str, known: &[&'static str]) -> Option<&'static str> {
    let (distance, best) = known.iter().map(|k| (distance(word, k), *k)).min()?;
    (distance <= (best.len() / 3).max(1)).then_some(best)
}

/// Letters to insert, remove or replace to come from one word to the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replaced = corner + usize::from(a != *b);
            corner = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(corner + 1);
        }
    }
    row[to.len()]
}

/// The names of a struct's fields as serde knows them, so that no second list can fall out of step.
fn fields<'de, T: Deserialize<'de>>() -> &'static [&'static str] {
    match T::deserialize(AskForFields) {
        Err(Fields(names)) => names,
        Ok(_) => &[],
    }
}

/// A deserializer that answers with the names of the fields it was asked for.
struct AskForFields;

/// The names, travelling as an error because a deserializer has no other way out.
#[derive(Debug)]
struct Fields(&'static [&'static str]);

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::error::Error for Fields {}

impl de::Error for Fields {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(&[])
    }
}

impl<'de> Deserializer<'de> for AskForFields {
    type Error = Fields;
    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fields> {
        Err(Fields(&[]))
    }
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Fields> {
        Err(Fields(fields))
    }
    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_are_those_of_the_structs() {
        let [(_, top), (_, holders), (_, holder), .., (_, camera), (_, zone)] = tables();
        assert!(
            top.contains(&"listen") && holders == ["needed", "list"] && camera.contains(&"retention_hours")
        );
        assert_eq!(holder, ["name", "public"]);
        assert_eq!(zone, ["name", "kind", "polygon"]);
    }

    #[test]
    fn a_typing_error_finds_its_key_and_an_invented_one_finds_none() {
        let keys = &["purpose", "owner", "retention_hours"];
        assert_eq!(nearest("retention_hour", keys), Some("retention_hours"));
        assert_eq!(nearest("puropse", keys), Some("purpose"));
        assert_eq!(nearest("face_recognition", keys), None);
    }
}
