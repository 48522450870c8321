//! A dictionary as an extension of freeDiameter in C, for builds without `dict_json`, Debian's among them.
//!
//! The file stands alone: `cc -shared -fPIC -o proselink.fdx proselink.c` with Debian's `libfreediameter-dev`.

use std::fmt::Write as _;

use super::freediameter::{is_core, type_name, values};
use super::{Catalogue, Entry, Member};
use crate::avp::dictionary::Rule;
use crate::avp::format::Kind;

/// The part that does not depend on what is exported.
const CODE: &str = include_str!("freediameter.c");

fn text(words: &str) -> String {
    let mut out = String::from("\"");
    for letter in words.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            // A trigraph would need two of them.
            '?' => out.push_str("\\?"),
            ' '..='~' => out.push(letter),
            other => out.extend(other.encode_utf8(&mut [0; 4]).bytes().map(|octet| format!("\\{octet:03o}"))),
        }
    }
    out + "\""
}

fn base(avp: &Entry) -> (&'static str, String) {
    let derived = |name: &str| text(name);
    match type_name(avp.kind) {
        "OctetString" => ("AVP_TYPE_OCTETSTRING", "NULL".to_owned()),
        "Integer32" | "Enumerated" => ("AVP_TYPE_INTEGER32", "NULL".to_owned()),
        "Integer64" => ("AVP_TYPE_INTEGER64", "NULL".to_owned()),
        "Unsigned32" => ("AVP_TYPE_UNSIGNED32", "NULL".to_owned()),
        "Unsigned64" => ("AVP_TYPE_UNSIGNED64", "NULL".to_owned()),
        "Float32" => ("AVP_TYPE_FLOAT32", "NULL".to_owned()),
        "Float64" => ("AVP_TYPE_FLOAT64", "NULL".to_owned()),
        "Grouped" => ("AVP_TYPE_GROUPED", "NULL".to_owned()),
        other => ("AVP_TYPE_OCTETSTRING", derived(other)),
    }
}

/// Writes the extension. What libfdcore has itself is left out.
#[must_use]
pub fn write(catalogue: &Catalogue) -> String {
    let mut out = String::from(
        "/* Made by `proselink dict export`: definitions for freeDiameter.\n *\n *   cc -shared -fPIC -o proselink.fdx \
         proselink.c        (Debian: libfreediameter-dev)\n *   LoadExtension = \"/path/proselink.fdx\";  in \
         freeDiameter.conf\n */\n#include <freeDiameter/extension.h>\n\n",
    );
    out.push_str("static const struct { vendor_id_t id; const char *name; } vendors[] = {\n");
    for vendor in catalogue.vendors.iter().filter(|vendor| vendor.id != 0) {
        let _ = writeln!(out, "    {{ {}u, {} }},", vendor.id, text(&vendor.name));
    }
    out.push_str("    { 0, NULL }\n};\n\nstatic const struct { application_id_t id; vendor_id_t vendor; const char *name; } applications[] = {\n");
    for application in &catalogue.applications {
        let vendor =
            catalogue.commands.iter().find(|it| it.application == Some(application.id)).map_or(0, |it| it.vendor);
        let _ = writeln!(out, "    {{ {}u, {vendor}u, {} }},", application.id, text(&application.name));
    }
    out.push_str(
        "    { 0, 0, NULL }\n};\n\nstatic const struct { avp_code_t code; vendor_id_t vendor; const char *name; uint8_t mask, \
         flags; enum dict_avp_basetype base; const char *derived; } avps[] = {\n",
    );
    let avps = || catalogue.avps.iter().filter(|avp| !is_core(avp));
    for avp in avps() {
        let (mask, mut flags) = match avp.mandatory {
            Rule::Must => ("AVP_FLAG_VENDOR | AVP_FLAG_MANDATORY", vec!["AVP_FLAG_MANDATORY"]),
            Rule::MustNot => ("AVP_FLAG_VENDOR | AVP_FLAG_MANDATORY", vec![]),
            Rule::May => ("AVP_FLAG_VENDOR", vec![]),
        };
        if avp.vendor != 0 {
            flags.push("AVP_FLAG_VENDOR");
        }
        if flags.is_empty() {
            flags.push("0");
        }
        let (base, derived) = base(avp);
        let _ = writeln!(
            out,
            "    {{ {}u, {}u, {}, {mask}, {}, {base}, {derived} }},",
            avp.code,
            avp.vendor,
            text(&avp.name),
            flags.join(" | ")
        );
    }
    out.push_str("    { 0, 0, NULL, 0, 0, 0, NULL }\n};\n\nstatic const struct { vendor_id_t vendor; const char *avp, *name; int64_t number; } values[] = {\n");
    for avp in avps() {
        for value in values(avp) {
            let _ = writeln!(
                out,
                "    {{ {}u, {}, {}, {} }},",
                avp.vendor,
                text(&avp.name),
                text(&value.name),
                value.value
            );
        }
    }
    out.push_str(
        "    { 0, NULL, NULL, 0 }\n};\n\nstatic const struct { command_code_t code; const char *name; uint8_t mask, flags; } \
         commands[] = {\n",
    );
    let commands = catalogue.commands_by_code();
    for command in &commands {
        let proxiable = if command.proxiable { "CMD_FLAG_PROXIABLE" } else { "0" };
        let _ = writeln!(
            out,
            "    {{ {code}u, {request}, CMD_FLAG_REQUEST | CMD_FLAG_PROXIABLE | CMD_FLAG_ERROR, CMD_FLAG_REQUEST | {proxiable} }},\n    {{ {code}u, {answer}, \
             CMD_FLAG_REQUEST | CMD_FLAG_PROXIABLE, {proxiable} }},",
            code = command.code,
            request = text(&format!("{}-Request", command.name)),
            answer = text(&format!("{}-Answer", command.name)),
        );
    }
    out.push_str(
        "    { 0, NULL, 0, 0 }\n};\n\n/* parent is a command where vendor is -1, else a Grouped AVP */\nstatic const struct { \
         int64_t vendor; const char *parent; vendor_id_t of; const char *avp; int first, least, most; } rules[] = {\n",
    );
    let rows = |vendor: i64, parent: &str, members: &[Member], out: &mut String| {
        for member in members {
            let least = i32::try_from(member.least).unwrap_or(i32::MAX);
            let most = member.most.map_or(-1, |most| i32::try_from(most).unwrap_or(-1));
            let _ = writeln!(
                out,
                "    {{ {vendor}, {}, {}u, {}, {}, {least}, {most} }},",
                text(parent),
                member.vendor,
                text(&member.avp),
                u8::from(member.first)
            );
        }
    };
    for avp in avps().filter(|avp| avp.kind == Kind::Grouped) {
        rows(i64::from(avp.vendor), &avp.name, &avp.members, &mut out);
    }
    for command in &commands {
        rows(-1, &format!("{}-Request", command.name), &command.request, &mut out);
        rows(-1, &format!("{}-Answer", command.name), &command.answer, &mut out);
    }
    out.push_str("    { 0, NULL, 0, NULL, 0, 0, 0 }\n};\n\n");
    out.push_str(CODE);
    out
}
