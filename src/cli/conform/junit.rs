//! JUnit's XML, for a CI.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::report::CaseReport;
use crate::conform::Verdict;

/// The reports as JUnit's XML: known failures and what is inconclusive are told apart by their type.
///
/// # Errors
/// In words.
pub fn document(reports: &[CaseReport]) -> Result<String, String> {
    let mut all = Report::new("proselink conform");
    let mut suites: Vec<(String, TestSuite)> = Vec::new();
    for report in reports {
        let mut status = match report.verdict {
            Verdict::Pass => TestCaseStatus::success(),
            Verdict::NotRun => TestCaseStatus::skipped(),
            _ if report.known => TestCaseStatus::skipped(),
            Verdict::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
            Verdict::Inconclusive | Verdict::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
        };
        if report.verdict != Verdict::Pass {
            let known = if report.known { "known " } else { "" };
            status.set_type(format!("{known}{}", report.verdict.name()));
            status.set_message(format!("{} ({})", report.words, report.clause));
            status.set_description(report.conversation().join("\n"));
        }
        let mut case = TestCase::new(report.name.as_str(), status);
        case.set_classname(report.suite.as_str());
        case.set_time(report.took);
        case.add_property(("clause", report.clause.as_str()));
        case.add_property(("title", report.title.as_str()));
        match suites.iter_mut().find(|(name, _)| *name == report.suite) {
            Some((_, suite)) => {
                suite.add_test_case(case);
            }
            None => {
                let mut suite = TestSuite::new(report.suite.as_str());
                suite.add_test_case(case);
                suites.push((report.suite.clone(), suite));
            }
        }
    }
    all.add_test_suites(suites.into_iter().map(|(_, suite)| suite));
    all.to_string().map_err(|error| error.to_string())
}
