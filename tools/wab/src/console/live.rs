//! The console's own listener, and the stream of its rows to the page.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::stream;
use serde_json::json;
use tokio::time::{sleep, timeout};

use super::Console;
use super::rows::Link;
use crate::listen::delivery::Delivery;
use crate::listen::feed::{Attempt, Feed, Recent, Screen};
use crate::listen::{mailbox, user_and_host};
use crate::stack::{Queue, Stack};
use crate::subscribe::selection::Selection;

/// The pause before the console connects again.
const RECONNECT: Duration = Duration::from_secs(2);

/// Rows that arrive within this time are sent together.
const GATHER: Duration = Duration::from_millis(50);

/// How often the page hears that the console is there.
const BEAT: Duration = Duration::from_secs(10);

/// Adds each event to the rows as it is published. Connects again whenever the connection fails, such as when a local
/// stack is restarted.
pub(super) async fn listen(console: &Console) {
    let mut shown = Recent::default();
    loop {
        if let Err(error) = listen_once(console, &mut shown).await {
            console.rows.set_link(Link::Problem(format!("{error:#}")));
        }
        sleep(RECONNECT).await;
    }
}

async fn listen_once(console: &Console, shown: &mut Recent) -> anyhow::Result<()> {
    let stack = console.connect().await?;
    let name = queue_name(&stack);
    let existing = Queue::find(&stack.sdk, &name).await?;
    let wanted = Selection::default().policies(None)?;
    let mailbox::Mailbox { queue, first, connected } = mailbox::connect(&stack, &name, existing, &wanted).await?;
    let link = Link::Connected { queue: connected.queue, waiting: connected.waiting };
    console.rows.set_link(link.clone());
    let feed = Feed { queue: &queue, subscription_arns: HashMap::new(), drop_before: None, endpoint: None };
    feed.run(first, pin!(std::future::pending()), &mut List { console, link, shown }).await?;
    Ok(())
}

/// Unsubscribes and deletes the console's queue.
pub(super) async fn remove_queue(console: &Console) -> anyhow::Result<()> {
    // A local stack's queues end with it.
    if console.is_gone() {
        return Ok(());
    }
    let stack = console.connect().await?;
    match Queue::find(&stack.sdk, &queue_name(&stack)).await? {
        Some(queue) => mailbox::remove(&stack, &queue).await,
        None => Ok(()),
    }
}

/// The name of the console's queue, which isn't that of this person's `wab listen`.
fn queue_name(stack: &Stack) -> String {
    mailbox::queue_name(&stack.resources.stack_name, &format!("console-{}", user_and_host()))
}

/// The list of the page, as a feed's screen.
struct List<'a> {
    console: &'a Console,
    /// What is said again once the queue can be read again.
    link: Link,
    shown: &'a mut Recent,
}

impl Screen for List<'_> {
    fn show(&mut self, delivery: &Delivery, _: Option<&Attempt>) -> anyhow::Result<bool> {
        let notification = &delivery.notification;
        let again = delivery.event_id().is_some_and(|id| !self.shown.insert(&id));
        self.console.rows.add(notification.event.clone(), notification.attributes.clone(), again)?;
        Ok(true)
    }

    fn report_link(&mut self, problem: Option<&str>) -> anyhow::Result<()> {
        let link = problem.map_or_else(|| self.link.clone(), |problem| Link::Problem(format!("{problem}; retrying")));
        self.console.rows.set_link(link);
        Ok(())
    }

    fn is_closed(&self) -> bool {
        false
    }
}

/// The rows after `seq` and each later one, as lines of JSON without an end.
pub(super) fn stream(console: Arc<Console>, run: String, seq: u64) -> Body {
    let changes = console.rows.changes();
    let reader = Reader { console, run, seq, changes, link: None };
    Body::from_stream(stream::unfold(reader, |mut reader| async {
        let lines = reader.next().await;
        Some((Ok::<_, Infallible>(Bytes::from(lines)), reader))
    }))
}

struct Reader {
    console: Arc<Console>,
    run: String,
    seq: u64,
    changes: tokio::sync::watch::Receiver<()>,
    /// What the page was last told of the connection.
    link: Option<String>,
}

impl Reader {
    /// The next lines. A slow reader asks later, and then gets what it missed as a number.
    async fn next(&mut self) -> String {
        loop {
            self.changes.mark_unchanged();
            let mut lines = self.link_line();
            let news = self.console.rows.after(self.seq);
            if news.missed > 0 {
                lines.push_str(&format!("{}\n", json!({"dropped": news.missed})));
            }
            if let Some(last) = news.rows.last() {
                self.seq = last.seq;
                let rows: Vec<_> = news.rows.iter().map(|row| row.masked.as_str()).collect();
                lines.push_str(&format!("{{\"rows\":[{}]}}\n", rows.join(",")));
            }
            if !lines.is_empty() {
                return lines;
            }
            match timeout(BEAT, self.changes.changed()).await {
                Ok(_) => sleep(GATHER).await,
                Err(_) => return "{\"beat\":1}\n".to_owned(),
            }
        }
    }

    /// How the connection is, if the page hasn't heard it.
    fn link_line(&mut self) -> String {
        let link = match self.console.rows.link() {
            Link::Connected { queue, waiting } => {
                json!({"connected": {"queue": queue, "waiting": waiting, "run": self.run}})
            }
            Link::Problem(problem) => json!({"problem": problem}),
            Link::Connecting {} => json!({"problem": "connecting"}),
        };
        let line = format!("{link}\n");
        if self.link.as_ref() == Some(&line) {
            return String::new();
        }
        self.link = Some(line.clone());
        line
    }
}
