//! A drill: break something, wait for the alarm, follow its section of the runbook, and see it over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_cloudwatch::types::StateValue;

use crate::bash::{Bash, Done};
use crate::document::Document;
use crate::stack::{PATIENCE, Stack};

const POLL: Duration = Duration::from_millis(250);

/// One person on call: a terminal, and drills one after another.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) stack: Stack,
    pub(crate) bash: Bash,
    pub(crate) runbook: Arc<Document>,
    cloudwatch: aws_sdk_cloudwatch::Client,
    pub(crate) finished: Vec<Drill>,
}

/// An alarm, and the seconds since it was broken.
#[derive(Debug)]
pub(crate) struct Drill {
    pub(crate) alarm: &'static str,
    began: Instant,
    pub(crate) alarmed: f64,
    pub(crate) known: f64,
    pub(crate) over: f64,
}

impl Lane {
    pub(crate) async fn open(runbook: &Arc<Document>) -> Self {
        let stack = Stack::connect().await;
        let mut bash = Bash::open(&stack.file, &stack.file.stack_name);
        bash.prepare(runbook);
        let cloudwatch = aws_sdk_cloudwatch::Client::new(&stack.file.sdk_config());
        Self { stack, bash, runbook: Arc::clone(runbook), cloudwatch, finished: Vec::new() }
    }

    /// Starts the clock. The alarm must be over from earlier.
    pub(crate) async fn begin(&self, alarm: &'static str) -> Drill {
        self.await_state(alarm, StateValue::Ok).await;
        Drill::new(alarm)
    }

    pub(crate) async fn alarmed(&self, drill: &mut Drill) {
        self.await_state(drill.alarm, StateValue::Alarm).await;
        drill.alarmed = drill.seconds();
    }

    /// Runs the commands of the section that show what is wrong. Together they must print each of `causes`.
    #[track_caller]
    pub(crate) fn show(&mut self, drill: &mut Drill, causes: &[&str]) {
        let commands = self.runbook.section(drill.alarm).show();
        assert!(!commands.is_empty(), "{}: nothing shows it", drill.alarm);
        let printed: Vec<String> = commands.iter().map(|command| self.look(command).out).collect();
        drill.known = drill.seconds();
        let printed = printed.join("\n");
        for cause in causes {
            assert!(printed.contains(cause), "{}: no `{cause}` in\n{printed}", drill.alarm);
        }
    }

    /// Runs a command that only reads. `wab status`, `wab doctor` and the lists exit with 1 if something needs action.
    #[track_caller]
    pub(crate) fn look(&mut self, command: &str) -> Done {
        let reports = ["wab status", "wab doctor", "wab parked", "wab quarantine"];
        let codes: &[i32] = if reports.iter().any(|report| command.starts_with(report)) { &[0, 1] } else { &[0] };
        self.bash.exits(command, codes)
    }

    /// Runs the fenced commands from **Mend** on.
    #[track_caller]
    pub(crate) fn mend(&mut self, drill: &Drill) {
        for command in self.runbook.section(drill.alarm).mend() {
            self.bash.exits(&command, &[0]);
        }
    }

    /// Runs the commands of another section.
    #[track_caller]
    pub(crate) fn follow(&mut self, section: &str) {
        for command in self.runbook.section(section).commands() {
            self.look(&command);
        }
    }

    /// Runs the command of the section's running text that begins with `beginning`, with these placeholders filled in.
    #[track_caller]
    pub(crate) fn run(&mut self, section: &str, beginning: &str, filled: &[(&str, &str)]) -> Done {
        let mut command = self.runbook.section(section).span(beginning);
        for (placeholder, value) in filled {
            assert!(command.contains(placeholder), "no {placeholder} in `{command}`");
            command = command.replace(placeholder, value);
        }
        self.bash.exits(&command, &[0])
    }

    /// Waits until the alarm is over, for CloudWatch and for `wab status`.
    pub(crate) async fn over(&mut self, mut drill: Drill) {
        self.await_state(drill.alarm, StateValue::Ok).await;
        let command = format!("wab status {} --stack $STACK", drill.alarm);
        let give_up = Instant::now() + PATIENCE;
        loop {
            let done = self.bash.exits(&command, &[0, 1]);
            if done.code == 0 {
                break;
            }
            assert!(Instant::now() < give_up, "{} isn't over:\n{}", drill.alarm, done.out);
            tokio::time::sleep(POLL).await;
        }
        drill.over = drill.seconds();
        self.finished.push(drill);
    }

    pub(crate) async fn await_state(&self, alarm: &str, wanted: StateValue) {
        let prefix = format!("{}-{alarm}Alarm-", self.stack.file.stack_name);
        let give_up = Instant::now() + PATIENCE;
        loop {
            let described = self.cloudwatch.describe_alarms().alarm_name_prefix(&prefix).send().await.unwrap();
            let [found] = described.metric_alarms() else { panic!("not one alarm {alarm}") };
            if found.state_value() == Some(&wanted) {
                return;
            }
            assert!(Instant::now() < give_up, "{alarm} isn't {wanted:?}: {:?}", found.state_reason());
            tokio::time::sleep(POLL).await;
        }
    }
}

impl Drill {
    pub(crate) fn new(alarm: &'static str) -> Self {
        Self { alarm, began: Instant::now(), alarmed: 0.0, known: 0.0, over: 0.0 }
    }

    fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }
}
