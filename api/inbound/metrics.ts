import { Counter } from 'prom-client';

/** Answers of people by the way they came and what became of them at the door. */
export const inboundReplies = new Counter({
  name: 'pdlite_inbound_replies_total',
  help: 'Replies received.',
  labelNames: ['via', 'result'] as const,
});

/** Reports of providers about messages and calls; repeated and late ones are not counted again. */
export const deliveryReceipts = new Counter({
  name: 'pdlite_delivery_receipts_total',
  help: 'Delivery reports that were news, by vendor, channel and state.',
  labelNames: ['vendor', 'channel', 'state'] as const,
});

/** Callbacks without a valid signature. */
export const forgedCallbacks = new Counter({
  name: 'pdlite_inbound_refused_total',
  help: 'Callbacks refused because their signature is missing or wrong.',
});
