import type { Channel } from '../model.ts';
import { RATE_RULES, RESPONDER_LIMITS } from './limits.ts';
import type { MethodState, ResponderState } from './types.ts';

/** The memory of a contact method; a fresh one when nothing is known of it. */
export function methodOf(
  state: ResponderState,
  contactMethodId: string,
  channel: Channel,
): MethodState {
  const known = state.methods.find((item) => item.contactMethodId === contactMethodId);
  return known ?? fresh(contactMethodId, channel);
}

function fresh(contactMethodId: string, channel: Channel): MethodState {
  return {
    contactMethodId,
    channel,
    tokens: RESPONDER_LIMITS.tokens,
    tokensMs: 0,
    sentMs: [],
    inFlight: null,
    notices: [],
    noticesMs: [],
    optedOut: false,
  };
}

/** Replaces or adds a contact method; at the bound the one that was idle longest goes. */
export function withMethod(state: ResponderState, method: MethodState): ResponderState {
  const others = state.methods.filter((item) => item.contactMethodId !== method.contactMethodId);
  const idle = others.filter((item) => !isBusy(item)).sort((a, b) => lastSent(a) - lastSent(b))[0];
  const kept =
    others.length >= RESPONDER_LIMITS.methods ? others.filter((item) => item !== idle) : others;
  return { ...state, methods: [...kept, method] };
}

/** Whether forgetting it would lose more than its limits. */
export function isBusy(method: MethodState): boolean {
  return method.inFlight !== null || method.notices.length > 0 || method.optedOut;
}

/** The instant from which a message may go: at once for one with a first page of high urgency while tokens last. */
export function sendableAt(method: MethodState, urgent: boolean, nowMs: number): number {
  if (urgent) {
    const { tokens, tokensMs } = refill(method, nowMs);
    return tokens > 0 ? nowMs : tokensMs + RESPONDER_LIMITS.tokenMs;
  }
  const window = lastSent(method) + RESPONDER_LIMITS.windowMs;
  const limits = RATE_RULES[method.channel].map((rule) => {
    const nth = method.sentMs.at(-rule.count);
    return nth === undefined ? 0 : nth + rule.windowMs;
  });
  return Math.max(nowMs, window, ...limits);
}

/** The memory after a message has gone: each counts, only urgent ones take a token. */
export function sent(method: MethodState, urgent: boolean, nowMs: number): MethodState {
  const { tokens, tokensMs } = refill(method, nowMs);
  const most = Math.max(...RATE_RULES[method.channel].map((rule) => rule.count));
  return {
    ...method,
    tokens: urgent ? Math.max(0, tokens - 1) : tokens,
    tokensMs,
    sentMs: [...method.sentMs, nowMs].slice(-most),
  };
}

function refill(
  method: MethodState,
  nowMs: number,
): { readonly tokens: number; readonly tokensMs: number } {
  const back = Math.max(0, Math.floor((nowMs - method.tokensMs) / RESPONDER_LIMITS.tokenMs));
  const tokens = method.tokens + back;
  if (tokens >= RESPONDER_LIMITS.tokens)
    return { tokens: RESPONDER_LIMITS.tokens, tokensMs: nowMs };
  return { tokens, tokensMs: method.tokensMs + back * RESPONDER_LIMITS.tokenMs };
}

function lastSent(method: MethodState): number {
  return method.sentMs.at(-1) ?? Number.NEGATIVE_INFINITY;
}
