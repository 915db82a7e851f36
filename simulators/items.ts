/** What the doors of the simulators have seen; the page and the tests both read these. Times are ISO 8601. */
interface ItemBase {
  readonly id: string;
  readonly at: string;
  /** The person's side: E.164 number, push topic or e-mail address (lower case). */
  readonly address: string;
}

export interface SmsItem extends ItemBase {
  readonly type: 'sms';
  readonly vendor: Telephony;
  /** `in` arrives at the phone, `out` was written on it. */
  readonly direction: 'in' | 'out';
  /** The number on the other side. */
  readonly number: string;
  readonly text: string;
  status: string;
  /** Why the product did not take a message that the phone sent. */
  problem: string | null;
}

export interface CallItem extends ItemBase {
  readonly type: 'call';
  readonly vendor: Telephony;
  readonly number: string;
  status: 'queued' | 'ringing' | 'in-progress' | 'completed' | 'busy' | 'failed' | 'no-answer';
  /** Everything spoken so far, in order. */
  readonly spoken: string[];
  /** Whether a key pressed now is listened to. */
  listening: boolean;
  keys: string;
  answeredBy: 'human' | 'machine_start' | null;
  problem: string | null;
}

export interface PushAction {
  readonly label: string;
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface PushItem extends ItemBase {
  readonly type: 'push';
  readonly title: string;
  readonly text: string;
  /** ntfy's 1 (least) to 5. */
  readonly priority: number;
  readonly actions: readonly PushAction[];
  /** What came of each action that was pressed, in order. */
  readonly pressed: { readonly label: string; readonly status: number; readonly answer: string }[];
}

export interface MailItem extends ItemBase {
  readonly type: 'mail';
  /** The relay by which it came; that of the first for what the person wrote. */
  readonly vendor: Relay;
  readonly direction: 'in' | 'out';
  readonly from: string;
  readonly replyTo: string | null;
  readonly subject: string;
  readonly text: string;
  readonly html: string | null;
  readonly messageId: string;
  readonly headers: Readonly<Record<string, string>>;
  problem: string | null;
}

/** A request that came to a door, whether it was taken or not. */
export interface RequestItem extends ItemBase {
  readonly type: 'request';
  readonly vendor: Vendor;
  readonly door: Door;
  readonly mood: string;
  readonly summary: string;
}

/** A callback that a simulated telephony vendor made. */
export interface CallbackItem extends ItemBase {
  readonly type: 'callback';
  readonly vendor: Telephony;
  readonly url: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly attempts: number;
  /** The answer's status; 0 when there was none. */
  readonly status: number;
}

export type Item = SmsItem | CallItem | PushItem | MailItem | RequestItem | CallbackItem;
export type Telephony = 'twilio' | 'vonage';
export type Relay = 'smtp' | 'smtp-2';
/** Whom the simulators stand in for. */
export type Vendor = Telephony | Relay | 'ntfy';
export type Door = 'sms' | 'voice' | 'push' | 'mail';

/** An item and the number of its last change; numbers grow over all items. */
export interface LedgerEntry {
  readonly seq: number;
  readonly item: Item;
}

/** Whose phone, mailbox and topic belong together on the page. */
export interface Person {
  readonly name: string;
  readonly addresses: readonly string[];
}
