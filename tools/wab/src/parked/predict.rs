//! What a redrive would do with a message, found out without doing it: with the code that `fanout` and `recover` use.

use std::borrow::Cow;
use std::time::Duration;

use tokio::time::Instant;
use wab_events::Kind;
use wab_fanout::{Composer, Occasion};
use wab_models::{INSERT, Item, Key, Spilled, StreamRecord};
use wab_platform::Reason;

use super::message::Parked;
use super::tally::Outcome;
use crate::aws::Unavailable;
use crate::stack::{Stack, TopicState};

/// The time for fetching a body.
const TIME_FOR_BODY: Duration = Duration::from_secs(10);

/// Predicts outcomes. Each topic is looked up once.
pub(crate) struct Predictor<'a> {
    stack: &'a Stack,
    composer: Composer,
    mo: TopicState,
    dlr: TopicState,
}

impl<'a> Predictor<'a> {
    pub(crate) async fn new(stack: &'a Stack) -> Result<Self, Unavailable> {
        Ok(Self {
            stack,
            composer: stack.composer(),
            mo: TopicState::look_up(&stack.sdk, &stack.resources.mo_topic_arn).await?,
            dlr: TopicState::look_up(&stack.sdk, &stack.resources.dlr_topic_arn).await?,
        })
    }

    /// The topics that nobody would receive the events from.
    pub(crate) fn without_subscribers(&self) -> Vec<Kind> {
        let topics = [(Kind::Mo, &self.mo), (Kind::Dlr, &self.dlr)];
        topics
            .into_iter()
            .filter(|(_, topic)| matches!(topic, TopicState::Exists { subscribers: 0 }))
            .map(|it| it.0)
            .collect()
    }

    /// The outcome of a message's redrive. None for a position: all events around its time would be published.
    pub(crate) async fn outcome(&self, parked: &Parked) -> Result<Option<Outcome>, Unavailable> {
        Ok(Some(match parked {
            Parked::Event { key, .. } => match self.stack.table.item(key).await? {
                None => Outcome::Gone,
                Some(item) => self.published(item).await,
            },
            Parked::Record { record } => {
                match serde_json::from_str::<StreamRecord<'_, serde_dynamo::Item, serde_dynamo::Item>>(record.get()) {
                    Err(_) => parked_again(&Reason::NotAStreamRecord),
                    Ok(record) if record.event_name != INSERT => no_event(),
                    Ok(record) => match serde_dynamo::from_item::<_, Key>(record.change.keys) {
                        Err(_) => parked_again(&Reason::NoKeyInRecord),
                        Ok(key) if key.kind_and_id().is_none() => no_event(),
                        Ok(_) => self.published(record.change.new_image).await,
                    },
                }
            }
            Parked::Position { .. } => return Ok(None),
            Parked::Spilled { .. } if self.stack.spill_queue.is_none() => no_spill_queue(),
            Parked::Spilled { message, .. } => match serde_json::from_str::<Spilled<'_>>(message) {
                Ok(_) => Outcome::SentOn,
                Err(_) => parked_again(&Reason::NotASpilledItem),
            },
            Parked::Unknown => unknown(),
        }))
    }

    async fn published(&self, item: serde_dynamo::Item) -> Outcome {
        let Ok(item) = serde_dynamo::from_item::<_, Item<'_>>(item) else {
            return parked_again(&Reason::UnknownLayout);
        };
        // Any text will do as the table's name: the message is only measured.
        let composed = self.composer.compose(&item, Some("-"), Occasion::Stored, Instant::now() + TIME_FOR_BODY).await;
        match composed {
            Ok(message) => match self.topic(message.kind) {
                TopicState::Exists { .. } => Outcome::Published,
                TopicState::Missing => {
                    Outcome::Left(format!("the topic of {} events doesn't exist", message.kind.as_str()).into())
                }
            },
            Err(reason) if is_permanent(&reason) => parked_again(&reason),
            Err(reason) => Outcome::Left(format!("the message's receipts can't be read: {reason}").into()),
        }
    }

    fn topic(&self, kind: Kind) -> &TopicState {
        match kind {
            Kind::Mo => &self.mo,
            Kind::Dlr => &self.dlr,
        }
    }
}

/// Whether `fanout` parks an event for this reason at once.
fn is_permanent(reason: &Reason) -> bool {
    matches!(
        reason,
        Reason::UnknownLayout
            | Reason::NotAnEventKey
            | Reason::OtherCallback
            | Reason::ObjectGone
            | Reason::ObjectNotText
            | Reason::EventNotWritable
            | Reason::TooLargeWithoutTable
    )
}

fn parked_again(reason: &Reason) -> Outcome {
    Outcome::ParkedAgain(reason.to_string().into())
}

pub(crate) fn no_event() -> Outcome {
    Outcome::Left(Cow::Borrowed("fanout finds no event in it"))
}

pub(crate) fn no_spill_queue() -> Outcome {
    Outcome::Left(Cow::Borrowed("the stack has no spill queue"))
}

pub(crate) fn unknown() -> Outcome {
    Outcome::Left(Cow::Borrowed("unknown kind: look at it with `wab parked show`"))
}
