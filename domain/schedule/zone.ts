const FORMATTERS_MAX = 1000;
const DAY_MS = 86_400_000;

// Making a formatter costs a hundred times what using it costs. There are some 600 zones; at the bound all go.
const formatters = new Map<string, Intl.DateTimeFormat>();

/**
 * What a clock on the wall in `timeZone` shows at `instantMs`, as the milliseconds that UTC would have then,
 * in whole seconds. An unknown zone counts as UTC.
 */
export function wallClock(timeZone: string, instantMs: number): number {
  const fields = { year: 0, month: 1, day: 1, hour: 0, minute: 0, second: 0 };
  for (const { type, value } of formatterFor(timeZone).formatToParts(instantMs)) {
    if (type in fields) fields[type as keyof typeof fields] = Number(value);
  }
  return Date.UTC(
    fields.year,
    fields.month - 1,
    fields.day,
    fields.hour,
    fields.minute,
    fields.second,
  );
}

/**
 * The instant at which that clock shows `wallMs`. A time that a clock change repeats means its first
 * occurrence; one that it skips means as much later (02:30 becomes 03:30 in spring).
 */
export function instantOf(timeZone: string, wallMs: number): number {
  const before = wallMs - offset(timeZone, wallMs - DAY_MS);
  if (wallClock(timeZone, before) === wallMs) return before;
  const after = wallMs - offset(timeZone, wallMs + DAY_MS);
  return wallClock(timeZone, after) === wallMs ? after : before;
}

function offset(timeZone: string, instantMs: number): number {
  return wallClock(timeZone, instantMs) - instantMs;
}

function formatterFor(timeZone: string): Intl.DateTimeFormat {
  const known = formatters.get(timeZone);
  if (known) return known;
  const made = makeFormatter(timeZone);
  if (formatters.size >= FORMATTERS_MAX) formatters.clear();
  formatters.set(timeZone, made);
  return made;
}

function makeFormatter(timeZone: string): Intl.DateTimeFormat {
  const options = {
    calendar: 'iso8601',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  } as const;
  try {
    return new Intl.DateTimeFormat('en-US', { ...options, timeZone });
  } catch {
    return new Intl.DateTimeFormat('en-US', { ...options, timeZone: 'UTC' });
  }
}
