//! The ladder in Mermaid's words, for documents whose viewer draws it: `sequenceDiagram`.

use std::fmt::Write as _;

use super::super::count;
use super::Ladder;

/// Draws a ladder. Answers have dotted arrows; those that refuse end in a cross.
#[must_use]
pub fn draw(ladder: &Ladder) -> String {
    let mut out = String::from("sequenceDiagram\n");
    if !ladder.title.is_empty() {
        let _ = writeln!(out, "    %% {}", escaped(&ladder.title));
    }
    for (at, party) in ladder.participants.iter().enumerate() {
        let _ = write!(out, "    participant P{at} as {}", escaped(&party.name));
        if !party.detail.is_empty() {
            let _ = write!(out, "<br/>{}", escaped(&party.detail));
        }
        out.push('\n');
    }
    for arrow in &ladder.arrows {
        let described = &arrow.described;
        let line = match (described.request, described.refused) {
            (true, _) => "->>",
            (false, false) => "-->>",
            (false, true) => "--x",
        };
        let _ = write!(out, "    P{}{line}P{}: {}", arrow.from, arrow.to, escaped(&described.label()));
        if !described.identifiers.is_empty() {
            let _ = write!(out, "<br/>{}", escaped(&described.identifiers));
        }
        out.push('\n');
    }
    if let (true, Some(last)) = (ladder.left_out > 0, ladder.participants.len().checked_sub(1)) {
        let over = if last == 0 { "P0".to_owned() } else { format!("P0,P{last}") };
        let _ = writeln!(out, "    Note over {over}: {} more", count(ladder.left_out, "message"));
    }
    out
}

/// Text that Mermaid takes for nothing but text: its own entities, by the letter's number.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '#' | ';' | '<' | '>' | '"' | '&' | '%' | '{' | '}' | '`' | '\\' => {
                let _ = write!(out, "#{};", u32::from(letter));
            }
            _ if letter.is_control() => out.push(' '),
            _ => out.push(letter),
        }
    }
    // The word `end` alone closes a block.
    if out.trim().eq_ignore_ascii_case("end") { format!("#{};nd", u32::from(b'e')) } else { out }
}

#[cfg(test)]
mod tests {
    use super::super::tests::said;
    use super::*;

    #[test]
    fn requests_answers_and_refusals_have_arrows_of_their_own() {
        let mut refusal = said("mme.example", "ue.example", "6", "PC3", false);
        refusal.described.refused = true;
        let ladder = Ladder::new("a UE", vec![said("ue.example", "mme.example", "5", "PC3", true), refusal], 3);
        assert_eq!(
            draw(&ladder),
            "sequenceDiagram\n    %% a UE\n    participant P0 as ue\n    participant P1 as mme\n    \
             P0->>P1: 5 XAR PC3\n    P1--xP0: 6 XAA PC3\n    Note over P0,P1: 3 messages more\n"
        );
    }

    #[test]
    fn a_hostile_name_is_text() {
        let ladder = Ladder::new("", vec![said("a;P1->>P1: x\n<b>#", "end", "", "", true)], 0);
        let drawn = draw(&ladder);
        assert!(drawn.contains("participant P0 as a#59;P1-#62;#62;P1: x #60;b#62;#35;\n"), "{drawn}");
        assert!(drawn.contains("participant P1 as #101;nd\n"), "{drawn}");
    }
}
