import type { CheckResult } from '../domain/watchdog.ts';

/** One look at one part of the product; rejects, or answers what is wrong, when it is down. */
export interface Check {
  readonly name: string;
  readonly look: () => Promise<string | null>;
  /** What it finds wrong was tried several times already: it is reported at once. */
  readonly confirmed?: boolean;
}

/** A look that takes longer counts as a failure: a part whose event loop stands still accepts and never answers. */
const LOOK_LIMIT_MS = 4000;

/** Looks at everything at once; never rejects. */
export function lookAtAll(checks: readonly Check[]): Promise<readonly CheckResult[]> {
  return Promise.all(checks.map(lookAt));
}

async function lookAt({ name, look, confirmed = false }: Check): Promise<CheckResult> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, LOOK_LIMIT_MS, `no answer within ${LOOK_LIMIT_MS / 1000} s`);
  });
  try {
    const wrong = await Promise.race([look(), late]);
    return { name, ok: wrong === null, detail: wrong ?? '', confirmed };
  } catch (error) {
    return { name, ok: false, detail: reasonOf(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** Of nested errors the innermost says most: «fetch failed» because of ECONNREFUSED. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error) return reasonOf(cause);
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  const text = error instanceof Error ? error.message : String(error);
  return (typeof code === 'string' && text === '' ? code : text).slice(0, 200);
}

/** A URL that must answer with a 2xx. */
export function httpCheck(name: string, url: string): Check {
  return {
    name,
    look: async () => {
      const signal = AbortSignal.timeout(LOOK_LIMIT_MS);
      const response = await fetch(url, { signal, redirect: 'error' });
      await response.arrayBuffer();
      return response.ok ? null : `answers ${response.status}`;
    },
  };
}

/** The same check for several addresses; numbered when there are several. */
export function httpChecks(name: string, urls: readonly string[], path: string): Check[] {
  return urls.map((url, n) =>
    httpCheck(urls.length > 1 ? `${name} ${n + 1}` : name, url.replace(/\/$/, '') + path),
  );
}

const CHANNEL_DOWN = /^pdlite_channel_down\{channel="([a-z]+)"\} 1$/gm;

/**
 * Whether every channel has a provider that works, as the workers' breakers see it. A worker that does not answer
 * says nothing here: it is a part of its own.
 */
export function providersCheck(workerUrls: readonly string[]): Check {
  return {
    name: 'providers',
    confirmed: true,
    look: async () => {
      const texts = await Promise.all(workerUrls.map(metricsOf));
      const channels = texts.flatMap((text) =>
        Array.from(text.matchAll(CHANNEL_DOWN), ([, channel = '']) => channel),
      );
      if (channels.length === 0) return null;
      return `no provider works for ${[...new Set(channels)].join(', ')}`;
    },
  };
}

async function metricsOf(url: string): Promise<string> {
  try {
    const signal = AbortSignal.timeout(LOOK_LIMIT_MS - 1000);
    const response = await fetch(`${url.replace(/\/$/, '')}/metrics`, {
      signal,
      redirect: 'error',
    });
    return response.ok ? await response.text() : '';
  } catch {
    return '';
  }
}
