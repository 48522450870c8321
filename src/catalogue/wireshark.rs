//! Wireshark's `diameter/dictionary.xml`, both ways.
//!
//! What is written is a fragment for `diameter/Custom.xml`, which Wireshark includes for its users' own definitions. What
//! is read is the whole dictionary, or a fragment. Its parts are included by external entities (`<!ENTITY TGPP SYSTEM
//! "TGPP.xml">`, then `&TGPP;`): they are followed by a plain file name, each once; no other entity is expanded.

use std::collections::HashMap;
use std::fmt::Write as _;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::content;
use super::{
    AVP_LIMIT, Application, Catalogue, CatalogueError, Command, Entry, Include, Member, SIZE_LIMIT, Value, Vendor,
};
use crate::avp::dictionary::Rule;
use crate::avp::format::Kind;
use crate::interfaces::names;

/// Files include files to this depth.
const DEPTH_LIMIT: usize = 4;

/// What Wireshark calls vendors, where a fragment does not say.
const VENDOR_WORDS: [(&str, u32); 5] =
    [("None", 0), ("TGPP", 10415), ("TGPP2", 5535), ("ETSI", 13019), ("TGPPCX", 16_777_216)];

/// Writes a fragment for `Custom.xml`.
#[must_use]
pub fn write(catalogue: &Catalogue) -> String {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- Made by `proselink dict export`; place it as \
         diameter/Custom.xml in Wireshark's data folder. -->\n",
    );
    let word = |vendor: u32| {
        let known = VENDOR_WORDS.iter().find(|(_, id)| *id == vendor);
        known.map_or_else(|| format!("Vendor{vendor}"), |(word, _)| (*word).to_owned())
    };
    for vendor in &catalogue.vendors {
        // Wireshark has these itself, and would take a second one for another.
        if !VENDOR_WORDS.iter().any(|(_, id)| *id == vendor.id) {
            let _ = writeln!(
                out,
                "<vendor vendor-id=\"{}\" code=\"{}\" name=\"{}\"/>",
                word(vendor.id),
                vendor.id,
                escaped(&vendor.name)
            );
        }
    }
    for application in &catalogue.applications {
        let _ = writeln!(out, "<application id=\"{}\" name=\"{}\"/>", application.id, escaped(&application.name));
    }
    let commands = catalogue.commands_by_code();
    if commands.is_empty() && catalogue.avps.is_empty() {
        return out;
    }
    // Commands and AVPs need an application around them, whichever: Wireshark knows both by their numbers alone.
    let _ = writeln!(out, "<application id=\"0\" name=\"Diameter Common Messages\">");
    for command in &commands {
        let _ = writeln!(
            out,
            "  <command name=\"{}\" code=\"{}\" vendor-id=\"{}\"/>",
            escaped(&command.name),
            command.code,
            word(command.vendor)
        );
    }
    for avp in &catalogue.avps {
        let mandatory = match avp.mandatory {
            Rule::Must => "must",
            Rule::May => "may",
            Rule::MustNot => "mustnot",
        };
        let vendor_bit = if avp.vendor == 0 { "mustnot" } else { "must" };
        let vendor = if avp.vendor == 0 { String::new() } else { format!(" vendor-id=\"{}\"", word(avp.vendor)) };
        let _ = writeln!(
            out,
            "  <avp name=\"{}\" code=\"{}\" mandatory=\"{mandatory}\" vendor-bit=\"{vendor_bit}\"{vendor} may-encrypt=\"no\">",
            escaped(&avp.name),
            avp.code
        );
        if avp.kind == Kind::Grouped {
            out.push_str("    <grouped>\n");
            for member in &avp.members {
                let _ = writeln!(out, "      <gavp name=\"{}\"/>", escaped(&member.avp));
            }
            if avp.members.is_empty() {
                out.push_str("      <gavp name=\"Proxy-Info\"/>\n");
            }
            out.push_str("    </grouped>\n");
        } else {
            let _ = writeln!(out, "    <type type-name=\"{}\"/>", type_name(avp.kind));
            // Wireshark compares a value whole: names of single bits would be wrong for two of them.
            for value in avp.values.iter().filter(|_| !avp.bits) {
                let _ = writeln!(out, "    <enum name=\"{}\" code=\"{}\"/>", escaped(&value.name), value.value);
            }
        }
        out.push_str("  </avp>\n");
    }
    out.push_str("</application>\n");
    out
}

const fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Address => "IPAddress",
        kind => kind.name(),
    }
}

