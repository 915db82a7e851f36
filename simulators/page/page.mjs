/* global document, requestAnimationFrame, fetch, EventSource */
// The page keeps every item by id, as the stream of the ledger tells it, and draws one phone and one
// mailbox a person. Parts that did not change stay as they are, so that typing is never disturbed.
import { draw } from './draw.mjs';
import { groupPeople } from './people.mjs';

const MAX_ITEMS = 1000;
const shown = new Set(['sms', 'call', 'push', 'mail']);
const items = new Map();
const state = { people: [], selected: null, seen: new Map() };
const connection = document.querySelector('#connection');
const announcer = document.querySelector('#announcer');
let scheduled = false;
let liveSince = Infinity;

function redraw() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    const people = groupPeople([...items.values()], state.people);
    draw(people, state, { act, select });
  });
}

function select(name) {
  state.selected = name;
  redraw();
}

/** Posts what a person did; what came of it arrives by the stream. Tells why when it was refused. */
async function act(path, body) {
  const answer = await fetch(`control/${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  }).catch(() => null);
  if (answer?.ok) return true;
  announcer.textContent = 'That did not work. It may be over already.';
  return false;
}

function announce(item) {
  if (Date.now() < liveSince || item.direction === 'out') return;
  if (item.type === 'call' && item.status === 'ringing')
    announcer.textContent = 'A phone is ringing.';
  if (item.type === 'call' && item.status === 'in-progress')
    announcer.textContent = item.spoken.at(-1) ?? '';
  if (state.seen.has(item.id)) return;
  if (item.type === 'sms') announcer.textContent = `Text message: ${item.text}`;
  if (item.type === 'push') announcer.textContent = `Notification: ${item.text}`;
  if (item.type === 'mail') announcer.textContent = `Mail: ${item.subject}`;
}

async function connect() {
  const answer = await fetch('control/people').catch(() => null);
  if (answer?.ok) state.people = (await answer.json()).people;
  const stream = new EventSource('control/stream');
  stream.onopen = () => {
    liveSince = Date.now() + 500;
    connection.dataset.state = 'live';
    connection.textContent = 'Live';
    redraw();
  };
  stream.onerror = () => {
    connection.dataset.state = 'waiting';
    connection.textContent = 'Connecting again …';
  };
  stream.onmessage = ({ data }) => {
    const { item } = JSON.parse(data);
    if (!shown.has(item.type)) return;
    announce(item);
    state.seen.set(item.id, true);
    items.set(item.id, item);
    if (items.size > MAX_ITEMS) items.delete(items.keys().next().value);
    redraw();
  };
}

void connect();
