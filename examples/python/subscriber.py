"""An example subscriber: a Lambda function that replies to each text message.

An SQS queue is subscribed to the topic of MO events, and `handle` receives its batches. Powertools for AWS Lambda
reports each failed message to SQS, which retries it, and handles each event once, by its id.
"""

import json
import logging
import os
from typing import Any

import boto3
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.typing import LambdaContext
from wab_events import Mo, TextMessage, Unreadable, parse

# How long the id of a handled event is kept. It must exceed the time that SQS retains a message: 14 days at most.
ID_RETENTION_SECONDS = 15 * 24 * 60 * 60

batches = BatchProcessor(EventType.SQS, logger=logging.getLogger())
handled = DynamoDBPersistenceLayer(os.environ["HANDLED_TABLE_NAME"])
once = IdempotencyConfig(expires_after_seconds=ID_RETENTION_SECONDS)
sqs = boto3.client("sqs")


def handle(batch: dict[str, Any], context: LambdaContext) -> Any:
    once.register_lambda_context(context)
    return process_partial_response(batch, receive, batches, context)


def receive(record: SQSRecord) -> None:
    match parse(record.body):
        case Unreadable(reason=reason):
            raise ValueError(reason)  # to the dead-letter queue, after maxReceiveCount attempts
        case Mo(event=event, data=data, message=TextMessage(text=text)) if data.source:
            reply(event_id=event.id, to=data.source, text=f"You wrote: {text.body}")


# The event's item is put before the reply is sent, and completed after. A crash in between repeats the reply rather
# than losing it: SQS delivers the event again, and the incomplete item no longer counts once the timeout has passed.
@idempotent_function(data_keyword_argument="event_id", persistence_store=handled, config=once)
def reply(event_id: str, to: str, text: str) -> None:
    """Sends a reply to the queue of whatever calls the gateway's API."""
    body = {"event_id": event_id, "destination": to, "text": text}
    sqs.send_message(QueueUrl=os.environ["REPLIES_QUEUE_URL"], MessageBody=json.dumps(body))
