import { createHash } from 'node:crypto';

const STYLE = `
:root{color-scheme:light dark;--bg:#f4f5f7;--card:#fff;--ink:#1b1f27;--soft:#5b6472;--line:#dfe3ea;--go:#0b6b3a;--go-ink:#fff;--warn:#8a4b00}
@media (prefers-color-scheme:dark){:root{--bg:#12151b;--card:#1b2029;--ink:#eef1f6;--soft:#a5aebd;--line:#2e3542;--go:#3ecf8e;--go-ink:#06210f;--warn:#ffb454}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.25rem;background:var(--bg);color:var(--ink);font:1.0625rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{width:100%;max-width:27rem;background:var(--card);border:1px solid var(--line);border-radius:1.25rem;padding:1.75rem;box-shadow:0 10px 40px rgb(0 0 0/.08)}
.brand{margin:0 0 1.25rem;color:var(--soft);font-size:.875rem;font-weight:600;letter-spacing:.04em}
h1{margin:0 0 .75rem;font-size:1.5rem;line-height:1.25}
ul{margin:0 0 1.5rem;padding:0;list-style:none}
li{padding:.75rem 0;border-top:1px solid var(--line);overflow-wrap:anywhere;font-weight:600}
p{margin:0 0 1rem;color:var(--soft)}
button{width:100%;min-height:3.5rem;border:0;border-radius:.9rem;background:var(--go);color:var(--go-ink);font:inherit;font-weight:700;cursor:pointer}
button:focus-visible{outline:3px solid var(--ink);outline-offset:3px}
.mark{display:grid;place-items:center;width:3.25rem;height:3.25rem;margin:0 0 1rem;border-radius:50%;background:var(--go);color:var(--go-ink);font-size:1.6rem;font-weight:700}
.mark.warn{background:var(--warn);color:var(--card)}
`;

const styleHash = createHash('sha256').update(STYLE).digest('base64');

/** Headers of every page here: nothing is kept, nothing leaks to other sites, nothing foreign runs. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Robots-Tag': 'noindex, nofollow',
  'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${styleHash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
};

const VERBS = { acknowledge: 'Acknowledge', resolve: 'Resolve', escalate: 'Escalate' } as const;
export type AnswerAction = keyof typeof VERBS;

/** Asks; only its button answers. Works without scripts. */
export function questionPage(
  action: AnswerAction,
  titles: readonly string[],
  count: number,
): string {
  const what = count === 1 ? 'this incident' : `these ${count} incidents`;
  const list = titles.map((title) => `<li>${escapeHtml(title)}</li>`).join('');
  return page(
    `${VERBS[action]} ${what}?`,
    `${list && `<ul>${list}</ul>`}<form method="post"><button autofocus>${VERBS[action]}</button></form>`,
  );
}

/** Tells what came of it. */
export function resultPage(heading: string, text: string, good: boolean): string {
  const mark = `<div class="mark${good ? '' : ' warn'}" aria-hidden="true">${good ? '✓' : '!'}</div>`;
  return page(heading, `<p role="status">${escapeHtml(text)}</p>`, mark);
}

function page(heading: string, content: string, before = ''): string {
  const title = escapeHtml(heading);
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${title} · PD Lite</title><style>${STYLE}</style></head><body><main><p class="brand">PD Lite</p>${before}<h1>${title}</h1>${content}</main></body></html>`;
}

function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    ...{ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' },
  };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
