const MAX_BYTES = 65_536;

/** The answer's text, at most 64 KB; the rest is not read. */
export async function readBounded(response: Response): Promise<string> {
  if (!response.body) return '';
  const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader();
  const parts: Uint8Array[] = [];
  for (let size = 0; size < MAX_BYTES;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    size += value.byteLength;
  }
  void reader.cancel().catch(() => undefined);
  return Buffer.concat(parts).subarray(0, MAX_BYTES).toString();
}
