import type { DatabaseRecords } from './database-records.ts';

/**
 * What is known of a run from outside the product. All instants are milliseconds since 1970, by the one clock
 * of the machine.
 */
export interface RunRecords {
  readonly world: World;
  readonly sent: readonly SentRecord[];
  readonly answers: readonly AnswerRecord[];
  readonly received: readonly ReceivedRecord[];
  readonly faults: readonly FaultWindow[];
  /** What the product says in the end; null when it was not asked. */
  readonly finals: readonly FinalIncident[] | null;
  /** Events that the product says it refused; null when its counters were lost with a process. */
  readonly refusalsCounted: number | null;
  /** Null: nothing happened to PostgreSQL, so nobody looked. */
  readonly database: DatabaseRecords | null;
  /** What happened after this was not looked at. */
  readonly observedUntil: number;
}

/** Who is to be paged for what: made with the population, not asked of the product. */
export interface World {
  readonly services: Readonly<Record<string, ServiceExpectation>>;
  readonly people: Readonly<Record<string, PersonExpectation>>;
}

export interface ServiceExpectation {
  /** In order; the first is due at once. */
  readonly steps: readonly {
    /** After the acceptance of the alert. */
    readonly afterMs: number;
    /** Names of people, each of whom is paged. */
    readonly people: readonly string[];
  }[];
  /** Who may be paged when nobody else can. */
  readonly lastResort: readonly string[];
}

export interface PersonExpectation {
  /** Contact methods by channel, all used at once. */
  readonly addresses: Readonly<Record<string, string>>;
}

/** One attempt of a client to hand over one event. */
export interface SentRecord {
  readonly seq: number;
  /** The same for all attempts. */
  readonly eventId: string;
  /** The dedup key, which is also a word of the title. */
  readonly key: string;
  readonly service: string;
  readonly action: 'trigger' | 'acknowledge' | 'resolve';
  readonly sentAt: number;
  /** When the answer was complete, or the attempt given up. */
  readonly endedAt: number;
  /** Null: no answer came. */
  readonly status: number | null;
  readonly retryAfterSec: number | null;
  /** Nobody accepted the connection: the event was certainly not received. */
  readonly unsent: boolean;
}

/** What a person did about a message, and what they were told. */
export interface AnswerRecord {
  readonly seq: number;
  readonly person: string;
  readonly via: string;
  /** Those named in the message that was answered; nobody answers one that does not name all. */
  readonly keys: readonly string[];
  readonly action: 'acknowledge' | 'resolve';
  /** When the message came: a link or a call answers that incident, even if the alert has come again since. */
  readonly pageAt: number;
  readonly sentAt: number;
  readonly endedAt: number;
  /** `accepted`: the person was told that it counts. `unknown`: no answer, or one that does not say. */
  readonly result: 'accepted' | 'refused' | 'unknown';
}

/** A message or call that a provider took. */
export interface ReceivedRecord {
  readonly id: string;
  readonly provider: string;
  readonly channel: string;
  readonly address: string;
  /** When the request came. */
  readonly at: number;
  readonly keys: readonly string[];
  /** The number of the incident, by key, where the message tells it. */
  readonly numbers: Readonly<Record<string, string>>;
  /** How many more incidents it is about, without naming them. */
  readonly unnamed: number;
}

export interface FaultWindow {
  readonly id: string;
  /** For people: `hang sms-a`. */
  readonly name: string;
  readonly from: number;
  /** Null: it was never ended. */
  readonly to: number | null;
  /** While it lasts no page can be expected: waiting times do not run. */
  readonly stopsPaging: boolean;
  /** All has to go as if there were no fault. */
  readonly excusesNothing?: boolean;
  /** Channels of a provider whose requests were taken off the product's hands and came through only at the end. */
  readonly holds?: { readonly provider: string; readonly channels: readonly string[] };
  /** What became of messages that a provider takes on these channels, it says neither by itself nor when asked. */
  readonly silences?: { readonly provider: string; readonly channels: readonly string[] };
  /** Messages on these channels may meet it. */
  readonly channels?: readonly string[] | undefined;
  /** How PostgreSQL is to the product meanwhile. */
  readonly database?:
    | {
        readonly mode: 'read_only' | 'unavailable';
        /** By another server: until it takes changes counts from the beginning, not from the end. */
        readonly takenOver: boolean;
      }
    | undefined;
}

export interface FinalIncident {
  readonly id: string;
  readonly key: string;
  readonly status: 'triggered' | 'acknowledged' | 'resolved';
}
