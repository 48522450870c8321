//! The ladder as SVG: alone as a document, or in pieces within a page.

use std::fmt::Write as _;
use std::ops::Range;

use super::super::{count, shortened, write_milliseconds, write_xml};
use super::{Arrow, Ladder};

/// The style of a ladder in the light; for pages that hold ladders without [`document`]'s own.
pub const STYLE: &str = include_str!("ladder.css");
/// What the dark changes.
pub const DARK_STYLE: &str = include_str!("dark.css");

/// Width of a letter, in its size: that of a wide typeface, for nobody knows which one there is.
const LETTER: f64 = 0.6;

/// How a ladder is laid out: lengths in units of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layout {
    /// Where the first lifeline stands.
    first: f64,
    /// From one lifeline to the next.
    apart: f64,
    /// Right of the last lifeline.
    right: f64,
    /// The boxes of the parties.
    head: f64,
    /// Height of a message.
    row: f64,
    /// Size of labels.
    font: f64,
    /// Size of names.
    party: f64,
    /// As wide as for that many parties at least, so that there is room for what messages carry.
    least: usize,
    /// Time and frame stand left of the lifelines, and what a message carries under it.
    roomy: bool,
}

impl Layout {
    /// For screens and paper: with times, frames and what each message carries.
    #[must_use]
    pub fn wide(ladder: &Ladder) -> Self {
        let apart = if ladder.participants.len() > 8 { 130.0 } else { 150.0 };
        Self { first: 146.0, apart, right: 76.0, head: 46.0, row: 46.0, font: 13.0, party: 13.0, least: 4, roomy: true }
    }

    /// For phones: names and labels alone, as wide as the screen where the parties fit.
    #[must_use]
    pub fn narrow(ladder: &Ladder) -> Self {
        const SCREEN: f64 = 358.0;
        const EDGE: f64 = 30.0;
        let gaps = ladder.participants.len().saturating_sub(1).max(1) as f64;
        let apart = ((SCREEN - 2.0 * EDGE) / gaps).clamp(58.0, 150.0);
        Self { first: EDGE, apart, right: EDGE, head: 28.0, row: 34.0, font: 10.5, party: 9.0, least: 2, roomy: false }
    }

    fn column(&self, party: usize) -> f64 {
        self.first + self.apart * party as f64
    }

    fn width(&self, ladder: &Ladder) -> f64 {
        self.column(ladder.participants.len().max(self.least) - 1) + self.right
    }

    /// Letters of this size that fit.
    fn letters(&self, room: f64, font: f64) -> usize {
        (room / (font * LETTER)).max(1.0) as usize
    }
}

/// A whole document: a title, the ladder, its own style for light and dark.
#[must_use]
pub fn document(ladder: &Ladder) -> String {
    let layout = Layout::wide(ladder);
    let (title, end) = (if ladder.title.is_empty() { 0.0 } else { 34.0 }, if ladder.left_out > 0 { 30.0 } else { 0.0 });
    let (width, body) = (layout.width(ladder), height(&layout, ladder.arrows.len()));
    let mut out = String::with_capacity(2048 + ladder.arrows.len() * 700);
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"ladder\" role=\"img\" width=\"{width}\" height=\"{0}\" viewBox=\"0 0 \
         {width} {0}\">\n<title>",
        title + body + end
    );
    write_xml(if ladder.title.is_empty() { "ladder" } else { &ladder.title }, &mut out);
    let _ = write!(
        out,
        "</title>\n<style>\n{STYLE}@media (prefers-color-scheme:dark){{\n{DARK_STYLE}}}\n</style>\n\
         <rect class=\"bg\" width=\"100%\" height=\"100%\"/>\n"
    );
    if !ladder.title.is_empty() {
        text(&mut out, "title", 16.0, 23.0, 14.0, &shortened(&ladder.title, layout.letters(width - 32.0, 14.0)));
    }
    let _ = writeln!(out, "<g transform=\"translate(0 {title})\">");
    draw(ladder, &layout, 0..ladder.arrows.len(), None, &mut out);
    out.push_str("</g>\n");
    if ladder.left_out > 0 {
        let words = format!("{} more, not drawn", count(ladder.left_out, "message"));
        text(&mut out, "title", 16.0, title + body + 16.0, 12.0, &words);
    }
    out.push_str("</svg>\n");
    out
}

/// The anchor of what a message leads to, where it leads anywhere.
pub type Link<'l> = dyn Fn(&Arrow) -> Option<String> + 'l;

