import type { EscalationPolicy, Service } from '../../domain/model.ts';
import type { ExpectedEntry, Expectation, TimerKind } from './expectation.ts';
import { peopleOf } from './on-duty.ts';
import type { Move, SeedPlan } from './plan.ts';
import type { Stretch } from './stretches.ts';

const MINUTE = 60_000;

/** People who are being paged, from one instant to another. */
export interface BookedPage {
  readonly atMs: number;
  readonly people: readonly string[];
  /** When somebody answered, or others were paged instead. */
  endMs: number;
}

/** The one thing that an open incident waits for, besides its automatic end. */
interface Alarm {
  readonly atMs: number;
  readonly kind: Exclude<TimerKind, 'auto-resolve' | 'notification rule'>;
}

/** What is true of an incident that is open. */
interface OpenIncident {
  rule: number;
  loop: number;
  /** Assigned by name: the policy does not go on by itself. */
  byName: boolean;
  assigned: readonly string[];
  alarm: Alarm | null;
  /** When it resolves by itself. */
  endsMs: number;
  /** Who has acknowledged; nobody: it pages. */
  acknowledgers: ReadonlySet<string>;
}

/** Somebody who keeps a book of one alert by hand: what happens when, whom to call, and when to look again. */
export class DayBook {
  readonly pages: BookedPage[] = [];
  readonly entries: ExpectedEntry[] = [];
  readonly idle: number[] = [];
  readonly timers: Expectation['timers'][number][] = [];
  readonly #plan: SeedPlan;
  readonly #clockOf: Stretch['clockOf'];
  readonly #policy: EscalationPolicy;
  readonly #service: Service;
  #incident: OpenIncident | null = null;

  constructor(plan: SeedPlan, clockOf: Stretch['clockOf']) {
    const { policies, services } = plan.account;
    const [[policy], [service]] = [policies, services];
    if (!policy || !service) throw new RangeError('a seed has a policy and a service');
    this.#plan = plan;
    this.#clockOf = clockOf;
    this.#policy = policy;
    this.#service = service;
  }

  /** Does what is due up to this instant; of two things at one instant the end goes first. */
  pass(untilMs: number): void {
    for (let one = this.#incident; one; one = this.#incident) {
      const { alarm, endsMs } = one;
      const isPutOff = alarm?.kind === 'snooze' && endsMs <= alarm.atMs;
      const endMs = isPutOff ? Infinity : endsMs;
      if (Math.min(alarm?.atMs ?? Infinity, endMs) > untilMs) return;
      if (alarm && alarm.atMs < endMs) this.#ring(one, alarm);
      else this.#endByItself(endMs);
    }
  }

