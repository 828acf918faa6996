//! Scenarios: callbacks that belong together. A message that was sent has receipts; a reply names it in `reply_to` and
//! `reference`, and in WhatsApp's own `context` (docs/gateway.md parts 1 and 2).

use clap::ValueEnum;
use fastrand::Rng;
use wab_events::{DeliveryStatus, Kind};

use super::plan::Callback;
use super::random_id;
use crate::samples::{MessageType, Mo, SentMessage};

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// The receipts of a sent message: submitted, sent, received
    Delivered,
    /// The receipts of a message that failed: submitted, frozen, failed, with the gateway's detail
    Failed,
    /// A question, the receipts of its answer, a reaction and a reply to the answer, and the receipts of a second answer
    Conversation,
    /// Several hundred of everything in random order: duplicates, receipts that overtake others, variants, malformed bodies
    Storm,
}

impl Scenario {
    /// The callbacks, in the order in which they come about. Each time others.
    pub(crate) fn callbacks(self, rng: &mut Rng) -> anyhow::Result<Vec<Callback>> {
        match self {
            Self::Delivered => delivered(&sent_message(rng)),
            Self::Failed => failed(&sent_message(rng)),
            Self::Conversation => conversation(rng),
            Self::Storm => storm(rng),
        }
    }
}

fn sent_message(rng: &mut Rng) -> SentMessage {
    SentMessage { id: random_id(rng), reference: format!("order-{}", rng.u32(1000..10_000)) }
}

fn contact(rng: &mut Rng) -> String {
    format!("+64210000{}", rng.u32(10..100))
}

fn receipt(sent: &SentMessage, status: DeliveryStatus, detail: Option<&'static str>) -> anyhow::Result<Callback> {
    let mut receipt = sent.receipt(status);
    if let Some(detail) = detail {
        receipt = receipt.with_detail(detail);
    }
    Ok(Callback::new(Kind::Dlr, receipt.body(&[])?))
}

fn delivered(sent: &SentMessage) -> anyhow::Result<Vec<Callback>> {
    let statuses = [DeliveryStatus::Submitted, DeliveryStatus::Sent, DeliveryStatus::Received];
    statuses.into_iter().map(|status| receipt(sent, status, None)).collect()
}

fn failed(sent: &SentMessage) -> anyhow::Result<Vec<Callback>> {
    Ok(vec![
        receipt(sent, DeliveryStatus::Submitted, None)?,
        receipt(sent, DeliveryStatus::Frozen, Some("Carrier unavailable, delivery is retried"))?,
        receipt(sent, DeliveryStatus::Failed, Some("No connection to the carrier"))?,
    ])
}

fn conversation(rng: &mut Rng) -> anyhow::Result<Vec<Callback>> {
    let contact = contact(rng);
    let (answer, second_answer) = (sent_message(rng), sent_message(rng));
    let mut message = |message_type| Mo::new(message_type, &random_id(rng))?.with_source(contact.clone());
    let text = |message: Mo, text: &str| message.with_text(MessageType::Text, text.to_owned());
    let mo = |message: Mo| anyhow::Ok(Callback::new(Kind::Mo, message.body(&[])?));

    let question = text(message(MessageType::Text)?, "Kia ora, when will my order arrive?")?;
    let reaction = message(MessageType::Reaction)?.in_reply_to(&answer)?;
    let reply = text(message(MessageType::Text)?, "Great! Can you leave it at the door?")?.in_reply_to(&answer)?;
    let mut callbacks = vec![mo(question)?];
    callbacks.extend(delivered(&answer)?);
    callbacks.push(mo(reaction)?);
    callbacks.push(mo(reply)?);
    callbacks.extend(delivered(&second_answer)?);
    Ok(callbacks)
}