/// Some messages of a ladder as an element of a page: with the names above them, and each message a link to where `link`
/// says. The page has [`STYLE`].
pub fn write_piece(ladder: &Ladder, layout: &Layout, rows: Range<usize>, link: &Link<'_>, out: &mut String) {
    let (width, height) = (layout.width(ladder), height(layout, rows.len()));
    let kind = if layout.roomy { "wide" } else { "narrow" };
    let _ = writeln!(
        out,
        "<svg class=\"ladder {kind}\" role=\"group\" aria-label=\"ladder\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" style=\"--w:{width}px\">"
    );
    draw(ladder, layout, rows, Some(link), out);
    out.push_str("</svg>\n");
}

fn height(layout: &Layout, rows: usize) -> f64 {
    layout.head + 10.0 + layout.row * rows as f64 + 8.0
}

fn draw(ladder: &Ladder, layout: &Layout, rows: Range<usize>, link: Option<&Link<'_>>, out: &mut String) {
    let bottom = height(layout, rows.len()) - 4.0;
    for (at, party) in ladder.participants.iter().enumerate() {
        let x = layout.column(at);
        let _ = writeln!(out, "<path class=\"life\" d=\"M{x} {}V{bottom}\"/>", layout.head);
        let half = (layout.apart - if layout.roomy { 14.0 } else { 3.0 }) / 2.0;
        let half = half.min(if layout.roomy { 66.0 } else { layout.first - 1.0 });
        let _ = write!(out, "<g><title>");
        write_xml(&party.identity, out);
        let _ = writeln!(
            out,
            "</title><rect class=\"box\" x=\"{}\" y=\"2\" width=\"{}\" height=\"{}\" rx=\"6\"/>",
            x - half,
            half * 2.0,
            layout.head - 4.0
        );
        let two = layout.roomy && !party.detail.is_empty();
        let name = shortened(&party.name, layout.letters(half * 2.0 + 2.0, layout.party));
        let y = if two { 20.0 } else { layout.head / 2.0 + layout.party * 0.36 };
        text(out, "party", x, y, layout.party, &name);
        if two {
            let detail = shortened(&party.detail, layout.letters(half * 2.0 - 4.0, 10.5));
            text(out, "where\" text-anchor=\"middle", x, 36.0, 10.5, &detail);
        }
        out.push_str("</g>\n");
    }
    if layout.roomy {
        text(out, "time", 62.0, 28.0, 11.0, "ms");
    }
    let begun = ladder.begun();
    for (row, arrow) in ladder.arrows.get(rows).unwrap_or_default().iter().enumerate() {
        let top = layout.head + 10.0 + layout.row * row as f64;
        let target = link.and_then(|link| link(arrow));
        let element = if target.is_some() { "a" } else { "g" };
        let _ = write!(out, "<{element}");
        if let Some(target) = &target {
            out.push_str(" href=\"#");
            write_xml(target, out);
            out.push('"');
        }
        let refused = if arrow.described.refused { " refused" } else { "" };
        let answer = if arrow.described.request { "" } else { " answer" };
        let _ = write!(out, " class=\"{}{answer}{refused}\"><title>", arrow.class());
        write_title(ladder, arrow, out);
        let _ = writeln!(
            out,
            "</title><rect class=\"hit\" x=\"0\" y=\"{top}\" width=\"{}\" height=\"{}\"/>",
            layout.width(ladder),
            layout.row
        );
        if layout.roomy {
            let mut time = String::new();
            write_milliseconds(begun, arrow.time, &mut time);
            text(out, "time", 62.0, top + 21.0, 11.0, &time);
        }
        if arrow.errors > 0 {
            let (x, y) = if layout.roomy { (74.0, top + 17.0) } else { (8.0, top + 19.0) };
            let _ = write!(out, "<circle class=\"flaw\" cx=\"{x}\" cy=\"{y}\" r=\"7\"/>");
            text(out, "flaw-mark", x, y + 4.0, 11.0, "!");
        }
        message(ladder, layout, arrow, top, out);
        let _ = writeln!(out, "</{element}>");
    }
}

