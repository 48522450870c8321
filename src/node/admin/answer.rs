//! Answers to questions, in pages of lines.

use std::io::{self, Write};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::question::{Ask, Named, Question};
use super::view::Lens;
use super::{Contexts, Desk};
use crate::registration::identifiers::{Pduid, UnixSeconds};
use crate::registration::{self, NoReply};
use crate::store::embedded::TransferError;
use crate::store::{StoreError, UeState};

/// Contexts read at a time.
const PAGE: usize = 256;

/// How long an operator waits for the end of a UE to be durable; requests of that UE that are under way come first.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why there is no answer, or no more of it.
enum Stop {
    Words(String),
    /// Nobody listens any more.
    Gone,
}

impl From<NoReply> for Stop {
    fn from(why: NoReply) -> Self {
        Self::Words(why.to_string())
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Words(error.to_string())
    }
}

/// The line that ends an answer that is none.
pub(super) fn error(words: &str) -> Vec<u8> {
    line(&json!({ "error": words }))
}

fn line(value: &Value) -> Vec<u8> {
    let mut line = value.to_string().into_bytes();
    line.push(b'\n');
    line
}

/// Answers a question, page by page; `send` says whether anybody still listens. Waits for the disk.
pub(super) fn give(desk: &Desk, question: &Question, mut send: impl FnMut(Vec<u8>) -> bool) {
    if question.ask == Ask::Export {
        return export(desk, send);
    }
    let last = match tell(desk, question, &mut send) {
        Ok((shown, total)) => line(&json!({
            "end": {"node": desk.identity, "role": desk.role, "shown": shown, "total": total}
        })),
        Err(Stop::Words(words)) => error(&words),
        Err(Stop::Gone) => return,
    };
    send(last);
}

/// Gives the store as it is exported; its last line is the end of the answer.
fn export(desk: &Desk, mut send: impl FnMut(Vec<u8>) -> bool) {
    let words = match &desk.export {
        None => format!("{} plays {}: it has no store", desk.identity, desk.role),
        Some(export) => {
            let mut pages = Pages { page: Vec::with_capacity(PAGE_OCTETS), send: &mut send };
            match export(&mut pages) {
                Ok(()) | Err(TransferError::Write(_)) => return,
                Err(error) => error.to_string(),
            }
        }
    };
    send(error(&words));
}

/// Octets of an export sent at a time.
const PAGE_OCTETS: usize = 64 << 10;

/// Lines gathered into pages. It fails when nobody listens any more.
struct Pages<'a, S> {
    page: Vec<u8>,
    send: &'a mut S,
}

impl<S: FnMut(Vec<u8>) -> bool> Write for Pages<'_, S> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.page.extend_from_slice(octets);
        if self.page.len() >= PAGE_OCTETS {
            self.flush()?;
        }
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let page = std::mem::replace(&mut self.page, Vec::with_capacity(PAGE_OCTETS));
        if page.is_empty() || (self.send)(page) { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
    }
}

/// How many were shown, and how many there are; `None` when that was not counted.
fn tell(desk: &Desk, question: &Question, send: &mut impl FnMut(Vec<u8>) -> bool) -> Result<(u64, Option<u64>), Stop> {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let lens = Lens { now: UnixSeconds(unix.as_secs()), clear: question.clear };
    let mut send = |page: Vec<u8>| if send(page) { Ok(()) } else { Err(Stop::Gone) };
    match &question.ask {
        Ask::Peers => {
            let views = desk.peers.borrow().clone();
            let limit = usize::try_from(question.limit).unwrap_or(usize::MAX);
            for view in views.iter().take(limit) {
                send(line(&json!({
                    "peer": view.identity,
                    "state": view.state.name(),
                    "watchdog": view.status.name(),
                    "usable": view.is_usable(),
                    "trouble": view.trouble,
                })))?;
            }
            let total = views.len() as u64;
            Ok((total.min(question.limit), Some(total)))
        }
        Ask::Ue(named) => {
            let contexts = contexts(desk)?;
            let found = match *named {
                Named::Imsi(imsi) => contexts.get(imsi)?,
                Named::Id1(id1) => contexts.get_by_id1(id1)?,
            };
            let found = found.ok_or_else(|| Stop::Words(format!("{} has no such UE", desk.identity)))?;
            send(line(&lens.whole(&found)))?;
            Ok((1, None))
        }
        Ask::Ues => {
            let contexts = contexts(desk)?;
            let shown = each(contexts, question.limit, |stored| Some(lens.line(stored)), send)?;
            Ok((shown, Some(contexts.count()?)))
        }
        Ask::Moves => {
            let contexts = contexts(desk)?;
            let Some(told) = deliveries(desk, contexts, question, &mut send)? else {
                return Ok((each(contexts, question.limit, |stored| lens.moving(stored), send)?, None));
            };
            // The element speaks of those that come; the ones that go are in the store alone.
            let goes = |stored: &crate::store::Stored| {
                if stored.context.state == UeState::Registered { None } else { lens.moving(stored) }
            };
            match question.limit.saturating_sub(told) {
                0 => Ok((told, None)),
                left => Ok((told + each(contexts, left, goes, send)?, None)),
            }
        }
        Ask::Revoke(named) | Ask::Deregister(named) => {
            let ue = named.reveal();
            let order = match question.ask {
                Ask::Revoke(_) => registration::Inquiry::Revoke { ue },
                _ => registration::Inquiry::Deregister { ue },
            };
            let mut begun = operate(desk, order)?;
            let durable = ended(desk, &begun)?;
            if let Some(members) = begun.as_object_mut() {
                members.insert("durable".to_owned(), durable.into());
            }
            send(line(&begun))?;
            Ok((1, None))
        }
        Ask::Begin(wish) => {
            send(line(&operate(desk, registration::Inquiry::Begin { wish: (**wish).clone() })?))?;
            Ok((1, None))
        }
        // Given by itself.
        Ask::Export => Ok((0, None)),
        Ask::News(procedure) => {
            send(line(&operate(desk, registration::Inquiry::News { procedure: *procedure })?))?;
            Ok((1, None))
        }
    }
}

