import type { Channel } from '../model.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Bounds of a responder. Times in milliseconds. What happens at each bound stands beside it. */
export const RESPONDER_LIMITS = {
  /** One more page is reported unreachable, so that its incident escalates. */
  pages: 500,
  /** The oldest ids are forgotten. */
  seenPages: 1000,
  /** The oldest entries are dropped; the next entry says how many. */
  outbox: 1000,
  /** The one idle longest is forgotten. */
  methods: 64,
  /** The oldest closed ones are forgotten: their codes are then unknown. */
  incidents: 800,
  /** The oldest codes are forgotten, which is logged. */
  codes: 500,
  /** The oldest outcomes are forgotten. */
  replies: 200,
  /** Answers that wait for one contact method; the oldest is dropped. */
  notices: 5,
  /** Notices about refused replies in an hour for one contact method; more are not sent. */
  refusalNoticesPerHour: 10,
  wrongCodesPerHour: 10,
  lockoutMs: HOUR,
  /** A code means the same pages for this long, then nothing, and only then may it return. */
  codeLifeMs: 7 * 24 * HOUR,
  /** A page that nobody stopped is forgotten this long after its `notAfter`. */
  pageLifeMs: 7 * 24 * HOUR,
  /** Urgent messages that one contact method gets at once, and how soon one more is allowed. */
  tokens: 3,
  tokenMs: 5000,
  /** Low urgency and repeated steps: at most one message in this window. */
  windowMs: MINUTE,
  /** A step that failed at every provider is tried once more after this. */
  retryMs: MINUTE,
  tries: 2,
  /** Messages whose receipt is awaited; the oldest counts as received. */
  awaited: 200,
  /** Without a receipt for this long a message of high urgency goes out again; before, its provider is asked. */
  receiptMs: MINUTE,
  askReceiptMs: 50_000,
  /** An answer to a reply is worth nothing later. */
  noticeLifeMs: 5 * MINUTE,
  /** Characters of a title kept with a page. */
  title: 120,
} as const;

/** At most `count` messages within `windowMs`. */
export interface RateRule {
  readonly count: number;
  readonly windowMs: number;
}

const sms: readonly RateRule[] = [
  { count: 5, windowMs: 15 * MINUTE },
  { count: 11, windowMs: HOUR },
  { count: 21, windowMs: 3 * HOUR },
];
const twice = sms.map((rule) => ({ ...rule, count: rule.count * 2 }));

/** GoAlert's limits per contact method (engine/message/ratelimit.go); push and webhook get twice those of SMS. */
export const RATE_RULES: Readonly<Record<Channel, readonly RateRule[]>> = {
  sms,
  voice: [
    { count: 3, windowMs: 15 * MINUTE },
    { count: 7, windowMs: HOUR },
    { count: 15, windowMs: 3 * HOUR },
  ],
  email: [{ count: 1, windowMs: MINUTE }],
  push: twice,
  webhook: twice,
};
