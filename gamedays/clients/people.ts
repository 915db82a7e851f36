import { setTimeout as sleep } from 'node:timers/promises';

import { z } from 'zod';

import type { JsonLines } from '../../platform/json-lines.ts';
import type { AnswerRecord, World } from '../ledgers/records.ts';
import { readReceived } from '../ledgers/received.ts';
import type { AlertScript, Decision } from '../load/plan-load.ts';
import { answerBy, type Answered, type Message, type Text } from './answer-by.ts';

export interface PeopleOptions {
  readonly scripts: readonly AlertScript[];
  readonly world: World;
  /** URLs of the simulators on which phones and mailboxes are. */
  readonly simulators: readonly string[];
  readonly ledger: JsonLines;
}

const POLL_WAIT_MS = 20_000;
const TRIES = 20;
const AGAIN_MS = 3000;
/** Of one phone; older ones are forgotten. */
const TEXTS_MAX = 50;
const entriesSchema = z.object({
  entries: z.array(
    z.object({
      seq: z.number(),
      item: z.looseObject({ type: z.string(), id: z.string(), address: z.string() }),
    }),
  ),
});
type Entry = z.infer<typeof entriesSchema>['entries'][number];

/**
 * The people at the phones: they read what comes, think, and answer as the plan says, each alert once. They try
 * again when nothing tells them that the answer counts. Every try is in the ledger.
 */
export class People {
  readonly #options: PeopleOptions;
  readonly #names: ReadonlyMap<string, string>;
  readonly #scripts: ReadonlyMap<string, AlertScript>;
  /** `{person} {key}` of what has been decided. */
  readonly #decided = new Set<string>();
  readonly #texts = new Map<string, Map<string, Text>>();
  /** By number, the last answer by text: one is typed after the other. */
  readonly #typing = new Map<string, Promise<void>>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #ended = new AbortController();
  #seq = 0;

  constructor(options: PeopleOptions) {
    this.#options = options;
    this.#scripts = new Map(options.scripts.map((script) => [script.key, script]));
    this.#names = new Map(
      Object.entries(options.world.people).flatMap(([name, { addresses }]) =>
        Object.entries(addresses).map(([channel, address]) => [`${channel} ${address}`, name]),
      ),
    );
  }

  /** Reads and answers until `stop`, and until what was being answered then is answered. */
  async run(): Promise<void> {
    await Promise.all(this.#options.simulators.map((url) => this.#follow(url)));
    await Promise.all(this.#underWay);
  }

  stop(): void {
    this.#ended.abort();
  }

  async #follow(url: string): Promise<void> {
    let after = 0;
    while (!this.#ended.signal.aborted) {
      const entries = await this.#poll(url, after);
      if (entries === null) await this.#pause(200);
      for (const entry of entries ?? []) {
        after = Math.max(after, entry.seq);
        this.#look(url, entry);
      }
    }
  }

  async #poll(url: string, after: number): Promise<readonly Entry[] | null> {
    try {
      const query = `after=${after}&waitMs=${POLL_WAIT_MS}`;
      const signal = AbortSignal.any([
        this.#ended.signal,
        AbortSignal.timeout(POLL_WAIT_MS + 5000),
      ]);
      const response = await fetch(`${url}/control/ledger?${query}`, { signal });
      return entriesSchema.parse(await response.json()).entries;
    } catch {
      return null;
    }
  }

  #look(simulators: string, entry: Entry): void {
    this.#keepText(entry.item);
    const [page] = readReceived('', [entry]);
    if (!page) return;
    const texts = () => [...(this.#texts.get(page.address)?.values() ?? [])];
    const message: Message = { simulators, texts, ...page, ...entry };
    // Whoever calls wants to be heard first; what is said shows when the call changes.
    if (page.channel === 'voice' && page.keys.length === 0) {
      if (entry.item['status'] === 'ringing') this.#start(answerBy(message, 'pick_up'));
      return;
    }
    const person = this.#names.get(`${page.channel} ${page.address}`);
    if (person !== undefined && page.unnamed === 0) this.#decide(person, message);
  }

  #keepText({ type, id, address, direction, text }: Entry['item']): void {
    if (type !== 'sms' || direction !== 'in' || typeof text !== 'string') return;
    const texts = this.#texts.get(address) ?? new Map<string, Text>();
    this.#texts.set(address, texts.set(id, { id, text }));
    const [oldest] = texts.keys();
    if (texts.size > TEXTS_MAX && oldest !== undefined) texts.delete(oldest);
  }

  #decide(person: string, message: Message): void {
    const open = message.keys.filter((key) => !this.#decided.has(`${person} ${key}`));
    const decisions = open.map((key) => this.#decisionOf(person, key));
    for (const key of open) this.#decided.add(`${person} ${key}`);
    // A message acts on all that it names, so a person who ignores one of them answers none.
    const [first] = decisions;
    if (!first || open.length < message.keys.length || decisions.includes(null)) return;
    const mixed = decisions.some((one) => one?.action !== first.action);
    const decision: Decision = mixed ? { ...first, action: 'acknowledge' } : first;
    this.#start(this.#answer(person, message, decision));
  }

  #start(work: Promise<unknown>): void {
    const done = work.then(
      () => undefined,
      () => undefined,
    );
    this.#underWay.add(done);
    void done.then(() => this.#underWay.delete(done));
  }

  #decisionOf(person: string, key: string): Decision | null {
    const script = this.#scripts.get(key);
    const steps = this.#options.world.services[script?.service ?? '']?.steps ?? [];
    const step = steps.findIndex(({ people }) => people.includes(person));
    return script?.decisions[step] ?? null;
  }

  async #answer(person: string, message: Message, { action, thinkMs }: Decision): Promise<void> {
    // On the phone nobody thinks longer than the line stays open.
    await this.#pause(message.channel === 'voice' ? 300 : thinkMs);
    const answer = () => this.#tryToAnswer(person, message, action);
    // Which of two texts a third one is about, nobody could tell.
    await (message.channel === 'sms' ? this.#afterOthers(message.address, answer) : answer());
  }

  async #afterOthers(address: string, work: () => Promise<void>): Promise<void> {
    const before = this.#typing.get(address);
    const mine = Promise.resolve(before).then(work);
    const over = mine.catch(() => undefined);
    this.#typing.set(address, over);
    await mine;
  }

  async #tryToAnswer(person: string, message: Message, action: Decision['action']): Promise<void> {
    for (let attempt = 0; attempt < TRIES && !this.#ended.signal.aborted; attempt += 1) {
      const sentAt = Date.now();
      const { result, about = message.keys } = await answerBy(message, action).catch(
        (): Answered => ({ result: 'unknown' }),
      );
      this.#record({
        ...{ person, via: message.channel, keys: about, action, result },
        ...{ pageAt: message.at, sentAt, endedAt: Date.now() },
      });
      // A bare text sent again would answer whatever is open by then.
      const isOnce = message.channel === 'voice' || message.channel === 'sms';
      if (result !== 'unknown' || isOnce) return;
      await this.#pause(AGAIN_MS);
    }
  }

  #record(record: Omit<AnswerRecord, 'seq'>): void {
    this.#seq += 1;
    this.#options.ledger.append({ seq: this.#seq, ...record });
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#ended.signal }).catch(() => undefined);
  }
}