/// Asks the element itself. The thread waits, not a task.
fn operate(desk: &Desk, question: registration::Inquiry) -> Result<Value, NoReply> {
    tokio::runtime::Handle::current().block_on((desk.operate)(question))
}

/// Waits until the ID1 of an order is gone from the store, which is when its end is durable. False when that is not so after
/// [`PATIENCE`]: the function will still do it, unless it is killed before.
fn ended(desk: &Desk, begun: &Value) -> Result<bool, StoreError> {
    let id1 = begun.get("id1").and_then(Value::as_str).and_then(|id1| id1.parse::<Pduid>().ok());
    let (Some(id1), Some(contexts)) = (id1, &desk.contexts) else { return Ok(false) };
    let until = Instant::now() + PATIENCE;
    while contexts.get_by_id1(id1)?.is_some() {
        if Instant::now() >= until {
            return Ok(false);
        }
        // A commit takes about as long.
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(true)
}

/// Shows the moves that are not finished as the element tells them, with tries and causes, up to the limit; how many those
/// were. `None` when it tells nothing.
fn deliveries(
    desk: &Desk,
    contexts: &Contexts,
    question: &Question,
    send: &mut impl FnMut(Vec<u8>) -> Result<(), Stop>,
) -> Result<Option<u64>, Stop> {
    let (mut shown, mut after) = (0, None);
    while shown < question.limit {
        let limit = usize::try_from(question.limit - shown).unwrap_or(PAGE).min(PAGE);
        let page = match operate(desk, registration::Inquiry::Moves { after, limit }) {
            Ok(page) => page,
            Err(NoReply::NotHere) => return Ok(None),
            Err(why) => return Err(why.into()),
        };
        let list = |key: &str| page.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        let mut text = Vec::new();
        for mut value in list("moves") {
            shown += 1;
            if let Some(value) = value.as_object_mut() {
                let kind = value.remove("kind");
                let direction = if kind.as_ref().is_some_and(|kind| kind == "move") { Some("in".into()) } else { kind };
                value.insert("direction".to_owned(), direction.unwrap_or_default());
                if question.clear
                    && let Some(id1) = value.get("id1").and_then(Value::as_str).and_then(|id1| id1.parse().ok())
                    && let Some(stored) = contexts.get_by_id1(id1)?
                {
                    value.insert("imsi".to_owned(), stored.context.imsi.reveal().into());
                }
            }
            text.extend(line(&value));
        }
        for mut value in list("app_servers") {
            if let Some(value) = value.as_object_mut() {
                let host = value.remove("host").unwrap_or_default();
                value.insert("app_server".to_owned(), host);
            }
            text.extend(line(&value));
        }
        send(text)?;
        after = page.get("next").and_then(Value::as_str).map(str::to_owned);
        if after.is_none() {
            break;
        }
    }
    Ok(Some(shown))
}

fn contexts(desk: &Desk) -> Result<&Contexts, Stop> {
    let none = || Stop::Words(format!("{} plays {}: only a function has UEs; ask for peers", desk.identity, desk.role));
    desk.contexts.as_ref().ok_or_else(none)
}

/// Shows all contexts that `show` has a line for, up to `limit`; how many those were.
fn each(
    contexts: &Contexts,
    limit: u64,
    show: impl Fn(&crate::store::Stored) -> Option<Value>,
    mut send: impl FnMut(Vec<u8>) -> Result<(), Stop>,
) -> Result<u64, Stop> {
    let (mut shown, mut after) = (0, None);
    loop {
        let page = contexts.contexts(after, PAGE)?;
        let Some(last) = page.last() else { return Ok(shown) };
        after = Some(last.context.imsi);
        let mut text = Vec::new();
        for value in page.iter().filter_map(&show) {
            text.extend(line(&value));
            shown += 1;
            if shown == limit {
                break;
            }
        }
        // Also when it is empty: that is how a visitor who has gone is noticed.
        send(text)?;
        if shown == limit {
            return Ok(shown);
        }
    }
}
