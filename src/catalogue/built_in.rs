//! Our tables as a catalogue.

use super::{Application, Catalogue, Command, Entry, Member, Value, Vendor};
use crate::avp::dictionary::{self, Declared, Definition, ProseRequestType, private, prose};
use crate::interfaces::{INTERFACES, names};
use crate::message::CommandDefinition;

fn member(row: &dictionary::Member) -> Member {
    Member {
        avp: row.definition.name.to_owned(),
        vendor: row.definition.vendor(),
        least: row.least,
        most: (row.most != u32::MAX).then_some(row.most),
        first: row.fixed,
    }
}

fn entry(definition: &Definition) -> Entry {
    let mut values: Vec<Value> =
        definition.values.iter().map(|(name, value)| Value { name: (*name).to_owned(), value: *value }).collect();
    if definition.key == ProseRequestType::DEFINITION.key {
        // The one private value of a standard's AVP.
        let value = i64::from(private::REQUEST_TYPE_BIND_USER);
        values.push(Value { name: "BIND_USER (private)".to_owned(), value });
    }
    Entry {
        name: definition.name.to_owned(),
        code: definition.code(),
        vendor: definition.vendor(),
        kind: definition.kind,
        mandatory: definition.mandatory,
        values,
        bits: definition.bits,
        members: definition.members.iter().map(member).collect(),
        defined_in: definition.clause.to_owned(),
    }
}

impl Catalogue {
    /// Everything the tables know.
    #[must_use]
    pub fn built_in() -> Self {
        let mut catalogue = Self {
            vendors: names::VENDORS.iter().map(|(id, name)| Vendor { id: *id, name: (*name).to_owned() }).collect(),
            avps: dictionary::all().map(entry).collect(),
            ..Self::default()
        };
        for interface in INTERFACES {
            for id in interface.applications {
                // The base protocol has its names in the list below.
                if interface.vendor != 0 {
                    catalogue.applications.push(Application { id: *id, name: interface.name.to_owned() });
                }
            }
            for request in interface.commands.iter().filter(|command| command.request) {
                let answer = interface.commands.iter().find(|it| !it.request && it.code == request.code);
                let rows = |command: &CommandDefinition| command.members.iter().map(member).collect();
                let mut command = Command {
                    code: request.code,
                    name: request.stem().to_owned(),
                    application: interface.applications.first().copied().filter(|id| *id != 0),
                    vendor: interface.vendor,
                    proxiable: request.proxiable,
                    request: rows(request),
                    answer: answer.map(|answer| rows(answer)).unwrap_or_default(),
                };
                catalogue.commands.push(command.clone());
                for (seen, _) in interface.other_codes.iter().filter(|(_, known)| *known == request.code) {
                    command.code = *seen;
                    catalogue.commands.push(command.clone());
                }
            }
        }
        for (id, name) in names::APPLICATIONS {
            if !catalogue.applications.iter().any(|known| known.id == *id) {
                catalogue.applications.push(Application { id: *id, name: (*name).to_owned() });
            }
        }
        for (code, applications, name) in names::COMMANDS {
            let known = |command: &Command| command.code == *code && command.name == *name;
            if catalogue.commands.iter().any(known) {
                continue;
            }
            let users: Vec<_> =
                if applications.is_empty() { vec![None] } else { applications.iter().copied().map(Some).collect() };
            for application in users {
                let vendor = application.map_or(0, names::vendor_of_application);
                catalogue.commands.push(Command {
                    code: *code,
                    name: (*name).to_owned(),
                    application,
                    vendor,
                    proxiable: true,
                    request: Vec::new(),
                    answer: Vec::new(),
                });
            }
        }
        catalogue
    }

    /// What proximity services add: the AVPs of TS 29.343, 29.344 and 29.345 and the private ones, and the commands and
    /// applications of PC2, PC3, PC4, PC6 and PC7.
    #[must_use]
    pub fn proximity_services() -> Self {
        let mut catalogue = Self::built_in();
        let avps: Vec<_> = prose::TABLE.iter().chain(private::TABLE).map(|definition| definition.key).collect();
        let room = |id: u32| INTERFACES.iter().any(|it| it.name.starts_with("PC") && it.applications.contains(&id));
        catalogue.avps.retain(|avp| avps.contains(&avp.key()));
        catalogue.applications.retain(|application| room(application.id));
        catalogue.commands.retain(|command| command.application.is_some_and(room));
        catalogue.vendors.retain(|vendor| [dictionary::TGPP, private::VENDOR].contains(&vendor.id));
        catalogue
    }

    /// The AVPs of `self`, and all that its groups and commands are made of, whatever their depth.
    #[must_use]
    pub fn with_members_from(mut self, all: &Self) -> Self {
        let place = |vendor, name: &str| all.avps.iter().find(|avp| avp.vendor == vendor && avp.name == name);
        let mut known: std::collections::HashSet<u64> = self.avps.iter().map(|avp| avp.key().0).collect();
        let rows = self.avps.iter().flat_map(|avp| &avp.members);
        let commands = self.commands.iter().flat_map(|it| it.request.iter().chain(&it.answer));
        let mut wanted: Vec<Member> = rows.chain(commands).cloned().collect();
        while let Some(member) = wanted.pop() {
            if let Some(avp) = place(member.vendor, &member.avp)
                && known.insert(avp.key().0)
            {
                wanted.extend(avp.members.iter().cloned());
                self.avps.push(avp.clone());
            }
        }
        self
    }
}
