//! The JSON that freeDiameter's extension `dict_json` reads, both ways.
//!
//! freeDiameter knows a command by its code and R bit alone, so a code with several meanings stands there once, without
//! a grammar. Names of values travel where the value fits the AVP's type; names of bits do not, they are no values.

use std::collections::HashMap;

use serde_json::{Map, Value as Json, json};

use super::{Application, Catalogue, CatalogueError, Command, Entry, Member, Value, Vendor, content};
use crate::avp::dictionary::Rule;
use crate::avp::format::Kind;

/// True for what libfdcore defines itself, the base protocol: a second definition would not load.
pub(super) fn is_core(avp: &Entry) -> bool {
    avp.vendor == 0 && avp.defined_in.starts_with("RFC 6733")
}

/// Applications and commands that libfdcore defines itself. The extension ends the daemon over a second definition.
const CORE_APPLICATIONS: [u32; 3] = [0, 3, u32::MAX];
const CORE_COMMANDS: [u32; 7] = [257, 258, 271, 274, 275, 280, 282];

/// The named values that freeDiameter can hold.
pub(super) fn values(avp: &Entry) -> impl Iterator<Item = &Value> {
    let fits = move |value: &i64| match avp.kind {
        Kind::Enumerated | Kind::Integer32 => i32::try_from(*value).is_ok(),
        Kind::Unsigned32 => (0..=i64::from(i32::MAX)).contains(value),
        _ => false,
    };
    avp.values.iter().filter(move |value| !avp.bits && fits(&value.value))
}

pub(super) const fn type_name(kind: Kind) -> &'static str {
    match kind {
        // RFC 6733 has it no more, nor has freeDiameter.
        Kind::QoSFilterRule => "OctetString",
        kind => kind.name(),
    }
}

/// Writes the JSON of `dict_json`. What libfdcore has itself is left out.
#[must_use]
pub fn write(catalogue: &Catalogue) -> String {
    let named = |id: u32, name: &str| json!({"Code": id, "Name": name});
    let content = |rows: &[Member]| -> Vec<Json> {
        let row = |member: &Member| {
            let mut row = Map::new();
            row.insert("AVP".to_owned(), member.avp.clone().into());
            if member.vendor != 0 {
                row.insert("Vendor".to_owned(), member.vendor.into());
            }
            if member.first {
                row.insert("First".to_owned(), true.into());
            }
            row.insert("Min".to_owned(), member.least.into());
            if let Some(most) = member.most {
                row.insert("Max".to_owned(), most.into());
            }
            Json::Object(row)
        };
        rows.iter().map(row).collect()
    };
    let mut avps = Vec::new();
    let mut avp_rules = Vec::new();
    for avp in catalogue.avps.iter().filter(|avp| !is_core(avp)) {
        let mut row = Map::new();
        row.insert("Code".to_owned(), avp.code.into());
        if avp.vendor != 0 {
            row.insert("Vendor".to_owned(), avp.vendor.into());
        }
        row.insert("Name".to_owned(), avp.name.clone().into());
        let (mut must, mut must_not) = (String::new(), String::from("P"));
        if avp.vendor == 0 {
            must_not.push('V')
        } else {
            must.push('V')
        }
        match avp.mandatory {
            Rule::Must => must.push('M'),
            Rule::MustNot => must_not.push('M'),
            Rule::May => {}
        }
        row.insert("Flags".to_owned(), json!({"Must": must, "MustNot": must_not}));
        row.insert("Type".to_owned(), type_name(avp.kind).into());
        let values: Vec<_> = values(avp).map(|value| json!({"Code": value.value, "Name": value.name})).collect();
        if !values.is_empty() {
            row.insert("EnumValues".to_owned(), values.into());
        }
        avps.push(Json::Object(row));
        if !avp.members.is_empty() {
            let mut rule = Map::new();
            rule.insert("AVP".to_owned(), avp.name.clone().into());
            if avp.vendor != 0 {
                rule.insert("Vendor".to_owned(), avp.vendor.into());
            }
            rule.insert("Content".to_owned(), content(&avp.members).into());
            avp_rules.push(Json::Object(rule));
        }
    }
    let mut commands = Vec::new();
    let mut command_rules = Vec::new();
    // Commands name their application, so a name stands for one: PC2 has two.
    let mut applications: Vec<Application> = Vec::new();
    for application in catalogue.applications.iter().filter(|it| !CORE_APPLICATIONS.contains(&it.id)) {
        let Application { id, mut name } = application.clone();
        if applications.iter().any(|known| known.name == name) {
            name = format!("{name} ({id})");
        }
        applications.push(Application { id, name });
    }
    let application = |id: u32| applications.iter().find(|application| application.id == id);
    for command in catalogue.commands_by_code().iter().filter(|command| !CORE_COMMANDS.contains(&command.code)) {
        for (request, ending, rows) in [(true, "Request", &command.request), (false, "Answer", &command.answer)] {
            let name = format!("{}-{ending}", command.name);
            let mut row = Map::new();
            row.insert("Code".to_owned(), command.code.into());
            row.insert("Name".to_owned(), name.clone().into());
            if let Some(application) = command.application.and_then(application) {
                row.insert("Application".to_owned(), application.name.clone().into());
            }
            let (mut must, mut must_not) = (String::new(), String::new());
            if request {
                must.push('R')
            } else {
                must_not.push('R')
            }
            if command.proxiable {
                must.push('P')
            }
            if request {
                must_not.push('E')
            }
            row.insert("Flags".to_owned(), json!({"Must": must, "MustNot": must_not}));
            commands.push(Json::Object(row));
            if !rows.is_empty() {
                command_rules.push(json!({"Command": name, "Content": content(rows)}));
            }
        }
    }
    let whole = json!({
        "Vendors": catalogue.vendors.iter().filter(|it| it.id != 0).map(|it| named(it.id, &it.name)).collect::<Vec<_>>(),
        "Applications": applications.iter().map(|it| named(it.id, &it.name)).collect::<Vec<_>>(),
        "AVPs": avps,
        "Commands": commands,
        "AVPRules": avp_rules,
        "CommandRules": command_rules,
    });
    serde_json::to_string_pretty(&whole).unwrap_or_default() + "\n"
}

