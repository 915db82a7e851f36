/** A body that is not the JSON it claims to be. `reason` decides the words, which each door has of its own. */
export class BodyError extends Error {
  override readonly name = 'BodyError';
  readonly reason: 'encoding' | 'syntax' | 'depth';

  constructor(reason: BodyError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Objects and arrays within each other, at most. */
export const MAX_JSON_DEPTH = 20;
/** Bytes of a body, after decompression. */
export const MAX_BODY_BYTES = 512 * 1024;

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Parses a body strictly: valid UTF-8, JSON, at most 20 levels deep. U+0000 is dropped and lone surrogates
 * become U+FFFD, because PostgreSQL can store neither. An empty body is undefined.
 * @throws BodyError
 */
export function readJson(body: Buffer): unknown {
  const text = decode(body);
  if (text.trim() === '') return undefined;
  if (deeperThan(text, MAX_JSON_DEPTH)) {
    throw new BodyError('depth', `The JSON is nested deeper than ${MAX_JSON_DEPTH} levels`);
  }
  try {
    const value: unknown = JSON.parse(text);
    return /\\u(?:0000|[dD][89a-fA-F])/.test(text) ? cleaned(value) : value;
  } catch {
    throw new BodyError('syntax', 'The body is not valid JSON');
  }
}

function decode(body: Buffer): string {
  try {
    return decoder.decode(body);
  } catch {
    throw new BodyError('encoding', 'The body is not valid UTF-8');
  }
}

/** Scans the text, so that a hostile body is refused before anything is built from it. */
function deeperThan(text: string, limit: number): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i];
    if (char === '"') i = endOfString(text, i);
    else if (char === '{' || char === '[') depth += 1;
    else if (char === '}' || char === ']') depth -= 1;
    if (depth > limit) return true;
  }
  return false;
}

function endOfString(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
  return i;
}

/** Recursion is safe: the depth is bounded before. */
function cleaned(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('\0', '').toWellFormed();
  if (Array.isArray(value)) return value.map(cleaned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [cleaned(key) as string, cleaned(item)]),
  );
}
