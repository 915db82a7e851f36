import { MAX_PROBLEMS } from './limits.ts';
import type { Normalised, NormalisedEvent } from './types.ts';

/**
 * What is wrong with a body. Every reader reports and goes on with a default, so that strict and lenient
 * are one way: strict refuses when anything was reported, lenient only when something has no default.
 */
export class Problems {
  readonly #mended: string[] = [];
  readonly #fatal: string[] = [];

  /** Wrong, but there is a default. */
  mended(text: string): void {
    this.#mended.push(text);
  }

  /** Wrong, and nothing sensible can be done without it. */
  fatal(text: string): void {
    this.#fatal.push(text);
  }

  /** The errors that refuse the body; empty when it is taken. At most 20. */
  errors(lenient: boolean): readonly string[] {
    if (lenient && this.#fatal.length === 0) return [];
    return [...this.#fatal, ...this.#mended].slice(0, MAX_PROBLEMS);
  }

  /** What a lenient integration let pass; at most 20. */
  warnings(): readonly string[] {
    return this.#mended.slice(0, MAX_PROBLEMS);
  }

  conclude(events: readonly NormalisedEvent[], lenient: boolean): Normalised {
    const errors = this.errors(lenient);
    return errors.length > 0
      ? { ok: false, errors }
      : { ok: true, events, warnings: this.warnings() };
  }
}
