/** One element of TwiML: name, attributes, and its children in order. Text has the entities resolved. */
export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly (Element | string)[];
}

const MAX_LENGTH = 65_536;
const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
};

interface Open {
  name: string;
  attributes: Record<string, string>;
  children: (Element | string)[];
}

/**
 * Reads a TwiML document: the part of XML that Twilio takes.
 * @throws SyntaxError that says what is wrong, as Twilio's 12100 would.
 */
export function parseTwiml(document: string): Element {
  if (document.length > MAX_LENGTH) throw new SyntaxError('TwiML is at most 64 KB.');
  const root: Open = { name: '', attributes: {}, children: [] };
  const stack: Open[] = [root];
  const token =
    /<\?[^>]*\?>|<!--[\s\S]*?-->|<(\/?)([A-Za-z]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/y;
  while (token.lastIndex < document.length) {
    const at = token.lastIndex;
    const match = token.exec(document);
    if (!match) throw new SyntaxError(`TwiML cannot be read at ${at}.`);
    const [, closing, name, attributes, empty, text] = match;
    if (text !== undefined) addText(stack, text);
    else if (name !== undefined && closing) close(stack, name);
    else if (name !== undefined) open(stack, name, attributes ?? '', empty === '/');
  }
  const [response, ...more] = root.children;
  if (stack.length !== 1 || response === undefined || typeof response === 'string' || more.length)
    throw new SyntaxError('TwiML is one closed element.');
  if (response.name !== 'Response') throw new SyntaxError('TwiML is a Response.');
  return response;
}

/** The text of an element and of everything in it. */
export function textOf(element: Element): string {
  return element.children
    .map((child) => (typeof child === 'string' ? child : textOf(child)))
    .join('')
    .trim();
}

/** The elements directly in it. */
export function elementsOf(element: Element): readonly Element[] {
  return element.children.filter((child) => typeof child !== 'string');
}

function addText(stack: Open[], text: string): void {
  const parent = stack.at(-1);
  if (stack.length > 1) parent?.children.push(resolveEntities(text));
  else if (text.trim() !== '') throw new SyntaxError('TwiML has text outside of its Response.');
}

function open(stack: Open[], name: string, attributes: string, empty: boolean): void {
  const found: [string, string][] = [...attributes.matchAll(/([\w:-]+)="([^"]*)"/g)].map(
    ([, key = '', value = '']) => [key, resolveEntities(value)],
  );
  const element: Open = {
    name,
    attributes: Object.fromEntries(found),
    children: [],
  };
  stack.at(-1)?.children.push(element);
  if (!empty) stack.push(element);
}

function close(stack: Open[], name: string): void {
  if (stack.length < 2 || stack.pop()?.name !== name)
    throw new SyntaxError(`TwiML closes ${name}, which is not open.`);
}

function resolveEntities(text: string): string {
  return text.replace(/&(#x?[0-9a-fA-F]+|[a-z]+);?/g, (whole, name: string) => {
    if (!name.startsWith('#')) return named(whole, name);
    const code = name[1] === 'x' ? parseInt(name.slice(2), 16) : parseInt(name.slice(1), 10);
    if (!(code <= 0x10ffff)) throw new SyntaxError(`TwiML has the unknown entity ${whole}.`);
    return String.fromCodePoint(code);
  });
}

function named(whole: string, name: string): string {
  const value = entities[name];
  if (value === undefined || !whole.endsWith(';'))
    throw new SyntaxError(`TwiML has the unknown entity ${whole}.`);
  return value;
}
