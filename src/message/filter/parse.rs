//! From text to a filter: words, then a recursive descent. Errors name the column and what was expected.

use std::net::IpAddr;

use thiserror::Error;

use super::field::{self, Field, Type};
use super::{Ask, Literal, Node, Operator, Test};
use crate::interfaces::names;

/// How deep parentheses and negations may be nested.
const DEPTH_LIMIT: usize = 100;

/// Why a filter can not be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("column {column}: {what}")]
pub struct FilterError {
    /// Counted in characters, from 1.
    pub column: usize,
    /// What is wrong, and what was expected.
    pub what: String,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// A name, a number, an address.
    Word(String),
    /// In quotes.
    Quoted(Vec<u8>),
    /// An operator or a bracket.
    Sign(&'static str),
    End,
}

impl Token {
    fn shown(&self) -> String {
        match self {
            Self::Word(word) => format!("`{word}`"),
            Self::Quoted(text) => format!("\"{}\"", String::from_utf8_lossy(text)),
            Self::Sign(sign) => format!("`{sign}`"),
            Self::End => "the end".to_owned(),
        }
    }
}

/// Longest first, so that a sign is never cut.
const SIGNS: [&str; 19] =
    ["===", "!==", "==", "!=", "~=", ">=", "<=", "&&", "||", "..", ">", "<", "!", "&", "(", ")", "{", "}", ","];

struct Parser {
    tokens: Vec<(usize, Token)>,
    at: usize,
}

pub(super) fn parse(text: &str) -> Result<Node, FilterError> {
    let mut parser = Parser { tokens: words(text)?, at: 0 };
    let node = parser.any(0)?;
    match parser.next() {
        (_, Token::End) => Ok(node),
        (column, token) => Err(error(column, format!("expected `&&`, `||` or the end, found {}", token.shown()))),
    }
}

fn error(column: usize, what: impl Into<String>) -> FilterError {
    FilterError { column, what: what.into() }
}

/// Letters that make up names, numbers, addresses with a prefix length, octets with colons, and times.
fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_' | ':' | '/' | '+')
}

fn words(text: &str) -> Result<Vec<(usize, Token)>, FilterError> {
    let letters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&letter) = letters.get(at) {
        let column = at + 1;
        if letter.is_whitespace() {
            at += 1;
        } else if letter == '"' {
            let (octets, after) = quoted(&letters, at)?;
            tokens.push((column, Token::Quoted(octets)));
            at = after;
        } else if is_word(letter) {
            let mut word = String::new();
            while let Some(&letter) = letters.get(at).filter(|letter| is_word(**letter)) {
                // A range ends a word: 5..9.
                if letter == '.' && letters.get(at + 1) == Some(&'.') {
                    break;
                }
                word.push(letter);
                at += 1;
            }
            if word.is_empty() {
                tokens.push((column, Token::Sign("..")));
                at += 2;
            } else {
                tokens.push((column, Token::Word(word)));
            }
        } else {
            let matches = |sign: &&&str| sign.chars().enumerate().all(|(on, sign)| letters.get(at + on) == Some(&sign));
            let Some(sign) = SIGNS.iter().find(matches) else {
                return Err(error(column, format!("`{letter}` has no meaning here")));
            };
            tokens.push((column, Token::Sign(sign)));
            at += sign.len();
        }
    }
    tokens.push((letters.len() + 1, Token::End));
    Ok(tokens)
}