fn storm(rng: &mut Rng) -> anyhow::Result<Vec<Callback>> {
    let mut callbacks = Vec::new();
    for _ in 0..20 {
        callbacks.extend(conversation(rng)?);
        callbacks.extend(delivered(&sent_message(rng))?);
    }
    for _ in 0..5 {
        callbacks.extend(failed(&sent_message(rng))?);
    }
    for &message_type in MessageType::value_variants() {
        let message = Mo::new(message_type, &random_id(rng))?.with_source(contact(rng))?;
        callbacks.push(Callback::new(Kind::Mo, message.body(&[])?));
    }
    // Variants: an id that the gateway uses again with another body.
    let id = random_id(rng);
    for text in ["Is anybody there?", "Is anybody there??"] {
        let message = Mo::new(MessageType::Text, &id)?.with_text(MessageType::Text, text.to_owned())?;
        callbacks.push(Callback::new(Kind::Mo, message.body(&[])?));
    }
    let sent = sent_message(rng);
    callbacks.push(receipt(&sent, DeliveryStatus::Rejected, None)?);
    callbacks.push(receipt(&sent, DeliveryStatus::Rejected, Some("Blocked by the recipient"))?);
    Ok(callbacks)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::Value;
    use wab_models::{DlrCallback, MoCallback, utf8};

    use super::*;

    fn bodies(scenario: Scenario) -> Vec<Value> {
        let callbacks = scenario.callbacks(&mut Rng::with_seed(7)).unwrap();
        callbacks.iter().map(|callback| serde_json::from_slice(&callback.body).unwrap()).collect()
    }

    fn all(bodies: &[Value], key: &str) -> Vec<String> {
        bodies.iter().map(|body| body[key].as_str().unwrap_or("-").to_owned()).collect()
    }

    #[test]
    fn every_callback_is_valid_and_typed() {
        for &scenario in Scenario::value_variants() {
            for callback in scenario.callbacks(&mut Rng::with_seed(1)).unwrap() {
                let body = utf8(&callback.body).unwrap();
                let unrecognized = match callback.kind {
                    Kind::Mo => MoCallback::parse(body).unwrap().unrecognized,
                    Kind::Dlr => DlrCallback::parse(body).unwrap().unrecognized,
                };
                assert!(unrecognized.is_empty(), "{body}");
            }
        }
    }

    #[test]
    fn receipts_of_a_message_share_its_id_and_reference() {
        for (scenario, statuses) in [
            (Scenario::Delivered, ["submitted", "sent", "received"]),
            (Scenario::Failed, ["submitted", "frozen", "failed"]),
        ] {
            let bodies = bodies(scenario);
            assert_eq!(all(&bodies, "status"), statuses);
            for key in ["id", "reference"] {
                assert_eq!(BTreeSet::from_iter(all(&bodies, key)).len(), 1, "{bodies:?}");
            }
            assert_eq!(bodies[2]["detail"].is_string(), scenario == Scenario::Failed);
        }
    }

    #[test]
    fn replies_name_the_message_they_answer() {
        let bodies = bodies(Scenario::Conversation);
        let [question, submitted, _, _, reaction, reply, second @ ..] = &bodies[..] else { panic!("{bodies:?}") };
        assert_eq!(question["reply_to"], Value::Null);
        for answer in [reaction, reply] {
            assert_eq!((&answer["source"], &answer["Destination"]), (&question["source"], &question["Destination"]));
            assert_eq!((&answer["reply_to"], &answer["reference"]), (&submitted["id"], &submitted["reference"]));
        }
        assert_eq!(reaction["content"]["reaction"]["message_id"], reply["content"]["context"]["id"]);
        assert_eq!(second.len(), 3);
        assert_ne!(second[0]["id"], submitted["id"]);
    }

    #[test]
    fn storm_has_everything() {
        let bodies = bodies(Scenario::Storm);
        assert!((200..1000).contains(&bodies.len()), "{}", bodies.len());
        let types: BTreeSet<_> = bodies.iter().filter_map(|body| body["content"]["type"].as_str()).collect();
        assert!(types.len() >= 17, "{types:?}");
        let mut keys: BTreeMap<(String, String), usize> = BTreeMap::new();
        for body in &bodies {
            *keys.entry((body["id"].to_string(), body["status"].to_string())).or_default() += 1;
        }
        assert_eq!(keys.values().filter(|&&count| count == 2).count(), 2, "an MO and a receipt with a variant");
    }

    #[test]
    fn numbers_are_made_up() {
        for body in bodies(Scenario::Storm) {
            let source = body["source"].as_str().unwrap_or("+64210000");
            assert!(source.starts_with("+64210000"), "{source}");
        }
    }
}