/// The arrow, its label above it and what it carries below.
fn message(ladder: &Ladder, layout: &Layout, arrow: &Arrow, top: f64, out: &mut String) {
    let width = layout.width(ladder);
    let y = top + if layout.roomy { 22.0 } else { 24.0 };
    let (from, to) = (layout.column(arrow.from), layout.column(arrow.to));
    let size = layout.font * 0.55;
    let (left, right) = if arrow.from == arrow.to {
        let out_to = (from + layout.apart * 0.4).min(width - 4.0);
        let _ = write!(out, "<path class=\"line\" d=\"M{from} {}H{out_to}V{y}H{}\"/>", y - 8.0, from + size);
        head(from, y, size, out);
        (from, out_to)
    } else {
        let towards = if to > from { -size } else { size };
        let _ = write!(out, "<path class=\"line\" d=\"M{from} {y}H{}\"/>", to + towards);
        head(to, y, towards.abs() * if to > from { -1.0 } else { 1.0 }, out);
        (from.min(to), from.max(to))
    };
    let label = arrow.label();
    let most = layout.letters(width - 8.0, layout.font);
    let label = shortened(&label, most);
    let half = label.chars().count() as f64 * layout.font * LETTER / 2.0;
    // A label wider than its arrow stays within the picture.
    let middle = f64::midpoint(left, right).clamp((half + 2.0).min(width / 2.0), (width - half - 2.0).max(width / 2.0));
    text(out, "label", middle, y - 5.0, layout.font, &label);
    if layout.roomy && !arrow.described.identifiers.is_empty() {
        let font = 10.5;
        let length = (arrow.described.identifiers.chars().count() + 1) as f64 * font * LETTER;
        let x = (left + 8.0).min((width - length - 2.0).max(layout.first + 8.0));
        let words = shortened(&arrow.described.identifiers, layout.letters(width - x - 2.0, font));
        text(out, "carried", x, y + 13.0, font, &words);
    }
}

/// An arrow's head whose point is at `x`; `size` points back along the line.
fn head(x: f64, y: f64, size: f64, out: &mut String) {
    let _ = writeln!(out, "<path class=\"head\" d=\"M{x} {y}l{size} {}v{}z\"/>", -size.abs() * 0.6, size.abs() * 1.2);
}

fn write_title(ladder: &Ladder, arrow: &Arrow, out: &mut String) {
    let name = |at: usize| ladder.participants.get(at).map_or("", |party| party.name.as_str());
    write_xml(&arrow.label(), out);
    out.push_str(", ");
    write_xml(name(arrow.from), out);
    out.push_str(" to ");
    write_xml(name(arrow.to), out);
    let _ = write!(out, ", frame {}", arrow.place.frame);
    if !arrow.described.identifiers.is_empty() {
        out.push_str(": ");
        write_xml(&arrow.described.identifiers, out);
    }
}

fn text(out: &mut String, class: &str, x: f64, y: f64, size: f64, words: &str) {
    let _ = write!(out, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\">");
    write_xml(words, out);
    out.push_str("</text>");
}

#[cfg(test)]
mod tests {
    use super::super::tests::said;
    use super::*;

    fn ladder() -> Ladder {
        let mut refusal = said("mme.example", "ue.example", "6", "PC3", false);
        refusal.described.refused = true;
        refusal.described.identifiers = "<script>\"'&\u{1}".to_owned();
        Ladder::new("a <title> & more", vec![said("ue.example", "mme.example", "5", "PC3", true), refusal], 2)
    }

    #[test]
    fn a_document_has_a_row_a_message_and_says_what_it_leaves_out() {
        let drawn = document(&ladder());
        assert_eq!(drawn.matches("class=\"line\"").count(), 2, "{drawn}");
        assert!(drawn.contains(">5 XAR PC3</text>") && drawn.contains(">6 XAA PC3 ✗</text>"), "{drawn}");
        assert!(drawn.contains("2 messages more, not drawn"), "{drawn}");
        assert!(drawn.contains("prefers-color-scheme:dark"), "{drawn}");
    }

    #[test]
    fn nothing_of_the_network_is_markup() {
        let drawn = document(&ladder());
        assert!(!drawn.contains("<script>") && !drawn.contains('\u{1}'), "{drawn}");
        assert!(drawn.contains("a &lt;title&gt; &amp; more"), "{drawn}");
    }

    #[test]
    fn a_piece_links_its_messages() {
        let ladder = ladder();
        let mut out = String::new();
        let link = |arrow: &Arrow| (!arrow.described.request).then(|| "m\"1".to_owned());
        write_piece(&ladder, &Layout::narrow(&ladder), 0..2, &link, &mut out);
        assert_eq!(out.matches("<a href=\"#m&quot;1\"").count(), 1, "{out}");
        assert_eq!(out.matches("</a>").count(), 1, "{out}");
    }

    #[test]
    fn an_empty_ladder_and_a_lone_party_are_drawn() {
        assert!(document(&Ladder::default()).ends_with("</svg>\n"));
        let alone = Ladder::new("", vec![said("a", "a", "", "", true)], 0);
        assert_eq!(document(&alone).matches("class=\"line\"").count(), 1);
    }
}
