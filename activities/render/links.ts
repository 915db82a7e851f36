import { signReplyAddress, signToken } from '../../platform/tokens.ts';
import type { TokenPayload } from '../../platform/tokens.ts';
import type { Delivery, Message } from '../../domain/responder/types.ts';
import type { Callbacks } from '../../providers/provider.ts';

/** What the texts are made with, besides the message. */
export interface RenderContext {
  readonly publicUrl: string;
  readonly linkSecret: string;
  readonly replyDomain: string;
  readonly nowMs: number;
  /** The address belongs to several people: a bare reply could not be told apart, so texts show the code. */
  readonly sharedAddress: boolean;
}

export type PageMessage = Extract<Message, { kind: 'page' }>;
type Action = 'acknowledge' | 'resolve';

const DAY = 24 * 3_600_000;
/** A code's life in domain/responder/limits.ts: as long as the reply address can mean anything. */
const CODE_LIFE = 7 * DAY;
/** Incidents that a token names; the code decides, so a longer list loses nothing. */
const MAX_INCIDENTS = 20;

/** The page that answers by POST; good for one day. A second try of the delivery makes the same token id. */
export function answerLink(
  delivery: Delivery,
  message: PageMessage,
  action: Action,
  context: RenderContext,
): string {
  const token = signToken(context.linkSecret, {
    ...payload(delivery, message, context),
    kind: 'link',
    action,
    tokenId: `${delivery.deliveryId}#${action}`,
  });
  return `${base(context)}/answer/${token}`;
}

/** The signed token by which the vendor fetches what a call says. */
export function voiceScript(
  delivery: Delivery,
  message: PageMessage | null,
  text: string,
  context: RenderContext,
): string {
  return signToken(context.linkSecret, {
    ...payload(delivery, message, context),
    kind: 'voice',
    text,
    tokenId: `${delivery.deliveryId}#voice`,
  });
}

function payload(
  delivery: Delivery,
  message: PageMessage | null,
  context: RenderContext,
): Omit<TokenPayload, 'kind' | 'tokenId'> {
  return {
    v: 1,
    accountId: delivery.accountId,
    userId: delivery.userId,
    contactMethodId: delivery.contactMethodId,
    code: message?.code ?? '',
    incidentIds: message?.pages.slice(0, MAX_INCIDENTS).map((page) => page.incidentId) ?? [],
    expiresAtMs: context.nowMs + DAY,
  };
}

/** The signed address for answers by mail; null for ids that cannot stand in one: a mail without it beats none. */
export function replyAddress(
  delivery: Delivery,
  message: PageMessage,
  context: RenderContext,
): string | null {
  const { accountId, userId } = delivery;
  const expiresAtMs = context.nowMs + CODE_LIFE;
  try {
    const reply = { accountId, userId, code: message.code, expiresAtMs };
    return signReplyAddress(context.linkSecret, reply, context.replyDomain);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** Where vendors report to. Only for urgent pages does a report matter so much that it is passed on. */
export function callbacks(delivery: Delivery, context: RenderContext): Callbacks {
  const { message, deliveryId } = delivery;
  const urgent = message.kind === 'page' && message.pages.some(({ urgency }) => urgency === 'high');
  return { publicUrl: base(context), deliveryId: urgent ? deliveryId : null };
}

function base({ publicUrl }: RenderContext): string {
  return publicUrl.replace(/\/+$/, '');
}
