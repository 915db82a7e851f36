const LIMIT_MS = 5000;

/** Sets how a door of simulated vendors behaves (`POST /control/moods`); `ok` as kind ends it. */
export async function setMood(
  simulatorsUrl: string,
  mood: Readonly<Record<string, unknown>>,
): Promise<void> {
  const response = await fetch(`${simulatorsUrl}/control/moods`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(mood),
    signal: AbortSignal.timeout(LIMIT_MS),
  });
  if (!response.ok)
    throw new RangeError(
      `The simulators refuse the mood: ${(await response.text()).slice(0, 300)}`,
    );
}
