//! A request made once and sent many times: its octets, and where in them a request's number stands.
//!
//! `{n}` in a text of the file is the number in ten digits, `{n:4}` in four; in hexadecimal it stands on an even column
//! and gives two digits an octet. A Session-Id that is left out has one of its own.

use bytes::{BufMut as _, BytesMut};
use serde_json::Value;

use crate::cli::call::Dialogue;
use crate::cli::call::draft::{Document, Draft};
use crate::message::HEADER_LENGTH;

/// Digits of a number without a width.
const WIDTH: usize = 10;

/// The most places of one request.
const MOST_PLACES: usize = 64;

/// The most digits of a place.
const MOST_DIGITS: usize = 19;

/// A request with places for its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    bytes: Vec<u8>,
    places: Vec<Place>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    at: usize,
    digits: usize,
    /// Two digits an octet.
    packed: bool,
}

impl Template {
    /// Makes the request of a document, filled in for a connection.
    ///
    /// # Errors
    /// What is wrong with the document or with a place in it.
    pub fn new(document: &Document, dialogue: &Dialogue, serial: u64) -> Result<Self, String> {
        let (local, peer) = (dialogue.local(), dialogue.peer());
        Self::from_build(&document.value, |value, digit| {
            let draft = document.draft_of(value)?;
            let number: String = std::iter::repeat_n(digit, WIDTH).collect();
            Ok(draft.complete(local, peer, &format!("{};{serial};{number}", local.identity)))
        })
    }

    /// Finds the places by building the request with other digits in one place after another. The builder's digit is that
    /// of the Session-Id.
    fn from_build(value: &Value, build: impl Fn(&Value, char) -> Result<Vec<u8>, String>) -> Result<Self, String> {
        let mut widths = Vec::new();
        let zeros = filled(value, None, &mut widths)?;
        let bytes = build(&zeros, '0')?;
        let mut places = Vec::new();
        let session = build(&zeros, '1')?;
        places.extend(difference(&bytes, &session, WIDTH)?);
        for (hot, width) in widths.iter().enumerate() {
            let other = build(&filled(value, Some(hot), &mut Vec::new())?, '0')?;
            let place = difference(&bytes, &other, *width)?;
            places.push(place.ok_or("a number leaves no trace in the request")?);
        }
        Ok(Self { bytes, places })
    }

    /// Length in octets.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Appends the request of a number.
    pub fn write(&self, number: u64, hop_by_hop: u32, end_to_end: u32, out: &mut BytesMut) {
        let start = out.len();
        out.put_slice(&self.bytes);
        let Some(message) = out.get_mut(start..) else { return };
        if let Some(fields) = message.get_mut(12..HEADER_LENGTH) {
            fields[..4].copy_from_slice(&hop_by_hop.to_be_bytes());
            fields[4..].copy_from_slice(&end_to_end.to_be_bytes());
        }
        for place in &self.places {
            let octets = if place.packed { place.digits / 2 } else { place.digits };
            let mut left = number;
            for octet in message.get_mut(place.at..place.at + octets).unwrap_or_default().iter_mut().rev() {
                if place.packed {
                    *octet = ((left / 10 % 10) << 4 | left % 10) as u8;
                    left /= 100;
                } else {
                    *octet = b'0' + (left % 10) as u8;
                    left /= 10;
                }
            }
        }
    }
}

/// The request of a document with zeros for its number: what is known of it before there is a connection.
///
/// # Errors
/// What is wrong with the document.
pub fn probe(document: &Document) -> Result<Draft, String> {
    document.draft_of(&filled(&document.value, None, &mut Vec::new())?)
}

/// The value with every place filled with zeros, but the one numbered `hot` with ones. Notes the widths.
fn filled(value: &Value, hot: Option<usize>, widths: &mut Vec<usize>) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => Value::String(filled_text(text, hot, widths)?),
        Value::Array(list) => {
            Value::Array(list.iter().map(|value| filled(value, hot, widths)).collect::<Result<_, _>>()?)
        }
        Value::Object(object) => {
            let fields = object.iter().map(|(key, value)| Ok((key.clone(), filled(value, hot, widths)?)));
            Value::Object(fields.collect::<Result<_, String>>()?)
        }
        other => other.clone(),
    })
}

