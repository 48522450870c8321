//! Line and column of what is wrong in a request. JSON is YAML, so one reader finds the place in either.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

/// A document with the place of each of its parts, and nothing else of it but the keys.
#[derive(Debug)]
enum Part {
    List(Vec<Spanned<Part>>),
    Map(Vec<(String, Spanned<Part>)>),
    Leaf,
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(Parts)
    }
}

struct Parts;

macro_rules! leaves {
    ($($visit:ident $type:ty),*) => {
        $(fn $visit<E>(self, _: $type) -> Result<Part, E> {
            Ok(Part::Leaf)
        })*
    };
}

impl<'de> Visitor<'de> for Parts {
    type Value = Part;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("anything")
    }

    leaves!(visit_bool bool, visit_i64 i64, visit_u64 u64, visit_i128 i128, visit_u128 u128, visit_f64 f64, visit_str &str);

    fn visit_unit<E>(self) -> Result<Part, E> {
        Ok(Part::Leaf)
    }

    fn visit_none<E>(self) -> Result<Part, E> {
        Ok(Part::Leaf)
    }

    fn visit_some<D: Deserializer<'de>>(self, input: D) -> Result<Part, D::Error> {
        Part::deserialize(input)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Part, A::Error> {
        let mut parts = Vec::new();
        while let Some(part) = list.next_element()? {
            parts.push(part);
        }
        Ok(Part::List(parts))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Part, A::Error> {
        let mut parts = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            parts.push((key, map.next_value()?));
        }
        Ok(Part::Map(parts))
    }
}

/// Line and column, from 1, of the part of `document` that `path` (such as `avps[3].value`) leads to, or of the deepest
/// part on the way that is there. `None` when the document cannot be read.
pub fn locate(document: &str, path: &str) -> Option<(usize, usize)> {
    let root: Spanned<Part> = serde_saphyr::from_str(document).ok()?;
    let mut at = &root;
    let steps = path.split(['.', '[']).map(|step| step.trim_end_matches(']')).filter(|step| !step.is_empty());
    for step in steps {
        let next = match &at.value {
            Part::Map(parts) => parts.iter().find(|(key, _)| key == step).map(|(_, part)| part),
            Part::List(parts) => step.parse().ok().and_then(|index: usize| parts.get(index)),
            Part::Leaf => None,
        };
        let Some(next) = next else { break };
        at = next;
    }
    let place = at.referenced;
    Some((place.line() as usize, place.column() as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_part() {
        let json = "{\"code\": 316,\n \"avps\": [\n  {\"name\": \"A\"},\n  {\"name\": \"B\", \"value\": -1}]}";
        assert_eq!(locate(json, "avps[1].value"), Some((4, 26)));
        assert_eq!(locate(json, "avps[1].hex"), Some((4, 3)));
        assert_eq!(locate(json, "flags"), Some((1, 1)));
        let yaml = "code: 316\navps:\n  - name: A\n  - name: B\n    value: -1\n";
        assert_eq!(locate(yaml, "avps[1].value"), Some((5, 12)));
    }
}
