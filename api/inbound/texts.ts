import type { Channel } from '../../domain/model.ts';
import { parseReply } from '../../domain/reply.ts';
import type { ParsedReply } from '../../domain/reply.ts';
import type { Reply } from '../../domain/responder/types.ts';
import type { ApiDeps } from '../deps.ts';
import { inboundReplies } from './metrics.ts';
import { recordOptOut } from './opt-out.ts';
import type { Recorded, Responders, Who } from './responders.ts';

const HELP =
  'PD Lite: reply 4 to acknowledge, 6 to resolve, 5 to escalate, with the code of the message, like 4 ABC234. STOP ends messages, START begins them again.';
const NOT_UNDERSTOOD = `Not understood. ${HELP}`;
const NOT_RECORDED =
  'PD Lite could NOT record your reply. Please send it again in a minute, or answer in another way.';
const NOTHING_OPEN = 'Nothing is open for you.';

/** One owner of the number that a text came from. */
interface Owner extends Who {
  readonly contactMethodId: string;
}

/** A text message that a vendor brought. */
export interface ReceivedText {
  readonly from: string;
  readonly text: string;
  /** The vendor's id: the same text that comes twice counts once. */
  readonly messageId: string;
  readonly traceparent: string | null;
}

/** Takes a text; answers what to text back at once. Null: nothing, for the responder answers, or a stranger wrote. */
export type TakeText = (received: ReceivedText) => Promise<string | null>;

/** The same for every vendor. What the responder decides is sent by the responder itself. */
export function createTexts(deps: ApiDeps, responders: Responders): TakeText {
  return async ({ from, text, messageId, traceparent }) => {
    const owners = ownersOf(deps, from);
    if (owners.length === 0) return null;
    const parsed = parseReply(text);
    return act(deps, responders, { owners, parsed, replyId: messageId, traceparent });
  };
}

interface Texted {
  readonly owners: readonly Owner[];
  readonly parsed: ParsedReply | null;
  readonly replyId: string;
  readonly traceparent: string | null;
}

/** @returns what to answer at once; null where the responder answers. */
async function act(deps: ApiDeps, responders: Responders, texted: Texted): Promise<string | null> {
  const { parsed, owners } = texted;
  if (parsed === null || parsed.kind === 'repeat') return NOT_UNDERSTOOD;
  if (parsed.kind === 'help') return HELP;
  if (parsed.kind === 'answer') return answer(deps, responders, texted, parsed);
  const optedOut = parsed.kind === 'stop';
  const done = await Promise.all(
    owners.map(({ contactMethodId, ...who }) =>
      recordOptOut(deps, responders, { who, contactMethodId, optedOut, via: 'sms' }),
    ),
  );
  if (!done.every(Boolean)) return NOT_RECORDED;
  return optedOut
    ? 'PD Lite sends no more messages to this number. Reply START to get them again.'
    : 'PD Lite sends messages to this number again.';
}

async function answer(
  deps: ApiDeps,
  responders: Responders,
  { owners, replyId, traceparent }: Texted,
  { action, code }: Extract<ParsedReply, { kind: 'answer' }>,
): Promise<string | null> {
  const at = deps.now().toISOString();
  const results = await Promise.all(
    owners.map(({ contactMethodId, ...who }) => {
      const ambiguous = owners.length > 1;
      const reply: Reply = {
        ...{ replyId, at, via: 'sms', contactMethodId, action, code, ambiguous, traceparent },
      };
      return responders.reply(who, reply);
    }),
  );
  const result = together(results);
  inboundReplies.inc({ via: 'sms', result });
  deps.logger.info(
    { replyId, via: 'sms', action, result, owners: owners.length },
    'reply received',
  );
  if (result === 'down') return NOT_RECORDED;
  return result === 'nobody' ? NOTHING_OPEN : null;
}

/** One that failed may have been the right one. */
function together(results: readonly Recorded[]): Recorded {
  if (results.includes('down')) return 'down';
  return results.includes('recorded') ? 'recorded' : 'nobody';
}

/** The people with this number, each once; a number that is for calls only can still write. */
function ownersOf({ directory }: ApiDeps, number: string): readonly Owner[] {
  if (number === '') return [];
  const owners = new Map<string, { readonly owner: Owner; readonly channel: Channel }>();
  for (const { index, userId, contactMethodId } of directory.contactMethodsByAddress(number)) {
    const methods = index.users.get(userId)?.contactMethods ?? [];
    const channel = methods.find(({ id }) => id === contactMethodId)?.channel;
    if (channel !== 'sms' && channel !== 'voice') continue;
    const key = `${index.account.id}/${userId}`;
    const owner = { accountId: index.account.id, userId, contactMethodId };
    if (owners.get(key)?.channel !== 'sms') owners.set(key, { owner, channel });
  }
  return [...owners.values()].map(({ owner }) => owner);
}
