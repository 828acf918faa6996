/** A function that SQS invokes: it answers each text, and reports the messages that failed. */

import { isKnown, parse } from '../src/index.ts';

export interface Sqs {
  Records: { messageId: string; body: string }[];
}

export interface Shop {
  /** Whether this event was handled before. */
  seen(id: string): Promise<boolean>;
  reply(to: string, text: string): Promise<void>;
  order(to: string, products: string[]): Promise<void>;
  delivered(id: string): Promise<void>;
}

export async function handle(batch: Sqs, shop: Shop): Promise<{ batchItemFailures: { itemIdentifier: string }[] }> {
  const batchItemFailures: { itemIdentifier: string }[] = [];
  for (const record of batch.Records) {
    try {
      await receive(record.body, shop);
    } catch {
      batchItemFailures.push({ itemIdentifier: record.messageId });
    }
  }
  return { batchItemFailures };
}

async function receive(body: string, shop: Shop): Promise<void> {
  const delivery = parse(body);
  if (delivery.kind === 'unreadable') {
    throw new Error(delivery.reason); // to the dead-letter queue
  }
  if (await shop.seen(delivery.event.id)) {
    return;
  }
  if (delivery.kind === 'dlr') {
    if (delivery.data.delivery?.current === 'received') {
      await shop.delivered(delivery.data.id);
    }
    return;
  }
  if (delivery.kind === 'elsewhere' || !isKnown(delivery.message)) {
    return; // too large, binary, malformed, or newer than this package
  }
  const { message } = delivery;
  const from = delivery.data.source ?? '';
  switch (message.type) {
    case 'text':
      return shop.reply(from, `You wrote: ${message.text.body}`);
    case 'order':
      return shop.order(from, message.order.product_items.map((item) => String(item.product_retailer_id)));
    case 'interactive':
      return shop.reply(from, message.interactive?.button_reply?.title ?? 'Thank you');
    default:
      return;
  }
}
