//! Answers of a node as tables: columns are as wide as what usually stands in them, so that a line can be written as soon
//! as it comes.

use std::io::{self, Write};

use jiff::Timestamp;
use serde_json::Value;

/// A column: its head, its width, and what stands in it.
struct Column {
    head: &'static str,
    width: usize,
    cell: fn(&Value) -> String,
}

/// A table that is written line by line.
pub struct Table {
    columns: Vec<Column>,
    /// One thing with all that belongs to it, instead of lines.
    whole: bool,
    what: &'static str,
    begun: bool,
}

impl Table {
    /// UEs.
    pub fn ues() -> Self {
        let columns = vec![
            Column { head: "IMSI", width: 16, cell: |ue| text(ue, "imsi") },
            Column { head: "ID1", width: 17, cell: |ue| text(ue, "id1") },
            Column { head: "STATE", width: 11, cell: |ue| text(ue, "state") },
            Column { head: "GOOD FOR", width: 10, cell: |ue| span(number(ue, "valid_for")) },
            Column { head: "USERS", width: 6, cell: |ue| number(ue, "bindings").to_string() },
            Column { head: "TO TELL", width: 7, cell: |ue| number(ue, "updates_pending").to_string() },
        ];
        Self { columns, whole: false, what: "UEs", begun: false }
    }

    /// UEs that come or go.
    pub fn moves() -> Self {
        let columns = vec![
            Column { head: "", width: 4, cell: |ue| text(ue, "direction") },
            Column { head: "IMSI", width: 16, cell: |ue| text(ue, "imsi") },
            Column { head: "ID1", width: 17, cell: |ue| text(ue, "id1") },
            Column { head: "STATE", width: 11, cell: |ue| text(ue, "state") },
            Column { head: "FROM OR TO", width: 45, cell: |ue| format!("{}{}", text(ue, "from"), text(ue, "to")) },
            Column { head: "WAITS FOR", width: 9, cell: waits },
        ];
        Self { columns, whole: false, what: "moves", begun: false }
    }

    /// Peers.
    pub fn peers() -> Self {
        let columns = vec![
            Column { head: "PEER", width: 48, cell: |peer| text(peer, "peer") },
            Column { head: "STATE", width: 12, cell: |peer| text(peer, "state") },
            Column { head: "WATCHDOG", width: 9, cell: |peer| text(peer, "watchdog") },
            Column { head: "", width: 0, cell: |peer| text(peer, "trouble") },
        ];
        Self { columns, whole: false, what: "peers", begun: false }
    }

    /// One UE.
    pub fn one() -> Self {
        Self { columns: Vec::new(), whole: true, what: "UE", begun: false }
    }

    /// Writes a line of the answer.
    pub fn add(&mut self, value: &Value, out: &mut dyn Write) -> io::Result<()> {
        if self.whole {
            return whole(value, out);
        }
        // Among the moves there are app servers that have something waiting.
        if let Some(host) = value.get("app_server").and_then(Value::as_str) {
            let (state, sent, queued) = (text(value, "state"), number(value, "sent"), number(value, "queued"));
            return writeln!(out, "app server {host} is {state}: {sent} sent, {queued} waiting");
        }
        let mut line = String::new();
        if !std::mem::replace(&mut self.begun, true) {
            let heads: Vec<_> = self.columns.iter().map(|column| (column.width, column.head.to_owned())).collect();
            line = cells(&heads);
        }
        let filled: Vec<_> = self.columns.iter().map(|column| (column.width, (column.cell)(value))).collect();
        line.push_str(&cells(&filled));
        out.write_all(line.as_bytes())
    }

    /// The last line.
    pub fn finish(&self, end: &Value) -> String {
        if self.whole {
            return String::new();
        }
        let (node, shown) = (text(end, "node"), number(end, "shown"));
        match end.get("total").and_then(Value::as_u64) {
            Some(total) if total > shown => {
                format!("{shown} of the {total} {} of {node}; --limit shows more\n", self.what)
            }
            _ => format!("{shown} {} of {node}\n", self.what),
        }
    }
}

