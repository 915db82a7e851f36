// Grafana, CloudWatch and mails become events that trigger and resolve one and the same alert, and no text from
// outside is lost or makes the readers fail.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { normaliseAlertmanager } from './alertmanager.ts';
import { normaliseCloudWatch } from './cloudwatch.ts';
import { normaliseMail, type AlertMail } from './mail.ts';

const authentication = { spf: 'pass', dkim: 'none', dmarc: 'none' };
const mail = (subject: string, more: Partial<AlertMail> = {}): AlertMail => ({
  ...{ subject, from: 'nagios@mon.test', text: 'body', messageId: '<1@mon.test>', authentication },
  ...more,
});

describe('Grafana', () => {
  it('keeps values and the picture, and says that Grafana sent it', () => {
    const alert = {
      ...{ status: 'firing', fingerprint: 'f1', values: { A: 97 } },
      labels: { alertname: 'Disk', grafana_folder: 'Infra' },
      ...{ annotations: {}, imageURL: 'https://grafana.test/i.png' },
      ...{ panelURL: 'https://grafana.test/p', endsAt: '0001-01-01T00:00:00Z' },
    };
    const result = normaliseAlertmanager({ version: '1', alerts: [alert] }, false, 'Grafana');
    expect(result).toMatchObject({
      ok: true,
      events: [
        {
          ...{ action: 'trigger', dedupKey: 'f1', client: 'Grafana' },
          payload: { source: 'Grafana', group: 'Infra', customDetails: { values: { A: 97 } } },
          images: [{ src: 'https://grafana.test/i.png' }],
          links: [{ href: 'https://grafana.test/p', text: 'Panel' }],
        },
      ],
    });
  });
});

describe('CloudWatch', () => {
  const alarm = (NewStateValue: string) => ({
    Type: 'Notification',
    MessageId: 'm1',
    TopicArn: 'arn:aws:sns:eu-west-1:123456789012:alarms',
    Message: JSON.stringify({
      ...{ AlarmName: 'cpu', AlarmArn: 'arn:aws:cloudwatch:eu-west-1:1:alarm:cpu', NewStateValue },
      ...{ NewStateReason: 'Threshold crossed', Region: 'EU (Ireland)' },
      ...{ StateChangeTime: '2026-11-23T10:00:00.123+0000', Trigger: { MetricName: 'CPU' } },
    }),
  });

  it('triggers on ALARM, resolves on OK, by the alarm’s ARN', () => {
    const [on, off] = ['ALARM', 'OK'].map((state) => normaliseCloudWatch(alarm(state), false));
    const dedupKey = 'arn:aws:cloudwatch:eu-west-1:1:alarm:cpu';
    const payload = { summary: 'cpu: Threshold crossed', timestamp: '2026-11-23T10:00:00.123Z' };
    expect(on).toMatchObject({ events: [{ action: 'trigger', dedupKey, payload }] });
    expect(off).toMatchObject({ events: [{ action: 'resolve', dedupKey, payload: null }] });
  });

  it('changes nothing while data are missing, and says so', () => {
    expect(normaliseCloudWatch(alarm('INSUFFICIENT_DATA'), false)).toEqual({
      ...{ ok: true, events: [], warnings: ['state INSUFFICIENT_DATA changes nothing'] },
    });
  });

  it('takes any other message for an alert of its own', () => {
    const post = { MessageId: 'm2', Subject: 'Budget', Message: 'over the limit' };
    expect(normaliseCloudWatch(post, false)).toMatchObject({
      events: [{ action: 'trigger', dedupKey: 'm2', payload: { summary: 'Budget' } }],
    });
  });

  it('is total', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), (post, message) => {
        normaliseCloudWatch({ ...post, Message: JSON.stringify(message) }, false);
      }),
    );
  });
});

describe('mail', () => {
  it.each([
    ['PROBLEM: db1 is DOWN', 'RECOVERY: db1 is DOWN'],
    ['Problem: Disk full', 'Resolved: Disk full'],
    ['[FIRING:1] Disk full', '[RESOLVED] Disk full'],
    ['Disk full', 'Re: OK - Disk   FULL'],
  ])('%s and %s are one alert', (open, over) => {
    const [first, last] = [normaliseMail(mail(open)), normaliseMail(mail(over))];
    expect([first.action, last.action]).toEqual(['trigger', 'resolve']);
    expect(last.dedupKey).toBe(first.dedupKey);
  });

  it.each(['Okta is down', 'Uptime check failed', 'Upgrade failed', 'Closed-loop pump failed'])(
    '%s is no recovery',
    (subject) => {
      expect(normaliseMail(mail(subject)).action).toBe('trigger');
    },
  );

  it('keeps who sent it and how far that is proven', () => {
    expect(normaliseMail(mail('Disk full')).payload).toMatchObject({
      ...{ source: 'nagios@mon.test', severity: 'critical' },
      customDetails: { from: 'nagios@mon.test', body: 'body', authentication },
    });
  });

  it('two mails without a subject are two alerts', () => {
    const [a, b] = ['<1@x>', '<2@x>'].map((messageId) => normaliseMail(mail('', { messageId })));
    expect(a?.dedupKey).not.toBe(b?.dedupKey);
    expect(a?.payload?.summary).toBe('Mail without a subject');
  });

  it('is total, and never resolves without a key', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (subject) => {
        const event = normaliseMail(mail(subject, { messageId: null }));
        expect(event.action === 'resolve' && event.dedupKey === null).toBe(false);
      }),
    );
  });
});
