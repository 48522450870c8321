//! The page of cases that were played against a live peer: a table of the suites, and each case with its verdict and the
//! ladder of its conversation.

use minijinja::value::{Serde, Value};
use minijinja::{Environment, context};
use serde::Serialize;

use super::html::{Builder, MESSAGE, PageError, SCRIPT, SectionView, script_hash, style};
use super::ladder::Ladder;
use super::model::{Capture, Fact, Message, Page, Section};

const PAGE: &str = include_str!("page/cases.html");
const PAGE_STYLE: &str = include_str!("page/cases.css");

/// One page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CasesPage {
    /// The heading.
    pub title: String,
    /// True when nothing counts against the peer.
    pub good: bool,
    /// The verdict in one sentence.
    pub verdict: String,
    /// Numbers beside the verdict.
    pub facts: Vec<Fact>,
    /// What the numbers of the suites count.
    pub columns: Vec<String>,
    /// The suites, in order.
    pub suites: Vec<SuiteSummary>,
    /// Their cases, in order.
    pub cases: Vec<CaseEntry>,
    /// Messages that can be opened; [`super::Place::capture`] is the index of the case.
    pub messages: Vec<Message>,
    /// Messages whose content is left out, for the page would grow too large.
    pub messages_left_out: u64,
}

/// A suite.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SuiteSummary {
    /// Its short name, which is that of its cases' [`CaseEntry::suite`].
    pub name: String,
    /// What it judges.
    pub title: String,
    /// Numbers, in the order of [`CasesPage::columns`].
    pub numbers: Vec<usize>,
}

/// A case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaseEntry {
    /// The name of its suite.
    pub suite: String,
    /// Its own name.
    pub name: String,
    /// What the peer should do.
    pub title: String,
    /// `pass`, `fail`, `inconclusive`, `error`, `known` or `not run`.
    pub verdict: String,
    /// It counts against the peer: it is shown open.
    pub bad: bool,
    /// Clause, what was expected and what came, and so on.
    pub facts: Vec<Fact>,
    /// The capture that its messages are in, or another name for where they are.
    pub capture: String,
    /// Who said what to whom.
    pub ladder: Ladder,
}

#[derive(Serialize)]
struct SuiteView<'a> {
    anchor: String,
    name: &'a str,
    title: &'a str,
    numbers: &'a [usize],
    cases: Vec<CaseView<'a>>,
}

#[derive(Serialize)]
struct CaseView<'a> {
    anchor: String,
    name: &'a str,
    title: &'a str,
    verdict: &'a str,
    class: String,
    open: bool,
    facts: Vec<FactView<'a>>,
    conversation: Option<SectionView>,
}

#[derive(Serialize)]
struct FactView<'a> {
    label: &'a str,
    value: &'a str,
}

fn facts(facts: &[Fact]) -> Vec<FactView<'_>> {
    facts.iter().map(|fact| FactView { label: &fact.label, value: &fact.value }).collect()
}

/// What a link to a case leads to.
fn anchor(suite: &str, name: &str) -> String {
    format!("{suite}.{name}")
}

/// Makes the page.
///
/// # Errors
/// When the template fails, which no value can bring about.
pub fn page(page: &CasesPage) -> Result<String, PageError> {
    let mut environment = Environment::new();
    environment.add_template("cases.html", PAGE)?;
    environment.add_template("message.html", MESSAGE)?;
    // Ladders and messages are those of every page, a case being to them what a UE is elsewhere.
    let captures = page.cases.iter().map(|case| Capture { name: case.capture.clone(), ..Capture::default() });
    let drawn = Page { captures: captures.collect(), messages: page.messages.clone(), ..Page::default() };
    let mut builder = Builder::new(&drawn);
    let mut views = Vec::with_capacity(page.cases.len());
    for case in &page.cases {
        let section = (!case.ladder.arrows.is_empty()).then(|| Section {
            number: 0,
            title: case.name.clone(),
            words: String::new(),
            good: !case.bad,
            ladder: case.ladder.clone(),
        });
        let view = CaseView {
            anchor: anchor(&case.suite, &case.name),
            name: &case.name,
            title: &case.title,
            verdict: &case.verdict,
            class: case.verdict.replace(' ', "-"),
            open: case.bad,
            facts: facts(&case.facts),
            conversation: section.map(|section| builder.section(&section)),
        };
        views.push((case.suite.as_str(), view));
    }
    let bad: Vec<Value> = page
        .cases
        .iter()
        .filter(|case| case.bad)
        .map(|case| context! { anchor => anchor(&case.suite, &case.name), name => case.name.as_str(), verdict => case.verdict.as_str() })
        .collect();
    let mut suites: Vec<SuiteView<'_>> = Vec::with_capacity(page.suites.len());
    for suite in &page.suites {
        let (own, others): (Vec<_>, Vec<_>) = views.into_iter().partition(|(name, _)| *name == suite.name);
        views = others;
        suites.push(SuiteView {
            anchor: format!("suite.{}", suite.name),
            name: &suite.name,
            title: &suite.title,
            numbers: &suite.numbers,
            cases: own.into_iter().map(|(_, view)| view).collect(),
        });
    }
    let text = environment.get_template("cases.html")?.render(context! {
        script_hash => script_hash(),
        generator => concat!("proselink ", env!("CARGO_PKG_VERSION")),
        style => Value::from_safe_string(style(PAGE_STYLE)),
        script => Value::from_safe_string(SCRIPT.to_owned()),
        title => page.title.as_str(),
        good => page.good,
        verdict => page.verdict.as_str(),
        facts => Value::from(Serde(facts(&page.facts))),
        columns => page.columns.clone(),
        suites => Value::from(Serde(suites)),
        bad => bad,
        messages_left_out => page.messages_left_out,
    })?;
    Ok(text)
}
