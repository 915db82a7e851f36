/* global document */
import { el, keep, time } from './element.mjs';
import { drawMail } from './mail.mjs';

const KEYS = [
  ['4', 'acknowledge'],
  ['6', 'resolve'],
  ['5', 'escalate'],
  ['*', 'repeat'],
];
const CALL_STATES = {
  queued: 'Calling …',
  ringing: 'Incoming call',
  'in-progress': 'On the line',
  completed: 'Call ended',
  busy: 'Declined',
  'no-answer': 'Missed call',
  failed: 'Call failed',
};
const KEPT_CALLS = 2;
const KEPT_PUSHES = 3;

/** Draws everybody; what looks the same as before is left untouched. */
export function draw(people, state, actions) {
  const main = document.querySelector('#people');
  const active = people.filter(({ items }) => items.length > 0);
  document.querySelector('#empty').hidden = active.length > 0;
  drawTabs(people, state, actions);
  const visible = people.length > 3 && state.selected ? state.selected : null;
  for (const person of people) {
    const section = keep(main, `person-${person.name}`, () => drawPerson(person));
    section.hidden =
      visible !== null
        ? person.name !== visible
        : people.length > 3 && active.length > 0 && person.items.length === 0;
    drawPhone(section.querySelector('.screen'), person, actions);
    drawMailbox(section.querySelector('.mailbox'), person, actions);
  }
}

function drawTabs(people, state, { select }) {
  const tabs = document.querySelector('#tabs');
  tabs.hidden = people.length < 4;
  if (tabs.hidden) return;
  const all = [{ name: null, label: 'Everybody', ringing: 0 }].concat(
    people.map(({ name, items }) => ({
      name,
      label: name,
      ringing: items.filter(({ type, status }) => type === 'call' && status === 'ringing').length,
    })),
  );
  for (const { name, label, ringing } of all) {
    const tab = keep(tabs, `tab-${label}`, () =>
      el('button', { type: 'button', onclick: () => select(name) }, label),
    );
    tab.setAttribute('aria-pressed', String(state.selected === name));
    tab.querySelector('.badge')?.remove();
    if (ringing > 0)
      tab.append(
        el('span', { className: 'badge' }, '☎', el('span', { className: 'hidden' }, ' ringing')),
      );
  }
}

function drawPerson({ name }) {
  const isNumber = name.startsWith('+');
  return el(
    'section',
    { className: 'person', ariaLabel: name },
    el(
      'h2',
      {},
      el('span', { className: 'face', ariaHidden: 'true' }, isNumber ? '☎' : name[0]),
      name,
    ),
    el(
      'div',
      { className: 'phone' },
      el('div', { className: 'screen', role: 'group', ariaLabel: `Phone of ${name}`, tabIndex: 0 }),
    ),
    el('section', { className: 'mailbox', ariaLabel: `Mailbox of ${name}` }),
  );
}

function drawPhone(screen, person, actions) {
  const of = (type) => person.items.filter((item) => item.type === type);
  const numbers = [...person.addresses].filter((address) => address.startsWith('+'));
  keep(screen, 'bar', () =>
    el('div', { className: 'bar' }, el('span', {}, 'Phone'), el('span', { className: 'number' })),
  );
  screen.querySelector('.number').textContent = numbers.join(', ');
  const calls = keep(screen, 'calls', () => el('div', { className: 'thread' }));
  sync(calls, of('call').slice(-KEPT_CALLS), (call) => drawCall(call, actions));
  const pushes = keep(screen, 'pushes', () => el('div', { className: 'thread' }));
  sync(pushes, of('push').slice(-KEPT_PUSHES), (push) => drawPush(push, actions));
  const thread = keep(screen, 'texts', () =>
    el('ol', { className: 'thread', ariaLabel: 'Text messages' }),
  );
  const grew = sync(thread, of('sms').slice(-100), drawText);
  const number = numbers[0] ?? null;
  if (number !== null) keep(screen, 'write', () => drawWriter(number, actions));
  if (person.items.every(({ type }) => type === 'mail'))
    keep(screen, 'quiet', () =>
      el('p', { className: 'quiet' }, 'Nothing has arrived on this phone.'),
    );
  else screen.querySelector('.quiet')?.remove();
  // A call that waits for an answer must not scroll away under new texts.
  const talking = of('call').some(({ status }) => status === 'ringing' || status === 'in-progress');
  if (grew || talking) screen.scrollTop = talking ? 0 : screen.scrollHeight;
}

