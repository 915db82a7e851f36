const MINUTE = 60_000;

/**
 * A clock on the wall of a time zone over a stretch of time, minute by minute, as somebody would note it down who
 * watches it. Slow and simple on purpose: it is what the product's arithmetic is compared with.
 */
export class WallClock {
  readonly #fromMs: number;
  /** `YYYY-MM-DD HH:mm` at each minute from `fromMs` on. */
  readonly #shown: readonly string[];
  readonly #firstAt: ReadonlyMap<string, number>;

  constructor(timeZone: string, fromMs: number, toMs: number) {
    const format = new Intl.DateTimeFormat('sv-SE', {
      ...{ timeZone, dateStyle: 'short', timeStyle: 'short' },
    });
    this.#fromMs = fromMs;
    this.#shown = Array.from({ length: Math.ceil((toMs - fromMs) / MINUTE) }, (_, n) =>
      format.format(fromMs + n * MINUTE),
    );
    const firstAt = new Map<string, number>();
    for (const [n, text] of this.#shown.entries())
      if (!firstAt.has(text)) firstAt.set(text, fromMs + n * MINUTE);
    this.#firstAt = firstAt;
  }

  /** What it shows then. @throws RangeError outside of the stretch. */
  at(instantMs: number): string {
    const shown = this.#shown[Math.floor((instantMs - this.#fromMs) / MINUTE)];
    if (shown === undefined) throw new RangeError(`nobody has watched the clock at ${instantMs}`);
    return shown;
  }

  /**
   * When it first shows this. A time that a clock change leaves out is as much later as it would have been.
   * @throws RangeError outside of the stretch.
   */
  when(text: string): number {
    const asked = read(text);
    for (let minutes = 0; minutes <= 180; minutes += 1) {
      const earlier = new Date(asked - minutes * MINUTE)
        .toISOString()
        .slice(0, 16)
        .replace('T', ' ');
      const found = this.#firstAt.get(earlier);
      if (found !== undefined) return found + minutes * MINUTE;
    }
    throw new RangeError(`nobody has seen ${text} on the clock`);
  }

  /** The minutes between the two at which it does not show one minute more than before. */
  changes(fromMs: number, toMs: number): readonly number[] {
    const count = Math.floor((toMs - fromMs) / MINUTE);
    const minutes = Array.from({ length: count }, (_, n) => fromMs + (n + 1) * MINUTE);
    return minutes.filter((ms) => read(this.at(ms)) - read(this.at(ms - MINUTE)) !== MINUTE);
  }
}

function read(shown: string): number {
  return Date.parse(`${shown.replace(' ', 'T')}Z`);
}

/** Of `YYYY-MM-DD HH:mm`: 1 on Monday to 7 on Sunday. */
export function weekdayOf(shown: string): number {
  return new Date(`${shown.slice(0, 10)}T00:00Z`).getUTCDay() || 7;
}

/** Of `YYYY-MM-DD HH:mm`: minutes since midnight on that clock. */
export function minuteOf(shown: string): number {
  return Number(shown.slice(11, 13)) * 60 + Number(shown.slice(14, 16));
}

/** `YYYY-MM-DD` so many days later. */
export function dayAfter(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}
