/**
 * An example subscriber: a Lambda function that replies to each text message.
 *
 * An SQS queue is subscribed to the topic of MO events, and `handle` receives its batches. Powertools for AWS Lambda
 * reports each failed message to SQS, which retries it, and handles each event once, by its id.
 */

import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency';
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { is, parse } from 'wab-events';

/** How long the id of a handled event is kept. It must exceed the time that SQS retains a message: 14 days at most. */
const ID_RETENTION_SECONDS = 15 * 24 * 60 * 60;

const batches = new BatchProcessor(EventType.SQS);
const handled = new DynamoDBPersistenceLayer({ tableName: required('HANDLED_TABLE_NAME') });
const once = new IdempotencyConfig({ expiresAfterSeconds: ID_RETENTION_SECONDS });
const repliesQueueUrl = required('REPLIES_QUEUE_URL');
const sqs = new SQSClient();

export async function handle(batch: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  once.registerLambdaContext(context);
  const response = await processPartialResponse(batch, receive, batches, { context });
  batches.errors.forEach((error) => console.warn('delivery failed', error));
  return response;
}

async function receive(record: SQSRecord): Promise<void> {
  const delivery = parse(record.body);
  if (delivery.kind === 'unreadable') {
    throw new Error(delivery.reason); // to the dead-letter queue, after maxReceiveCount attempts
  }
  if (delivery.kind === 'mo' && delivery.data.source && is(delivery.message, 'text')) {
    await reply(delivery.event.id, delivery.data.source, `You wrote: ${delivery.message.text.body}`);
  }
}

/**
 * Sends a reply to the queue of whatever calls the gateway's API.
 *
 * The event's item is put before the reply is sent, and completed after. A crash in between repeats the reply rather
 * than losing it: SQS delivers the event again, and the incomplete item no longer counts once the timeout has passed.
 */
const reply = makeIdempotent(
  async (eventId: string, to: string, text: string) => {
    const body = { event_id: eventId, destination: to, text };
    await sqs.send(new SendMessageCommand({ QueueUrl: repliesQueueUrl, MessageBody: JSON.stringify(body) }));
  },
  { persistenceStore: handled, config: once, dataIndexArgument: 0 },
);

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}