/// Cells beside each other; one that is too long moves the rest on.
fn cells(cells: &[(usize, String)]) -> String {
    let mut line = String::new();
    for (width, cell) in cells {
        line.push_str(&format!("{cell:<width$} "));
    }
    let mut line = line.trim_end().to_owned();
    line.push('\n');
    line
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn number(value: &Value, key: &str) -> u64 {
    value.get(key).and_then(Value::as_u64).unwrap_or_default()
}

/// Who has yet to be told, and what stands in the way.
fn waits(value: &Value) -> String {
    let all = |key: &str| value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut words: Vec<_> = all("waits_for").iter().map(|one| text(one, "app_server")).collect();
    let deliveries = value.get("release").into_iter().chain(all("app_servers"));
    for delivery in deliveries.filter(|delivery| text(delivery, "state") != "told") {
        let (tries, cause) = (number(delivery, "attempts"), text(delivery, "last_cause"));
        let next = delivery.get("next_attempt_in").and_then(Value::as_u64);
        let next = next.map_or_else(String::new, |next| format!(", next in {next} s"));
        let cause = if cause.is_empty() { cause } else { format!(": {cause}") };
        let tried = if tries > 0 { format!(" ({tries} tries{next}{cause})") } else { String::new() };
        words.push(format!("{}{tried}", text(delivery, "host")));
    }
    words.join(", ")
}

/// Seconds as people read them.
fn span(seconds: u64) -> String {
    match seconds {
        0 => "expired".to_owned(),
        1..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

fn moment(value: &Value, key: &str) -> Option<String> {
    let seconds = i64::try_from(value.get(key)?.as_u64()?).ok()?;
    Some(Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |moment| moment.to_string()))
}

/// One UE, a line for each thing that is known.
fn whole(ue: &Value, out: &mut dyn Write) -> io::Result<()> {
    let mut line = |name: &str, value: &str| {
        if value.is_empty() { Ok(()) } else { writeln!(out, "{name:<14}{value}") }
    };
    line("IMSI", &text(ue, "imsi"))?;
    line("MSISDN", &text(ue, "msisdn"))?;
    line("ID1", &format!("{}, {}", text(ue, "id1"), good_for(ue)))?;
    let none = Vec::new();
    let list = |value: &Value, key: &str| value.get(key).and_then(Value::as_array).unwrap_or(&none).clone();
    for grant in list(ue, "previous_id1") {
        line("before", &format!("{}, {}", text(&grant, "id1"), good_for(&grant)))?;
    }
    line("state", &text(ue, "state"))?;
    line("goes to", &text(ue, "to"))?;
    line("since", &moment(ue, "since").unwrap_or_default())?;
    line("came from", &text(ue, "from"))?;
    line("was ID1", &text(ue, "old_id1"))?;
    if let Some(subscription) = ue.get("subscription") {
        let hss = text(subscription, "hss");
        let by = if hss.is_empty() { String::new() } else { format!(", says {hss}") };
        line("permission", &format!("{:#x}{by}", number(subscription, "permission")))?;
        let allowed: Vec<_> = list(subscription, "allowed_plmns").iter().map(|one| text(one, "plmn")).collect();
        line("allowed in", &allowed.join(", "))?;
        line("visits", &text(subscription, "visited_plmn"))?;
    }
    for binding in list(ue, "bindings") {
        let told =
            if binding.get("update_pending") == Some(&Value::Bool(true)) { ", not yet told of the move" } else { "" };
        let since = moment(&binding, "bound_at").unwrap_or_default();
        line("user", &format!("{} of {}", text(&binding, "id2"), text(&binding, "application")))?;
        line("", &format!("by {} at {since}{told}", text(&binding, "app_server")))?;
    }
    line("forgotten", &moment(ue, "forgotten_at").or_else(|| moment(ue, "forget_after")).unwrap_or_default())
}

fn good_for(grant: &Value) -> String {
    match number(grant, "valid_for") {
        0 => "expired".to_owned(),
        seconds => format!("good for {}", span(seconds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_table_has_a_head_and_says_what_it_leaves_out() {
        let mut out = Vec::new();
        let mut table = Table::ues();
        let ue = json!({"imsi": "00101**********", "id1": "00f1100000000001", "state": "registered", "valid_for": 43_100,
                        "bindings": 1, "updates_pending": 0});
        table.add(&ue, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            "IMSI             ID1               STATE       GOOD FOR   USERS  TO TELL\n\
             00101**********  00f1100000000001  registered  11 h       1      0\n"
        );
        let end = json!({"node": "f.example", "shown": 1, "total": 7});
        assert_eq!(table.finish(&end), "1 of the 7 UEs of f.example; --limit shows more\n");
    }

    #[test]
    fn spans_as_people_read_them() {
        for (seconds, words) in [(0, "expired"), (90, "90 s"), (3600, "60 min"), (43_200, "12 h"), (864_000, "10 d")] {
            assert_eq!(span(seconds), words);
        }
    }
}
