//! A verdict as JUnit's XML, which every CI server reads: a suite a capture, a case a check.

use quick_junit::{NonSuccessKind, Report as Document, SerializeError, TestCase, TestCaseStatus, TestSuite};

use crate::message::text::write_escaped;
use crate::verify::{CHECKS, Finding, Report, Severity};

/// Findings told in one case; more are counted.
const TOLD_LIMIT: usize = 100;

/// Writes the verdict. `unread` are captures that could not be read, with the reason: an error each.
///
/// # Errors
/// What the writer of XML says; nothing of the network can bring this about.
pub fn document(report: &Report, unread: &[(String, String)]) -> Result<String, SerializeError> {
    let mut document = Document::new("proselink verify");
    for (index, capture) in (0..).zip(&report.captures) {
        // Of a capture that was not read at all there is nothing to say but that.
        if capture.frames == 0 && unread.iter().any(|(name, _)| *name == capture.name) {
            continue;
        }
        let mut suite = TestSuite::new(escaped(&capture.name));
        let of_capture: Vec<&Finding> = report.findings.iter().filter(|finding| finding.capture == index).collect();
        for (name, value) in [
            ("frames", capture.frames),
            ("messages", capture.messages),
            ("requests", capture.requests),
            ("answered", capture.answered),
        ] {
            suite.add_property((name, value.to_string().as_str()));
        }
        for check in CHECKS {
            let found: Vec<&Finding> =
                of_capture.iter().copied().filter(|finding| finding.check.id == check.id).collect();
            let mut case = TestCase::new(check.id, TestCaseStatus::success());
            case.set_classname(format!("verify.{}", check.area.name()));
            if let Some(first) = found.first() {
                let words = told(&found);
                if check.severity == Severity::Error {
                    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                    status.set_type(check.clause);
                    status.set_message(escaped(&format!("{} ({} in all): {first}", check.title, found.len())));
                    status.set_description(words);
                    case.status = status;
                } else {
                    case.set_system_out(words);
                }
            }
            suite.add_test_case(case);
        }
        // Findings beyond the limit are not kept by kind; a capture that has only such must not pass.
        let kept = of_capture.iter().filter(|finding| finding.severity() == Severity::Error).count() as u64;
        if capture.errors > kept {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(format!("{} errors more than are kept", capture.errors - kept));
            suite.add_test_case(TestCase::new("more-findings", status));
        }
        document.add_test_suite(suite);
    }
    for (name, why) in unread {
        let mut suite = TestSuite::new(escaped(name));
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(escaped(why));
        suite.add_test_case(TestCase::new("readable", status));
        document.add_test_suite(suite);
    }
    document.to_string()
}

fn told(findings: &[&Finding]) -> String {
    let mut out = String::new();
    for finding in findings.iter().take(TOLD_LIMIT) {
        write_escaped(&finding.to_string(), &mut out);
        out.push('\n');
    }
    if findings.len() > TOLD_LIMIT {
        out.push_str(&format!("... and {} more\n", findings.len() - TOLD_LIMIT));
    }
    out
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    write_escaped(text, &mut out);
    out
}