fn filled_text(text: &str, hot: Option<usize>, widths: &mut Vec<usize>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{n") {
        let Some((inside, behind)) = after.split_once('}') else { break };
        let width = match inside.strip_prefix(':') {
            None if inside.is_empty() => WIDTH,
            Some(digits) => digits
                .parse()
                .ok()
                .filter(|width| (1..=MOST_DIGITS).contains(width))
                .ok_or_else(|| format!("{{n{inside}}} in {text:?}: a width from 1 to {MOST_DIGITS} is expected"))?,
            None => return Err(format!("{{n{inside}}} in {text:?}: {{n}} or {{n:WIDTH}} is expected")),
        };
        if widths.len() >= MOST_PLACES {
            return Err(format!("more than {MOST_PLACES} places for the number"));
        }
        let digit = if hot == Some(widths.len()) { '1' } else { '0' };
        out.push_str(before);
        out.extend(std::iter::repeat_n(digit, width));
        widths.push(width);
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

/// Where two builds of a request differ: all of a place, and nothing else; `None` when nowhere.
fn difference(zeros: &[u8], ones: &[u8], digits: usize) -> Result<Option<Place>, String> {
    let wrong = || "a number stands where its digits are no text: put it into a text, or into hexadecimal".to_owned();
    if zeros.len() != ones.len() {
        return Err(wrong());
    }
    let differ: Vec<usize> = (0..zeros.len()).filter(|at| zeros.get(*at) != ones.get(*at)).collect();
    let (Some(first), Some(last)) = (differ.first(), differ.last()) else { return Ok(None) };
    let all = |zero: u8, one: u8| differ.iter().all(|at| zeros.get(*at) == Some(&zero) && ones.get(*at) == Some(&one));
    let whole = |octets: usize| differ.len() == octets && last - first + 1 == octets;
    if all(b'0', b'1') && whole(digits) {
        return Ok(Some(Place { at: *first, digits, packed: false }));
    }
    if all(0x00, 0x11) && digits.is_multiple_of(2) && whole(digits / 2) {
        return Ok(Some(Place { at: *first, digits, packed: true }));
    }
    Err(wrong())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::json::message_from_json;

    fn template(avps: Value) -> Result<Template, String> {
        let value = serde_json::json!({"code": 316, "flags": 192, "application": 7, "avps": avps});
        Template::from_build(&value, |value, _| {
            message_from_json(value, &|_, _| None).map_err(|error| error.to_string())
        })
    }

    fn octets(template: &Template, number: u64) -> Vec<u8> {
        let mut out = BytesMut::new();
        template.write(number, 1, 2, &mut out);
        out.to_vec()
    }

    #[test]
    fn a_number_stands_in_texts_and_in_hexadecimal() {
        let avps = serde_json::json!([{"name": "User-Name", "value": "00101{n}/{n:2}"}, {"name": "MSISDN", "value": "94{n:8}"}]);
        let template = template(avps).unwrap();
        let whole = octets(&template, 4_217);
        assert_eq!(&whole[28..46], b"001010000004217/17");
        assert_eq!(&whole[whole.len() - 8..], [0x94, 0x00, 0x00, 0x42, 0x17, 0, 0, 0]);
        assert_eq!(whole[12..20], [0, 0, 0, 1, 0, 0, 0, 2]);
        assert_eq!(octets(&template, 1).len(), octets(&template, u64::MAX).len());
    }

    #[test]
    fn places_that_cannot_be_are_refused() {
        for (value, words) in [
            (serde_json::json!([{"name": "MSISDN", "value": "9{n:8}1"}]), "where its digits are no text"),
            (serde_json::json!([{"name": "User-Name", "value": "{n:0}"}]), "a width from 1 to 19"),
            (serde_json::json!([{"name": "User-Name", "value": "{name}"}]), "{n} or {n:WIDTH} is expected"),
        ] {
            let error = template(value).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
