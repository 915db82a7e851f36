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

/** References to the named ones of `items`; one that is gone is left out. */
export function referAll(
  refer: Refer,
  kind: { readonly type: string; readonly collection: string },
  items: readonly { readonly id: string; readonly name: string }[],
): readonly Reference[] {
  return items.map((item) => refer(kind.type, `${kind.collection}/${item.id}`, item.name));
}