/// A text in quotes with the escapes `\"`, `\\`, `\n`, `\t`, `\r`, `\xNN`; returns where it ends.
fn quoted(letters: &[char], start: usize) -> Result<(Vec<u8>, usize), FilterError> {
    let mut octets = Vec::new();
    let mut at = start + 1;
    loop {
        let Some(&letter) = letters.get(at) else {
            return Err(error(start + 1, "the text has no closing `\"`"));
        };
        at += 1;
        match letter {
            '"' => return Ok((octets, at)),
            '\\' => {
                let escaped = letters.get(at).copied();
                at += 1;
                match escaped {
                    Some('n') => octets.push(b'\n'),
                    Some('t') => octets.push(b'\t'),
                    Some('r') => octets.push(b'\r'),
                    Some(same @ ('"' | '\\' | '\'')) => octets.push(same as u8),
                    Some('x') => {
                        let digit = |at: usize| letters.get(at).and_then(|letter| letter.to_digit(16));
                        let (Some(high), Some(low)) = (digit(at), digit(at + 1)) else {
                            return Err(error(at, "expected two hexadecimal digits behind `\\x`"));
                        };
                        octets.push((high * 16 + low) as u8);
                        at += 2;
                    }
                    _ => return Err(error(at, "expected one of `\\\"`, `\\\\`, `\\n`, `\\t`, `\\r`, `\\xNN`")),
                }
            }
            letter => octets.extend(letter.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
}

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.at).map_or(&Token::End, |(_, token)| token)
    }

    fn column(&self) -> usize {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(1, |(column, _)| *column)
    }

    fn next(&mut self) -> (usize, Token) {
        let column = self.column();
        let token = self.peek().clone();
        self.at += 1;
        (column, token)
    }

    /// Takes one of the words or signs when it comes next.
    fn take(&mut self, spellings: &[&str]) -> bool {
        let found = match self.peek() {
            Token::Word(word) => spellings.contains(&word.as_str()),
            Token::Sign(sign) => spellings.contains(sign),
            Token::Quoted(_) | Token::End => false,
        };
        self.at += usize::from(found);
        found
    }

    fn any(&mut self, depth: usize) -> Result<Node, FilterError> {
        let first = self.all(depth)?;
        let mut nodes = vec![first];
        while self.take(&["||", "or"]) {
            nodes.push(self.all(depth)?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::Any(nodes) })
    }

    fn all(&mut self, depth: usize) -> Result<Node, FilterError> {
        let first = self.factor(depth)?;
        let mut nodes = vec![first];
        while self.take(&["&&", "and"]) {
            nodes.push(self.factor(depth)?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::All(nodes) })
    }

    fn factor(&mut self, depth: usize) -> Result<Node, FilterError> {
        if depth > DEPTH_LIMIT {
            return Err(error(self.column(), format!("nested deeper than {DEPTH_LIMIT}")));
        }
        if self.take(&["!", "not"]) {
            return Ok(Node::Not(Box::new(self.factor(depth + 1)?)));
        }
        if self.take(&["("]) {
            let node = self.any(depth + 1)?;
            if !self.take(&[")"]) {
                return Err(error(self.column(), format!("expected `)`, found {}", self.peek().shown())));
            }
            return Ok(node);
        }
        self.test().map(Node::Test)
    }

    fn test(&mut self) -> Result<Test, FilterError> {
        let (column, token) = self.next();
        let Token::Word(name) = token else {
            return Err(error(column, format!("expected a field, `!` or `(`, found {}", token.shown())));
        };
        let field = Field::find(&name).ok_or_else(|| unknown(column, &name))?;
        let mask = if self.take(&["&", "bitand"]) {
            if field.kind() != Type::Number {
                return Err(error(self.column(), format!("`{name}` is no number, so it has no bits")));
            }
            let (column, token) = self.next();
            match &token {
                Token::Word(word) => Some(number(word).ok_or_else(|| not_a(column, &token, "a number", &name))?),
                _ => return Err(not_a(column, &token, "a number", &name)),
            }
        } else {
            None
        };
        let ask = self.ask(&field, &name)?;
        Ok(Test { field, mask, ask })
    }

    fn ask(&mut self, field: &Field, name: &str) -> Result<Ask, FilterError> {
        let column = self.column();
        let (operator, all) = match self.peek() {
            Token::Sign("==") => (Operator::Equal, false),
            Token::Sign("===") => (Operator::Equal, true),
            Token::Sign("!=") => (Operator::Unequal, true),
            Token::Sign("!==" | "~=") => (Operator::Unequal, false),
            Token::Sign(">") => (Operator::Greater, false),
            Token::Sign("<") => (Operator::Less, false),
            Token::Sign(">=") => (Operator::AtLeast, false),
            Token::Sign("<=") => (Operator::AtMost, false),
            Token::Word(word) => match word.as_str() {
                "eq" | "any_eq" => (Operator::Equal, false),
                "all_eq" => (Operator::Equal, true),
                "ne" | "all_ne" => (Operator::Unequal, true),
                "any_ne" => (Operator::Unequal, false),
                "gt" => (Operator::Greater, false),
                "lt" => (Operator::Less, false),
                "ge" => (Operator::AtLeast, false),
                "le" => (Operator::AtMost, false),
                "contains" => (Operator::Contains, false),
                "in" => {
                    self.at += 1;
                    return self.set(field, name);
                }
                "matches" => {
                    return Err(error(column, "`matches` is not supported; use `contains` or `==`"));
                }
                "and" | "or" => return Ok(Ask::Exists),
                other => {
                    return Err(error(
                        column,
                        format!("expected an operator (== != > < >= <= contains in) or `&&`, `||`, found `{other}`"),
                    ));
                }
            },
            _ => return Ok(Ask::Exists),
        };
        self.at += 1;
        let kind = field.kind();
        let wrong = match (operator, kind) {
            (_, Type::Presence) => Some("only its presence can be asked"),
            (Operator::Contains, Type::Text | Type::Octets) => None,
            (Operator::Contains, _) => Some("`contains` needs a text or octets"),
            (Operator::Equal | Operator::Unequal, _) => None,
            (_, Type::Boolean) => Some("a flag is only equal or not"),
            _ => None,
        };
        if let Some(wrong) = wrong {
            return Err(error(column, format!("`{name}`: {wrong}")));
        }
        let column = self.column();
        let literal = self.literal(field, name)?;
        let plain = matches!(operator, Operator::Equal | Operator::Unequal);
        if !plain && matches!(literal, Literal::OneOf(_)) {
            return Err(error(column, "the name stands for several numbers, which are only equal or not"));
        }
        Ok(Ask::Compare { operator, all, literal })
    }

    fn set(&mut self, field: &Field, name: &str) -> Result<Ask, FilterError> {
        if field.kind() == Type::Presence {
            return Err(error(self.column(), format!("`{name}`: only its presence can be asked")));
        }
        if !self.take(&["{"]) {
            return Err(error(self.column(), format!("expected `{{`, found {}", self.peek().shown())));
        }
        let mut ranges = Vec::new();
        loop {
            let first = self.literal(field, name)?;
            let last = if self.take(&[".."]) { Some(self.literal(field, name)?) } else { None };
            ranges.push((first, last));
            if self.take(&["}"]) {
                return Ok(Ask::In(ranges));
            }
            if !self.take(&[","]) {
                return Err(error(self.column(), format!("expected `,` or `}}`, found {}", self.peek().shown())));
            }
        }
    }

    /// A value in the type of its field.
    fn literal(&mut self, field: &Field, name: &str) -> Result<Literal, FilterError> {
        let (column, token) = self.next();
        let wrong = |what: &str| not_a(column, &token, what, name);
        let (text, is_quoted) = match &token {
            Token::Word(word) => (word.clone(), false),
            Token::Quoted(octets) => (String::from_utf8_lossy(octets).into_owned(), true),
            Token::Sign(_) | Token::End => return Err(wrong("a value")),
        };
        if !is_quoted && Field::find(&text).is_some() {
            return Err(error(
                column,
                format!("`{text}` is a field; two fields can not be compared, expected a value"),
            ));
        }
        match field.kind() {
            Type::Presence => Err(error(column, format!("`{name}`: only its presence can be asked"))),
            Type::Boolean => match text.as_str() {
                "1" | "true" | "True" | "TRUE" => Ok(Literal::Number(1)),
                "0" | "false" | "False" | "FALSE" => Ok(Literal::Number(0)),
                _ => Err(wrong("1 or 0")),
            },
            Type::Number => number(&text)
                .map(Literal::Number)
                .or_else(|| named_number(field, &text))
                .ok_or_else(|| wrong("a number (decimal or 0x) or the name of a value")),
            Type::Time => match text.parse::<jiff::Timestamp>() {
                Ok(moment) => Ok(Literal::Number(moment.as_second().into())),
                Err(_) => number(&text)
                    .map(Literal::Number)
                    .ok_or_else(|| wrong("a time such as 2026-11-05T10:00:00Z, or seconds since 1970")),
            },
            Type::FrameTime => nanoseconds(&text)
                .or_else(|| text.parse::<jiff::Timestamp>().ok().map(|moment| moment.as_nanosecond()))
                .map(Literal::Number)
                .ok_or_else(|| wrong("seconds since 1970, or a time such as 2026-11-05T10:00:00Z")),
            Type::Address => network(&text).ok_or_else(|| wrong("an IP address, or a network such as 10.0.0.0/8")),
            Type::Text => Ok(Literal::Octets(match token {
                Token::Quoted(octets) => octets,
                _ => text.into_bytes(),
            })),
            Type::Octets => match token {
                Token::Quoted(octets) => Ok(Literal::Octets(octets)),
                _ => octets(&text)
                    .map(Literal::Octets)
                    .ok_or_else(|| wrong("octets such as 00:f1:10, or a text in quotes")),
            },
        }
    }
}

