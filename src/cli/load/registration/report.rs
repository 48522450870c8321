//! The figures of many registrations, as a table and as JSON.

use std::fmt::Write as _;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use super::crowd::{Plan, Tally};
use crate::cli::load::report::{QUANTILES, milliseconds, number};

/// What the stores of our own function and of the app server did: commits, and writes in them.
#[derive(Clone, Copy, Debug)]
pub struct Commits {
    pub function: (u64, u64),
    pub app_server: (u64, u64),
    /// Each write was a commit of its own.
    pub each: bool,
}

/// All that is told.
pub struct Report {
    pub tally: Tally,
    pub plan: Plan,
    pub wall: Duration,
    /// What all parties of this process took of the processor.
    pub cpu: Duration,
    /// `None` for a function of somebody else.
    pub commits: Option<Commits>,
    /// The function's Origin-Host.
    pub function: String,
    pub over: String,
}

impl Report {
    /// Whether every UE that counts is registered.
    pub fn is_good(&self) -> bool {
        self.tally.refused == 0 && self.tally.registered == (self.plan.ues - self.plan.warm_up) as u64
    }

    /// Registrations a second.
    fn throughput(&self) -> f64 {
        let seconds = self.tally.elapsed.as_secs_f64();
        if seconds > 0.0 { self.tally.registered as f64 / seconds } else { 0.0 }
    }

    fn legs(&self) -> [(&'static str, &'static str, &Histogram<u64>); 3] {
        let tally = &self.tally;
        [
            ("whole", "registration", &tally.whole),
            ("allocating", "5 to 6", &tally.allocating),
            ("binding", "1 to 4", &tally.binding),
        ]
    }

    /// The table.
    pub fn text(&self) -> String {
        let (tally, mut out) = (&self.tally, String::new());
        let pace = match self.plan.rate {
            Some(rate) => format!("{} registrations a second", number(rate)),
            None => "as fast as others end".to_owned(),
        };
        let outstanding = number(self.plan.outstanding as f64);
        let _ = writeln!(out, "{} over {}, {pace}, at most {outstanding} under way\n", self.function, self.over);
        let _ = writeln!(
            out,
            "UEs          {} registered, {} not",
            number(tally.registered as f64),
            number(tally.refused as f64)
        );
        for (why, count) in &tally.refusals {
            let _ = writeln!(out, "             {} refused: {why}", number(*count as f64));
        }
        let durable = if self.commits.is_some() { "durable " } else { "" };
        let _ = writeln!(
            out,
            "throughput   {} {durable}registrations a second, {:.2} s in all",
            number(self.throughput()),
            tally.elapsed.as_secs_f64()
        );
        if let Some(commits) = self.commits {
            let how = if commits.each { "a commit for each write" } else { "group commit" };
            for (whose, (count, writes)) in [("function", commits.function), ("app server", commits.app_server)] {
                let (count, writes) = (number(count as f64), number(writes as f64));
                let _ = writeln!(out, "store        {count} commits with {writes} writes of the {whose}: {how}");
            }
        }
        let each = self.cpu.as_secs_f64() * 1e6 / tally.registered.max(1) as f64;
        let _ =
            writeln!(out, "processor    {:.2} s of ours, {each:.1} us for each registration", self.cpu.as_secs_f64());
        if tally.registered > 0 {
            let head = if self.plan.rate.is_some() { "from when due" } else { "registration" };
            let _ = writeln!(out, "\nlatency    {head:>14}        5 to 6        1 to 4");
            for (name, quantile) in QUANTILES {
                let _ = write!(out, "  {name:<9}");
                for (_, _, histogram) in self.legs() {
                    let _ = write!(out, "{:>14}", milliseconds(histogram.value_at_quantile(quantile) as f64));
                }
                out.push('\n');
            }
        }
        out
    }

    /// One JSON object.
    pub fn json(&self) -> String {
        let tally = &self.tally;
        let latency = |histogram: &Histogram<u64>| {
            let mut values = serde_json::Map::new();
            values.insert("mean".to_owned(), json!(histogram.mean() / 1e3));
            for (name, quantile) in QUANTILES {
                values.insert(name.to_owned(), json!(histogram.value_at_quantile(quantile) as f64 / 1e3));
            }
            Value::Object(values)
        };
        let legs: serde_json::Map<_, _> =
            self.legs().into_iter().map(|(name, _, histogram)| (name.to_owned(), latency(histogram))).collect();
        let refusals: Vec<_> = tally.refusals.iter().map(|(why, count)| json!({"why": why, "count": count})).collect();
        let value = json!({
            "v": 1,
            "good": self.is_good(),
            "function": self.function,
            "over": self.over,
            "ues": self.plan.ues,
            "warm_up": self.plan.warm_up,
            "rate": self.plan.rate,
            "outstanding": self.plan.outstanding,
            "registered": tally.registered,
            "refused": tally.refused,
            "refusals": refusals,
            "seconds": tally.elapsed.as_secs_f64(),
            "wall_seconds": self.wall.as_secs_f64(),
            "registrations_per_second": self.throughput(),
            "durable": self.commits.is_some(),
            "commits": self.commits.map(|commits| commits.function.0),
            "writes": self.commits.map(|commits| commits.function.1),
            "app_server_commits": self.commits.map(|commits| commits.app_server.0),
            "app_server_writes": self.commits.map(|commits| commits.app_server.1),
            "commit_each": self.commits.map(|commits| commits.each),
            "cpu_seconds": self.cpu.as_secs_f64(),
            "latency_us": legs,
        });
        format!("{value}\n")
    }
}
