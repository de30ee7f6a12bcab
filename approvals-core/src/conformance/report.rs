//! What came of a run, and how a rule is run so that it ends.

use std::fmt;
use std::future::Future;
use std::io::Write as _;
use std::time::Duration;

use super::check::{Checked, Failure};

/// A rule that has not ended by then hangs. A bound for failures only.
const LONGEST: Duration = Duration::from_secs(120);

/// What became of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It is kept.
    Passed,
    /// It is broken: how.
    Failed(String),
    /// It does not apply: why.
    NotRun(String),
}

/// What became of every rule of a suite, in the order of its `RULES`.
#[derive(Debug, Clone)]
#[must_use = "a report says nothing until somebody reads it; call `assert`"]
pub struct Report(Vec<Line>);

#[derive(Debug, Clone)]
struct Line {
    name: &'static str,
    sentence: String,
    finding: Finding,
}

impl Report {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn add(&mut self, name: &'static str, rule: &impl fmt::Display, finding: Finding) {
        self.0.push(Line { name, sentence: rule.to_string(), finding });
    }

    /// Every rule by its name, with what became of it.
    pub fn findings(&self) -> impl Iterator<Item = (&'static str, &Finding)> {
        self.0.iter().map(|line| (line.name, &line.finding))
    }

    /// The names of the rules that are kept.
    pub fn passed(&self) -> Vec<&'static str> {
        self.names(|finding| *finding == Finding::Passed)
    }

    /// The names of the rules that are broken.
    pub fn failed(&self) -> Vec<&'static str> {
        self.names(|finding| matches!(finding, Finding::Failed(_)))
    }

    /// The names of the rules that do not apply.
    pub fn not_run(&self) -> Vec<&'static str> {
        self.names(|finding| matches!(finding, Finding::NotRun(_)))
    }

    fn names(&self, wanted: impl Fn(&Finding) -> bool) -> Vec<&'static str> {
        self.findings().filter(|(_, finding)| wanted(finding)).map(|(name, _)| name).collect()
    }

    /// Whether some rule ran and every rule that ran is kept.
    pub fn is_sound(&self) -> bool {
        self.failed().is_empty() && !self.passed().is_empty()
    }

    /// For a test.
    ///
    /// # Panics
    /// If a rule is broken, or if none ran.
    #[track_caller]
    #[expect(clippy::panic, reason = "this is how a test fails")]
    pub fn assert(&self) {
        if !self.is_sound() {
            panic!("{self}");
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Line { sentence, finding, .. } in &self.0 {
            match finding {
                Finding::Passed => writeln!(f, "passed   {sentence}")?,
                Finding::Failed(how) => writeln!(f, "FAILED   {sentence}: {how}")?,
                Finding::NotRun(why) => writeln!(f, "not run  {sentence}: {why}")?,
            }
        }
        let [passed, failed, not_run] =
            [self.passed(), self.failed(), self.not_run()].map(|names| names.len());
        write!(f, "{passed} passed, {failed} failed, {not_run} not run")?;
        if passed + failed == 0 {
            f.write_str("; a run in which nothing ran proves nothing")?;
        }
        Ok(())
    }
}

/// Runs one check to its end, or to where it is clear that it has none.
///
/// On a task of its own, so that what panics breaks the rule and not the run.
pub(super) async fn bounded(check: impl Future<Output = Checked> + Send + 'static) -> Finding {
    let mut task = tokio::spawn(check);
    let checked = match tokio::time::timeout(LONGEST, &mut task).await {
        Ok(ended) => ended.unwrap_or_else(|panicked| Err(panicked.into())),
        Err(_) => {
            task.abort();
            Err(Failure(format!("it has not ended within {LONGEST:?}")))
        }
    };
    match checked {
        Ok(()) => Finding::Passed,
        Err(Failure(how)) => Finding::Failed(how),
    }
}

/// Judges one rule on a runtime of its own, as a test.
#[track_caller]
#[expect(clippy::panic, reason = "this is how a test fails")]
pub(super) fn test(rule: &impl fmt::Display, run: impl Future<Output = Finding>) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => panic!("no runtime for the test: {error}"),
    };
    let finding = runtime.block_on(run);
    // What hangs on a thread of its own must not hang the test as well.
    runtime.shutdown_background();
    match finding {
        Finding::Passed | Finding::NotRun(_) => {}
        Finding::Failed(how) => panic!("{rule}: {how}"),
    }
}

/// Prints the rules that do not apply, past the capture of the test harness: a skip is a result.
#[track_caller]
pub(super) fn say(not_run: &[(String, String)], rules: usize, what: &str) {
    let mut text = String::new();
    for (rule, why) in not_run {
        text += &format!("not run: {rule}: {why}\n");
    }
    text += &format!("{} of {rules} rules do not apply to this {what}\n", not_run.len());
    // A closed standard error is no reason to fail.
    let _ = std::io::stderr().write_all(text.as_bytes());
    assert!(not_run.len() < rules, "a run in which nothing ran proves nothing");
}

/// The sentence that a rule's name is, with the laws that fall with it.
pub(super) fn sentence(name: &str, laws: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(&name.replace('_', " "))?;
    match laws {
        [] => Ok(()),
        [law] => write!(f, " (law {law})"),
        laws => {
            let laws: Vec<_> = laws.iter().map(u8::to_string).collect();
            write!(f, " (laws {})", laws.join(", "))
        }
    }
}