fn not_a(column: usize, token: &Token, what: &str, name: &str) -> FilterError {
    error(column, format!("expected {what} for `{name}`, found {}", token.shown()))
}

fn unknown(column: usize, name: &str) -> FilterError {
    let advice = match field::nearest(name) {
        Some(known) => format!("did you mean `{known}`?"),
        None if name.starts_with("diameter.") => {
            "an AVP without a name is found by `diameter.avp.code == N`".to_owned()
        }
        None => "known are diameter.*, frame.number, ip.*, ipv6.*, sctp.*, tcp.*".to_owned(),
    };
    error(column, format!("unknown field `{name}`; {advice}"))
}

/// Decimal or 0x. A leading zero would be octal in Wireshark and decimal to most people: it is refused.
fn number(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let value = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) if hex.bytes().all(|digit| digit.is_ascii_hexdigit()) => i128::from_str_radix(hex, 16).ok()?,
        Some(_) => return None,
        None if digits.len() > 1 && digits.starts_with('0') => return None,
        None if digits.bytes().all(|digit| digit.is_ascii_digit()) => digits.parse().ok()?,
        None => return None,
    };
    Some(if negative { -value } else { value })
}

/// Seconds with decimals, in nanoseconds.
fn nanoseconds(text: &str) -> Option<i128> {
    let (seconds, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 9 || !decimals.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let decimals: i128 = format!("{decimals:0<9}").parse().ok()?;
    number(seconds)?.checked_mul(1_000_000_000)?.checked_add(decimals)
}

/// The number of a name: a value that the dictionary names, a command, an application, a vendor.
fn named_number(field: &Field, text: &str) -> Option<Literal> {
    let found: Vec<i128> = match field {
        Field::Named(definitions) => definitions
            .iter()
            .flat_map(|definition| definition.values)
            .filter(|(name, _)| *name == text)
            .map(|(_, value)| i128::from(*value))
            .collect(),
        Field::Command => {
            let stem = text.strip_suffix("-Request").or_else(|| text.strip_suffix("-Answer")).unwrap_or(text);
            names::codes_of(stem).map(i128::from).collect()
        }
        Field::Application => names::ids_of(text).map(i128::from).collect(),
        Field::AvpVendor => names::vendor_of(text).map(i128::from).into_iter().collect(),
        _ => Vec::new(),
    };
    match found[..] {
        [] => None,
        [one] => Some(Literal::Number(one)),
        _ => Some(Literal::OneOf(found)),
    }
}

fn network(text: &str) -> Option<Literal> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(most);
    (bits <= most).then_some(Literal::Network(address, bits))
}

/// Octets in hexadecimal, with or without a separator.
fn octets(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|octet| !matches!(octet, b':' | b'-' | b'.')).collect();
    let digits = digits.strip_prefix(b"0x").unwrap_or(&digits);
    data_encoding::HEXLOWER_PERMISSIVE.decode(digits).ok().filter(|octets| !octets.is_empty())
}
