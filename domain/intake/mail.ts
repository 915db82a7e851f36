import { cutText, scalarText, shortKey } from './fields.ts';
import { fitEvent } from './fit.ts';
import { MAX_SUMMARY, MAX_TEXT } from './limits.ts';
import type { NormalisedEvent } from './types.ts';

/** A mail as far as an alert is made of it. */
export interface AlertMail {
  readonly subject: string;
  /** The sender's address; empty when the mail names none. */
  readonly from: string;
  readonly text: string;
  readonly messageId: string | null;
  /** What SPF, DKIM and DMARC said: `pass`, `fail`, `none`, `temperror`… */
  readonly authentication: Readonly<Record<'spf' | 'dkim' | 'dmarc', string>>;
}

/** Characters of the text that are kept. */
const MAX_BODY = 20_000;
const OVER =
  /^[[(]?(?:resolved|recovered|recovery|ok|closed|cleared|up)[\])]?(?=$|[\s:!]|-\s)[\s:!-]*/i;
const OPEN =
  /^[[(]?(?:problem|alert|alarm|firing(?::\d+)?|triggered|critical|warning|down)[\])]?(?=$|[\s:!]|-\s)[\s:!-]*/i;
const PREFIX = /^(?:(?:re|fwd?|aw|wg)\s*:\s*)+/i;

/**
 * A mail is a trigger, and its subject says which alert it belongs to. A subject that begins with a word such as
 * RESOLVED, RECOVERY or OK resolves the alert of the same subject with another such word (PROBLEM, FIRING) or
 * none, as Nagios, Zabbix and Grafana write them.
 */
export function normaliseMail(mail: AlertMail): NormalisedEvent {
  const subject = mail.subject.replace(PREFIX, '').trim();
  const isOver = OVER.test(subject);
  const about = subject.replace(isOver ? OVER : OPEN, '').trim() || subject;
  // Without a subject nothing says that two mails belong together.
  const key = about === '' ? mail.messageId : about.toLowerCase().replaceAll(/\s+/g, ' ');
  const resolves = isOver && key !== null;
  return fitEvent({
    action: resolves ? 'resolve' : 'trigger',
    dedupKey: key === null ? null : shortKey(key),
    payload: resolves
      ? null
      : {
          summary: cutText(scalarText(subject) ?? 'Mail without a subject', MAX_SUMMARY),
          source: cutText(scalarText(mail.from) ?? 'unknown sender', MAX_TEXT),
          severity: 'critical',
          timestamp: null,
          component: null,
          group: null,
          class: 'mail',
          customDetails: {
            from: mail.from,
            body: cutText(mail.text, MAX_BODY),
            message_id: mail.messageId,
            authentication: mail.authentication,
          },
        },
    client: null,
    clientUrl: null,
    links: [],
    images: [],
  });
}