  /** One move at its instant, after `pass`. */
  take(move: Move, atMs: number): void {
    const one = this.#incident;
    if (move.kind === 'trigger') {
      this.#write('trigger_log_entry', atMs);
      if (!one) this.#open(atMs);
      return;
    }
    if (!one) {
      this.idle.push(atMs);
      return;
    }
    switch (move.kind) {
      case 'note':
        this.#write('annotate_log_entry', atMs);
        return;
      case 'resolve':
      case 'resolve_event':
        this.#close(atMs);
        return;
      case 'acknowledge':
        this.#acknowledge(one, move.by, atMs);
        return;
      case 'answer':
        // Whoever is not being paged has nothing to answer.
        if (move.by !== null && this.#isPaged(move.by)) this.#acknowledge(one, move.by, atMs);
        return;
      case 'snooze':
        this.#snooze(one, move, atMs);
        return;
      case 'reassign':
        this.#reassign(one, move.to, atMs);
        return;
      case 'escalate':
        this.#escalateByPerson(one, move.ruleIndex, atMs);
    }
  }

  #open(atMs: number): void {
    this.#incident = {
      ...{ rule: 0, loop: 0, byName: false, assigned: [], alarm: null },
      endsMs: this.#endFrom(atMs),
      acknowledgers: new Set(),
    };
    this.#enter(this.#incident, 0, atMs);
  }

  #ring(one: OpenIncident, { kind, atMs }: Alarm): void {
    this.timers.push({ kind, dueMs: atMs });
    this.#wake(one, atMs);
    if (kind === 'escalation') this.#step(one, atMs);
    else {
      this.#write('unacknowledge_log_entry', atMs);
      one.acknowledgers = new Set();
      this.#arm(one, atMs);
      this.#page(one.assigned, atMs);
    }
  }

  /** The next rule, else the first one again as often as the policy says, else nobody further. */
  #step(one: OpenIncident, atMs: number): void {
    if (one.rule + 1 < this.#policy.rules.length) {
      this.#write('escalate_log_entry', atMs);
      this.#enter(one, one.rule + 1, atMs);
    } else if (one.loop < this.#policy.numLoops) {
      one.loop += 1;
      this.#write('repeat_escalation_path_log_entry', atMs);
      this.#enter(one, 0, atMs);
    } else this.#write('exhaust_escalation_path_log_entry', atMs);
  }

  #enter(one: OpenIncident, rule: number, atMs: number): void {
    Object.assign(one, { rule, byName: false });
    this.#arm(one, atMs);
    const targets = this.#policy.rules[rule]?.targets ?? [];
    one.assigned = peopleOf(this.#plan.account, targets, this.#clockOf, atMs);
    this.#page(one.assigned, atMs);
  }

  #arm(one: OpenIncident, atMs: number): void {
    const minutes = this.#policy.rules[one.rule]?.escalationDelayInMinutes ?? 0;
    const isWaiting = this.#plan.urgency === 'high' && !one.byName;
    one.alarm = isWaiting ? { kind: 'escalation', atMs: atMs + minutes * MINUTE } : null;
  }

  #page(people: readonly string[], atMs: number): void {
    this.#hangUp(atMs);
    this.pages.push({ atMs, people, endMs: Infinity });
    this.#write('assign_log_entry', atMs);
  }

  #acknowledge(one: OpenIncident, by: string, atMs: number): void {
    if (one.acknowledgers.has(by)) return;
    const { acknowledgementTimeoutSec: limit } = this.#service;
    if (one.acknowledgers.size === 0) {
      this.#hangUp(atMs);
      const dueMs = atMs + (limit ?? Infinity) * 1000;
      one.alarm = limit === null ? null : { kind: 'acknowledgement timeout', atMs: dueMs };
    }
    one.acknowledgers = new Set([...one.acknowledgers, by]);
    this.#write('acknowledge_log_entry', atMs);
  }

  #snooze(
    one: OpenIncident,
    { by, minutes }: { readonly by: string; readonly minutes: number },
    atMs: number,
  ): void {
    this.#acknowledge(one, by, atMs);
    one.alarm = { kind: 'snooze', atMs: atMs + minutes * MINUTE };
    this.#write('snooze_log_entry', atMs);
  }

  #reassign(one: OpenIncident, to: readonly string[], atMs: number): void {
    this.#write('assign_log_entry', atMs);
    this.#wake(one, atMs);
    Object.assign(one, { byName: true, assigned: to, acknowledgers: new Set() });
    this.#page(to, atMs);
  }

  /** After the last rule, or from named people, it goes to the first. */
  #escalateByPerson(one: OpenIncident, wanted: number | null, atMs: number): void {
    const next = one.byName || one.rule + 1 >= this.#policy.rules.length ? 0 : one.rule + 1;
    this.#wake(one, atMs);
    one.acknowledgers = new Set();
    this.#write('escalate_log_entry', atMs);
    this.#enter(one, wanted ?? next, atMs);
  }

  /** Nothing is waited for any more. After a snooze that lasted too long for it the automatic end has its time anew. */
  #wake(one: OpenIncident, atMs: number): void {
    if (one.alarm?.kind === 'snooze' && one.endsMs <= atMs) one.endsMs = this.#endFrom(atMs);
    one.alarm = null;
  }

  #endFrom(atMs: number): number {
    const { autoResolveTimeoutSec: limit } = this.#service;
    return limit === null ? Infinity : atMs + limit * 1000;
  }

  #endByItself(atMs: number): void {
    this.timers.push({ kind: 'auto-resolve', dueMs: atMs });
    this.#close(atMs);
  }

  #close(atMs: number): void {
    this.#hangUp(atMs);
    this.#incident = null;
    this.#write('resolve_log_entry', atMs);
  }

  #isPaged(person: string): boolean {
    const page = this.pages.at(-1);
    return page?.endMs === Infinity && page.people.includes(person);
  }

  #hangUp(atMs: number): void {
    const page = this.pages.at(-1);
    if (page?.endMs === Infinity) page.endMs = atMs;
  }

  #write(type: ExpectedEntry['type'], dueMs: number): void {
    this.entries.push({ dueMs, type });
  }
}