/// Where a row stands, for errors.
struct Row<'j> {
    object: &'j Map<String, Json>,
    at: String,
}

impl<'j> Row<'j> {
    fn text(&self, field: &str) -> Result<&'j str, CatalogueError> {
        let text = self.object.get(field).and_then(Json::as_str);
        text.ok_or_else(|| content(format!("{}.{field}", self.at), "expected a text"))
    }

    fn number(&self, field: &str) -> Result<Option<u32>, CatalogueError> {
        match self.object.get(field) {
            None | Some(Json::Null) => Ok(None),
            Some(value) => value
                .as_u64()
                .and_then(|number| u32::try_from(number).ok())
                .map(Some)
                .ok_or_else(|| content(format!("{}.{field}", self.at), "expected a number from 0 to 4294967295")),
        }
    }

    fn code(&self) -> Result<u32, CatalogueError> {
        self.number("Code")?.ok_or_else(|| content(&self.at, "lacks `Code`"))
    }

    fn rows(&self, field: &str) -> Result<Vec<Row<'j>>, CatalogueError> {
        let at = if self.at.is_empty() { field.to_owned() } else { format!("{}.{field}", self.at) };
        match self.object.get(field) {
            None | Some(Json::Null) => Ok(Vec::new()),
            Some(value) => {
                let rows = value.as_array().ok_or_else(|| content(&at, "expected an array"))?;
                let row = |(index, value): (usize, &'j Json)| {
                    let at = format!("{at}[{index}]");
                    let object = value.as_object().ok_or_else(|| content(&at, "expected an object"))?;
                    Ok(Row { object, at })
                };
                rows.iter().enumerate().map(row).collect()
            }
        }
    }

    fn flags(&self, field: &str) -> &'j str {
        self.object.get("Flags").and_then(|flags| flags.get(field)).and_then(Json::as_str).unwrap_or_default()
    }

    fn members(&self) -> Result<Vec<Member>, CatalogueError> {
        let member = |row: Row<'_>| {
            Ok(Member {
                avp: row.text("AVP")?.to_owned(),
                vendor: row.number("Vendor")?.unwrap_or(0),
                least: row.number("Min")?.unwrap_or(0),
                // A negative number or a word is no bound.
                most: row.object.get("Max").and_then(Json::as_u64).and_then(|most| u32::try_from(most).ok()),
                first: row.object.get("First").and_then(Json::as_bool).unwrap_or(false),
            })
        };
        self.rows("Content")?.into_iter().map(member).collect()
    }
}

