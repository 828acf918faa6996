//! The subscribers: one of each way that events take.

use crate::account::{Figures, Sent, StoredItem, missing, unpublished};
use crate::stack::{Stack, Subscriber};

/// The queues where events arrive.
#[derive(Debug)]
pub(crate) struct Subscribers {
    topics: Subscriber,
    /// None if the stack has no FIFO topics.
    fifo_topics: Option<Subscriber>,
    /// None without `--bus-queue`.
    bus: Option<Subscriber>,
}

impl Subscribers {
    pub(crate) async fn begin(stack: &Stack, name: &str, bus_queue: Option<&str>) -> anyhow::Result<Self> {
        let topics = [&stack.file.mo_topic_arn, &stack.file.dlr_topic_arn].map(String::as_str);
        let fifo_topics: Vec<&str> = stack.file.fifo_topic_arns.iter().map(String::as_str).collect();
        Ok(Self {
            topics: stack.subscribe(name, &topics).await?,
            fifo_topics: match &fifo_topics[..] {
                [] => None,
                topics => Some(stack.subscribe(&format!("{name}.fifo"), topics).await?),
            },
            bus: bus_queue.map(|url| stack.read_queue(url)),
        })
    }

    /// Whether each callback that was answered 200 has arrived, as far as is known without the table.
    pub(crate) fn has_all(&self, prefix: &str, sent: &[Sent]) -> bool {
        self.all().all(|subscriber| missing(sent, &subscriber.arrivals(prefix)) == 0)
    }

    /// The number of deliveries.
    pub(crate) fn count(&self, prefix: &str) -> usize {
        self.all().map(|subscriber| subscriber.count(prefix)).sum()
    }

    pub(crate) fn figures(&self, prefix: &str, sent: &[Sent], items: &[StoredItem]) -> Figures {
        let lost = |subscriber: &Subscriber| unpublished(items, &subscriber.arrivals(prefix));
        Figures {
            lost_in_order: self.fifo_topics.as_ref().map(lost),
            lost_on_the_bus: self.bus.as_ref().map(lost),
            ..Figures::of(sent, items, &self.topics.arrivals(prefix))
        }
    }

    fn all(&self) -> impl Iterator<Item = &Subscriber> {
        [Some(&self.topics), self.fifo_topics.as_ref(), self.bus.as_ref()].into_iter().flatten()
    }

    pub(crate) async fn end(self) -> anyhow::Result<()> {
        for subscriber in [Some(self.topics), self.fifo_topics, self.bus].into_iter().flatten() {
            subscriber.end().await?;
        }
        Ok(())
    }
}
