import { el, time } from './element.mjs';

/** One mail; its HTML is shown in a frame that runs nothing, and its links open in a new tab. */
export function drawMail(mail, { act }) {
  const out = mail.direction === 'out';
  return el(
    'details',
    { className: 'mail', open: !out },
    el(
      'summary',
      {},
      el('strong', {}, mail.subject || '(no subject)'),
      el('span', { className: 'soft' }, `${out ? 'sent by you' : mail.from} · ${time(mail.at)}`),
    ),
    el(
      'div',
      { className: 'content' },
      mail.problem &&
        el('p', { className: 'problem', role: 'alert' }, `Not taken: ${mail.problem}`),
      mail.html ? frame(mail) : el('pre', {}, mail.text),
      !out && replyBox(mail, act),
    ),
  );
}

function frame(mail) {
  const policy =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'";
  return el('iframe', {
    title: `Mail: ${mail.subject}`,
    sandbox: 'allow-popups allow-popups-to-escape-sandbox',
    referrerPolicy: 'no-referrer',
    srcdoc: `<meta http-equiv="Content-Security-Policy" content="${policy}"><base target="_blank"><style>body{margin:16px;overflow-wrap:anywhere}</style>${mail.html}`,
  });
}

function replyBox(mail, act) {
  const input = el('input', {
    autocomplete: 'off',
    placeholder: 'Reply, like ack or resolve',
    ariaLabel: `Reply to ${mail.subject}`,
  });
  const send = async (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (text && (await act(`mails/${mail.id}/reply`, { text }))) input.value = '';
  };
  return el('form', { onsubmit: send }, input, el('button', { className: 'primary' }, 'Reply'));
}