/// Reads the JSON of `dict_json`.
///
/// # Errors
/// The first place that means nothing, with what was expected there.
pub fn from_json(value: &Json) -> Result<Catalogue, CatalogueError> {
    const SECTIONS: [&str; 7] = ["Vendors", "Types", "AVPs", "Applications", "Commands", "CommandRules", "AVPRules"];
    let object = value.as_object().ok_or_else(|| content("JSON", "expected an object"))?;
    if let Some(other) = object.keys().find(|key| !SECTIONS.contains(&key.as_str())) {
        let what = format!("`{}` is no section; expected {}", other.escape_debug(), SECTIONS.join(", "));
        return Err(content("JSON", what));
    }
    let root = Row { object, at: String::new() };
    let mut catalogue = Catalogue::default();
    for row in root.rows("Vendors")? {
        catalogue.vendors.push(Vendor { id: row.code()?, name: row.text("Name")?.to_owned() });
    }
    for row in root.rows("Applications")? {
        catalogue.applications.push(Application { id: row.code()?, name: row.text("Name")?.to_owned() });
    }
    let mut types = HashMap::new();
    for row in root.rows("Types")? {
        types.insert(row.text("Name")?.to_owned(), row.text("Base")?.to_owned());
    }
    let mut places = HashMap::new();
    for row in root.rows("AVPs")? {
        let mut word = row.text("Type")?;
        for _ in 0..8 {
            match types.get(word) {
                Some(base) if Kind::named(word).is_none() => word = base,
                _ => break,
            }
        }
        let kind = Kind::named(word)
            .ok_or_else(|| content(format!("{}.Type", row.at), format!("`{}` is no type", word.escape_debug())))?;
        let mut values = Vec::new();
        for value in row.rows("EnumValues")? {
            // Values of OctetStrings are texts, which have no place with us.
            if let Some(number) = value.object.get("Code").and_then(Json::as_i64) {
                values.push(Value { name: value.text("Name")?.to_owned(), value: number });
            }
        }
        let mandatory = match (row.flags("Must").contains('M'), row.flags("MustNot").contains('M')) {
            (true, _) => Rule::Must,
            (false, true) => Rule::MustNot,
            (false, false) => Rule::May,
        };
        let entry = Entry {
            name: row.text("Name")?.to_owned(),
            code: row.code()?,
            vendor: row.number("Vendor")?.unwrap_or(0),
            kind,
            mandatory,
            values,
            bits: false,
            members: Vec::new(),
            defined_in: String::new(),
        };
        places.insert((entry.vendor, entry.name.clone()), catalogue.avps.len());
        catalogue.avps.push(entry);
    }
    for row in root.rows("AVPRules")? {
        let place = (row.number("Vendor")?.unwrap_or(0), row.text("AVP")?.to_owned());
        let members = row.members()?;
        // A rule may be about an AVP of another file.
        if let Some(avp) = places.get(&place).and_then(|at| catalogue.avps.get_mut(*at)) {
            avp.members = members;
        }
    }
    let mut commands: Vec<Command> = Vec::new();
    let mut by_code: HashMap<u32, usize> = HashMap::new();
    let mut by_name: HashMap<String, (usize, bool)> = HashMap::new();
    for row in root.rows("Commands")? {
        let (code, name) = (row.code()?, row.text("Name")?);
        let stem = name.strip_suffix("-Request").or_else(|| name.strip_suffix("-Answer")).unwrap_or(name);
        let application = row.object.get("Application").and_then(Json::as_str);
        let application = application
            .and_then(|name| catalogue.applications.iter().find(|application| application.name == name))
            .map(|application| application.id);
        let proxiable = row.flags("Must").contains('P');
        let at = *by_code.entry(code).or_insert_with(|| {
            commands.push(Command {
                code,
                name: stem.to_owned(),
                application,
                vendor: 0,
                proxiable,
                request: Vec::new(),
                answer: Vec::new(),
            });
            commands.len() - 1
        });
        by_name.insert(name.to_owned(), (at, row.flags("Must").contains('R')));
    }
    for row in root.rows("CommandRules")? {
        let members = row.members()?;
        if let Some((at, request)) = by_name.get(row.text("Command")?)
            && let Some(command) = commands.get_mut(*at)
        {
            if *request { command.request = members } else { command.answer = members }
        }
    }
    catalogue.commands = commands;
    Ok(catalogue)
}
