import { parseDigit } from '../../domain/reply.ts';
import type { Reply } from '../../domain/responder/types.ts';
import { verifyToken } from '../../platform/tokens.ts';
import type { TokenPayload } from '../../platform/tokens.ts';
import type { ApiDeps } from '../deps.ts';
import { inboundReplies } from './metrics.ts';
import type { Responders } from './responders.ts';

const KEYS = 'Press 4 to acknowledge, 6 to resolve, 5 to escalate, or star to hear this again.';
const TOO_OLD = 'This call is out of date. Goodbye.';
const DONE = {
  acknowledge: 'Your acknowledgement',
  resolve: 'Your resolve',
  escalate: 'Your escalation',
} as const;

/** What a call says next, for a vendor’s adapter to put into its own script. `menu`: and listens to a key. */
export interface CallScript {
  readonly kind: 'goodbye' | 'menu';
  readonly text: string;
}

/** A key pressed in a call. */
export interface PressedKey {
  readonly callId: string;
  readonly digits: string;
  readonly traceparent: string | null;
}

/** Calls, the same for every vendor. `token` is the signed script in the address of the call. */
export interface Calls {
  /** What a call says when it is picked up. A machine hears it too, but is not listened to. */
  open(token: string, isMachine: boolean): CallScript;
  /** What it says to a key. */
  press(token: string, key: PressedKey): Promise<CallScript>;
}

/** When nobody pressed a key. */
export const NO_KEY = 'No key was pressed. Nothing has changed. Goodbye.';

export function createCalls(deps: ApiDeps, responders: Responders): Calls {
  return {
    open: (token, isMachine) => {
      const payload = readToken(deps, token);
      if (!payload) return goodbye(TOO_OLD);
      if (isMachine) inboundReplies.inc({ via: 'voice', result: 'machine' });
      return isMachine || payload.code === '' ? goodbye(payload.text ?? TOO_OLD) : menu(payload);
    },
    press: async (token, { callId, digits, traceparent }) => {
      const payload = readToken(deps, token);
      if (!payload || payload.code === '') return goodbye(TOO_OLD);
      const parsed = parseDigit(digits);
      if (parsed?.kind !== 'answer')
        return menu(payload, parsed === null && digits !== '' ? 'That key is not known. ' : '');
      const reply: Reply = {
        // A person may press 4 and later 6 in one call; the same key twice is one answer.
        ...{ replyId: `${callId}/${digits}`, at: deps.now().toISOString(), via: 'voice' },
        ...{ contactMethodId: payload.contactMethodId, action: parsed.action, code: payload.code },
        ...{ ambiguous: false, traceparent },
      };
      return goodbye(await say(deps, responders, { payload, reply }));
    },
  };
}

async function say(
  deps: ApiDeps,
  responders: Responders,
  { payload, reply }: { payload: TokenPayload; reply: Reply },
): Promise<string> {
  const result = await responders.reply(payload, reply);
  inboundReplies.inc({ via: 'voice', result });
  const { accountId, userId } = payload;
  const { replyId, action } = reply;
  deps.logger.info({ accountId, userId, replyId, via: 'voice', action, result }, 'reply received');
  if (result === 'down')
    return 'Your answer could not be recorded. Please answer in another way. Goodbye.';
  if (result === 'nobody') return 'Nothing is open for you. Goodbye.';
  const outcome = await responders.outcome(payload, replyId);
  return outcome ? `${outcome.text} Goodbye.` : `${DONE[action]} is recorded. Goodbye.`;
}

function goodbye(text: string): CallScript {
  return { kind: 'goodbye', text };
}

function menu({ text: said = '' }: TokenPayload, before = ''): CallScript {
  // The text may already name the keys.
  const text = /press (4|four)/i.test(said) ? said : `${said} ${KEYS}`;
  return { kind: 'menu', text: before + text };
}

function readToken({ config, now }: ApiDeps, token: string): TokenPayload | null {
  const payload = verifyToken(config.LINK_SECRET, token, now().getTime());
  return payload?.kind === 'voice' ? payload : null;
}
