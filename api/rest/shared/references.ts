/** PagerDuty's reference: who is meant, in short. */
export interface Reference {
  readonly id: string;
  readonly type: string;
  readonly summary: string;
  readonly self: string;
  readonly html_url: string | null;
}

/** Path of a resource below the public URL: `users/PABC`. */
export type Refer = (type: string, path: string, summary: string) => Reference;

/** Makes references whose `self` is under the configured public URL, never under what a request says. */
export function createRefer(publicUrl: string): Refer {
  const base = publicUrl.replace(/\/+$/, '');
  return (type, path, summary) => ({
    id: path.slice(path.lastIndexOf('/') + 1),
    type,
    summary,
    self: `${base}/${path}`,
    html_url: null,
  });
}