fn escaped(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

/// An AVP as it stands there: names are looked up when all files are read.
#[derive(Default)]
struct Raw {
    name: String,
    code: u32,
    vendor: Option<String>,
    mandatory: Option<String>,
    kind: Option<String>,
    grouped: bool,
    members: Vec<String>,
    values: Vec<Value>,
}

#[derive(Default)]
struct Parser {
    catalogue: Catalogue,
    vendors: HashMap<String, u32>,
    types: HashMap<String, String>,
    avps: Vec<Raw>,
    commands: Vec<(Command, Option<String>)>,
    entities: HashMap<String, String>,
    read: usize,
    application: Option<u32>,
    open: Option<Raw>,
}

/// Reads Wireshark's dictionary or a fragment of it; `include` gives the files that it names.
///
/// # Errors
/// What is malformed, and where.
pub fn parse(text: &str, include: &mut Include<'_>) -> Result<Catalogue, CatalogueError> {
    let mut parser = Parser::default();
    parser.file("dictionary", text, 0, include)?;
    parser.finish()
}

impl Parser {
    fn file(&mut self, file: &str, text: &str, depth: usize, include: &mut Include<'_>) -> Result<(), CatalogueError> {
        self.read = self.read.saturating_add(text.len());
        if self.read > SIZE_LIMIT {
            return Err(CatalogueError::TooLong);
        }
        let mut reader = Reader::from_str(text);
        loop {
            let event = reader.read_event();
            let place = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX).min(text.len());
            let syntax = |what: String| CatalogueError::Syntax {
                file: file.to_owned(),
                line: 1 + text.as_bytes().iter().take(place).filter(|octet| **octet == b'\n').count(),
                what,
            };
            match event.map_err(|error| syntax(error.to_string()))? {
                Event::Eof => break,
                Event::Start(element) => self.element(&element, false).map_err(syntax)?,
                Event::Empty(element) => self.element(&element, true).map_err(syntax)?,
                Event::End(element) => self.end(element.name().as_ref()),
                Event::DocType(words) => self.doctype(&String::from_utf8_lossy(&words)),
                Event::GeneralRef(name) => {
                    let name = String::from_utf8_lossy(&name).into_owned();
                    // A reference to a letter stands in text, and text means nothing here.
                    if name.starts_with('#') || ["amp", "lt", "gt", "quot", "apos"].contains(&name.as_str()) {
                        continue;
                    }
                    let fault = |file: &str, what: String| CatalogueError::Include {
                        entity: name.clone(),
                        file: file.to_owned(),
                        what,
                    };
                    // Taken out: a file is included once, so none can include itself.
                    let Some(wanted) = self.entities.remove(&name) else {
                        return Err(fault("-", "no external entity of that name, or included before".to_owned()));
                    };
                    if wanted.is_empty() || wanted.starts_with('.') || wanted.contains(['/', '\\', ':', '\0']) {
                        return Err(fault(&wanted, "only files of the same folder are included".to_owned()));
                    }
                    if depth == DEPTH_LIMIT {
                        return Err(fault(&wanted, format!("files include files deeper than {DEPTH_LIMIT}")));
                    }
                    let more = include(&wanted).map_err(|what| fault(&wanted, what))?;
                    self.file(&wanted, &more, depth + 1, include)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The external entities of a document type; comments in it are passed over.
    fn doctype(&mut self, words: &str) {
        let mut plain = String::with_capacity(words.len());
        let mut rest = words;
        while let Some((before, after)) = rest.split_once("<!--") {
            plain.push_str(before);
            rest = after.split_once("-->").map_or("", |(_, after)| after);
        }
        plain.push_str(rest);
        for entity in plain.split("<!ENTITY").skip(1) {
            let mut parts = entity.split_whitespace();
            if let (Some(name), Some("SYSTEM")) = (parts.next(), parts.next())
                && let Some(file) = entity.split(['"', '\'']).nth(1)
            {
                self.entities.insert(name.to_owned(), file.to_owned());
            }
        }
    }

    fn element(&mut self, element: &BytesStart<'_>, empty: bool) -> Result<(), String> {
        let mut words: HashMap<String, String> = HashMap::new();
        for attribute in element.attributes() {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let raw = String::from_utf8_lossy(&attribute.value).into_owned();
            // Of entities only the five that XML has itself.
            let value = quick_xml::escape::unescape(&raw).map_err(|error| error.to_string())?;
            words.insert(String::from_utf8_lossy(attribute.key.as_ref()).into_owned(), value.trim().to_owned());
        }
        let name = element.name();
        let name = String::from_utf8_lossy(name.as_ref()).into_owned();
        let word = |what: &str| words.get(what).cloned().ok_or_else(|| format!("<{name}> lacks `{what}`"));
        let number = |what: &str| -> Result<u32, String> {
            let text = word(what)?;
            text.parse().map_err(|_| format!("<{name} {what}=\"{}\">: expected a number", text.escape_debug()))
        };
        match name.as_str() {
            "vendor" => {
                let (id, code) = (word("vendor-id")?, number("code")?);
                let name = words.get("name").filter(|name| !name.is_empty()).cloned().unwrap_or_else(|| id.clone());
                self.vendors.insert(id, code);
                self.catalogue.vendors.push(Vendor { id: code, name });
            }
            "application" => {
                let id = number("id")?;
                let known = self.catalogue.applications.iter().any(|known| known.id == id);
                if let Some(name) = words.get("name").filter(|name| !known && !name.is_empty()) {
                    self.catalogue.applications.push(Application { id, name: name.clone() });
                }
                // 0 is where commands stand that any application may use.
                self.application = (!empty && id != 0).then_some(id);
            }
            "command" => {
                let command = Command {
                    code: number("code")?,
                    name: word("name")?,
                    application: self.application,
                    vendor: 0,
                    proxiable: true,
                    request: Vec::new(),
                    answer: Vec::new(),
                };
                self.commands.push((command, words.get("vendor-id").cloned()));
            }
            "typedefn" => {
                self.types.insert(word("type-name")?, words.get("type-parent").cloned().unwrap_or_default());
            }
            "avp" => {
                let raw = Raw {
                    name: word("name")?,
                    code: number("code")?,
                    vendor: words.get("vendor-id").cloned(),
                    mandatory: words.get("mandatory").cloned(),
                    ..Raw::default()
                };
                if self.avps.len() >= AVP_LIMIT {
                    return Err(CatalogueError::TooMany.to_string());
                }
                if empty { self.avps.push(raw) } else { self.open = Some(raw) }
            }
            "type" => {
                let kind = word("type-name")?;
                if let Some(avp) = &mut self.open {
                    avp.kind = Some(kind);
                }
            }
            "grouped" => {
                if let Some(avp) = &mut self.open {
                    avp.grouped = true;
                }
            }
            "gavp" => {
                let member = word("name")?;
                if let Some(avp) = &mut self.open {
                    avp.members.push(member);
                }
            }
            "enum" => {
                let (name, code) = (word("name")?, word("code")?);
                let value =
                    code.parse().map_err(|_| format!("<enum code=\"{}\">: expected a number", code.escape_debug()))?;
                if let Some(avp) = self.open.as_mut().filter(|_| !name.is_empty()) {
                    avp.values.push(Value { name, value });
                }
            }
            // Anything else, `dictionary` and `base` included, only groups.
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, name: &[u8]) {
        match name {
            b"avp" => self.avps.extend(self.open.take()),
            b"application" => self.application = None,
            _ => {}
        }
    }

    fn vendor(&self, word: Option<&str>, at: &str) -> Result<u32, CatalogueError> {
        let Some(word) = word else { return Ok(0) };
        let known = self.vendors.get(word).copied();
        known
            .or_else(|| VENDOR_WORDS.iter().find(|(known, _)| *known == word).map(|(_, id)| *id))
            .or_else(|| names::vendor_of(word))
            .ok_or_else(|| content(at, format!("vendor-id `{}` is defined nowhere", word.escape_debug())))
    }

    /// The format behind a type's name, through the types that it comes from.
    fn kind(&self, name: &str, at: &str) -> Result<Kind, CatalogueError> {
        let mut word = name;
        for _ in 0..8 {
            match word {
                "IPAddress" => return Ok(Kind::Address),
                word if Kind::named(word).is_some() => return Ok(Kind::named(word).unwrap_or(Kind::OctetString)),
                "AppId" | "VendorId" => return Ok(Kind::Unsigned32),
                "OctetStringOrUTF8" | "MIPRegistrationRequest" => return Ok(Kind::OctetString),
                _ => {}
            }
            match self.types.get(word) {
                Some(parent) if !parent.is_empty() => word = parent,
                _ => break,
            }
        }
        Err(content(at, format!("type `{}` is defined nowhere", name.escape_debug())))
    }

    fn finish(mut self) -> Result<Catalogue, CatalogueError> {
        let raws = std::mem::take(&mut self.avps);
        let mut vendors_of: HashMap<&str, u32> = HashMap::with_capacity(raws.len());
        let mut keys = Vec::with_capacity(raws.len());
        for raw in &raws {
            let vendor = self.vendor(raw.vendor.as_deref(), &raw.name)?;
            vendors_of.entry(&raw.name).or_insert(vendor);
            keys.push(vendor);
        }
        let mut avps = Vec::with_capacity(raws.len());
        for (raw, vendor) in raws.iter().zip(keys) {
            let kind = match &raw.kind {
                _ if raw.grouped => Kind::Grouped,
                Some(name) => self.kind(name, &raw.name)?,
                None => Kind::OctetString,
            };
            // RADIUS attributes hold an address without its family.
            let radius = vendor == 0 && raw.code < 256;
            let kind = if radius && kind == Kind::Address { Kind::OctetString } else { kind };
            let mandatory = match raw.mandatory.as_deref() {
                Some("must") => Rule::Must,
                Some("mustnot" | "shouldnot") => Rule::MustNot,
                _ => Rule::May,
            };
            let member = |name: &String| Member {
                avp: name.clone(),
                vendor: vendors_of.get(name.as_str()).copied().unwrap_or(vendor),
                least: 0,
                most: None,
                first: false,
            };
            avps.push(Entry {
                name: raw.name.clone(),
                code: raw.code,
                vendor,
                kind,
                mandatory,
                values: raw.values.clone(),
                bits: false,
                members: raw.members.iter().map(member).collect(),
                defined_in: String::new(),
            });
        }
        let mut commands = Vec::with_capacity(self.commands.len());
        for (mut command, vendor) in std::mem::take(&mut self.commands) {
            command.vendor = self.vendor(vendor.as_deref(), &command.name)?;
            commands.push(command);
        }
        Ok(Catalogue { avps, commands, ..self.catalogue })
    }
}