/** Replaces the parts that changed. @returns whether there is a new one. */
function sync(parent, items, make) {
  const wanted = new Set(items.map(({ id }) => id));
  for (const child of [...parent.children]) if (!wanted.has(child.dataset.id)) child.remove();
  let grew = false;
  for (const item of items) {
    const version = JSON.stringify(item);
    const old = [...parent.children].find((child) => child.dataset.id === item.id);
    if (old?.version === version) continue;
    const hadFocus = old?.contains(document.activeElement)
      ? document.activeElement.textContent
      : null;
    const fresh = make(item);
    fresh.dataset.id = item.id;
    fresh.version = version;
    if (old) old.replaceWith(fresh);
    else parent.append(fresh);
    if (hadFocus !== null) refocus(fresh, hadFocus);
    grew ||= !old;
  }
  return grew;
}

function refocus(element, label) {
  const buttons = [...element.querySelectorAll('button')];
  (buttons.find(({ textContent }) => textContent === label) ?? buttons[0])?.focus();
}

function drawText(sms) {
  return el(
    'li',
    { className: `bubble ${sms.direction}` },
    sms.text,
    el(
      'time',
      { dateTime: sms.at },
      `${time(sms.at)} · ${sms.direction === 'out' ? 'you' : sms.number}`,
    ),
    sms.problem && el('span', { role: 'alert' }, `Not taken: ${sms.problem}`),
  );
}

function drawCall(call, { act }) {
  const move = (body) => () => void act(`calls/${call.id}`, body);
  const button = (className, label, body) =>
    el('button', { type: 'button', className, onclick: move(body) }, label);
  return el(
    'article',
    { className: `call ${call.status}` },
    el('h3', {}, CALL_STATES[call.status]),
    el('p', { className: 'soft' }, `${call.number} · ${time(call.at)}`),
    call.spoken.length > 0 && el('blockquote', { className: 'spoken' }, call.spoken.at(-1)),
    call.problem && el('p', {}, call.problem),
    call.status === 'ringing' &&
      el(
        'div',
        { className: 'row' },
        button('go', 'Answer', { do: 'answer' }),
        button('stop', 'Decline', { do: 'hang_up' }),
      ),
    call.status === 'in-progress' && [
      el(
        'div',
        { className: 'keys', role: 'group', ariaLabel: 'Keys' },
        KEYS.map(([key, meaning]) =>
          el(
            'button',
            {
              type: 'button',
              onclick: move({ do: 'press', keys: key }),
              ariaLabel: `${key} ${meaning}`,
            },
            key,
            el('small', {}, meaning),
          ),
        ),
      ),
      button('stop', 'Hang up', { do: 'hang_up' }),
    ],
  );
}

function drawPush(push, { act }) {
  return el(
    'article',
    { className: `push${push.priority > 3 ? ' urgent' : ''}` },
    el('p', { className: 'soft' }, `Notification · ${time(push.at)}`),
    el('h3', {}, push.title),
    el('p', {}, push.text),
    el(
      'div',
      { className: 'row' },
      push.actions.map(({ label }) =>
        el(
          'button',
          { type: 'button', onclick: () => void act(`pushes/${push.id}/press`, { label }) },
          label,
        ),
      ),
    ),
    push.pressed
      .slice(-1)
      .map((pressed) => el('p', { className: 'soft', role: 'status' }, answerOf(pressed))),
  );
}

function answerOf({ label, status, answer }) {
  if (status === 0) return `${label}: no answer from PD Lite.`;
  try {
    return `${label}: ${JSON.parse(answer).text}`;
  } catch {
    return `${label}: answered ${status}.`;
  }
}

function drawWriter(number, { act }) {
  const input = el('input', {
    name: 'text',
    maxLength: 1600,
    autocomplete: 'off',
    placeholder: 'Text message, like 4',
    ariaLabel: `Text message from ${number}`,
  });
  const send = async (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (text && (await act('sms', { from: number, text }))) input.value = '';
  };
  return el(
    'form',
    { className: 'write', onsubmit: send },
    input,
    el('button', { className: 'primary' }, 'Send'),
  );
}

function drawMailbox(box, person, actions) {
  const address = [...person.addresses].find((candidate) => candidate.includes('@')) ?? '';
  keep(box, 'title', () => el('h3', {}, 'Mailbox', el('span', { className: 'soft' })));
  box.querySelector('h3 .soft').textContent = address;
  const mails = person.items.filter(({ type }) => type === 'mail');
  const list = keep(box, 'mails', () => el('div', {}));
  for (const mail of mails) {
    if ([...list.children].some((child) => child.dataset.id === mail.id)) continue;
    const drawn = drawMail(mail, actions);
    drawn.dataset.id = mail.id;
    list.prepend(drawn);
  }
  if (mails.length === 0) keep(box, 'none', () => el('p', { className: 'quiet' }, 'No mail yet.'));
  else box.querySelector('.quiet')?.remove();
}
