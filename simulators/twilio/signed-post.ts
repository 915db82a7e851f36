import twilio from 'twilio';

/** What a webhook answered; status 0 when nothing came, and then why. */
export interface WebhookAnswer {
  readonly status: number;
  readonly body: string;
  readonly attempts: number;
  readonly problem: string | null;
}

interface Policy {
  readonly retries: number;
  readonly on: ReadonlySet<string>;
  readonly timeoutMs: number;
}

const MAX_BODY = 65_536;

/**
 * Posts a form as Twilio does: signed, no redirects, 15 s in all, one retry when the connection fails.
 * A fragment `#rc=0..5&rp=4xx,5xx,ct,rt,all` on the URL changes the retries; it is not sent or signed.
 */
export async function postSigned(
  authToken: string,
  target: string,
  parameters: Readonly<Record<string, string>>,
): Promise<WebhookAnswer> {
  const [url = '', fragment = ''] = target.split('#');
  const policy = policyOf(fragment);
  const headers = {
    'User-Agent': 'TwilioProxy/1.1',
    'X-Twilio-Signature': twilio.getExpectedTwilioSignature(authToken, url, { ...parameters }),
  };
  let answer: WebhookAnswer = { status: 0, body: '', attempts: 0, problem: 'never tried' };
  for (let attempt = 1; attempt <= 1 + policy.retries; attempt += 1) {
    answer = await post(url, headers, parameters, { attempt, policy });
    if (!retried(answer.status, policy)) break;
  }
  return answer;
}

function policyOf(fragment: string): Policy {
  const values = new URLSearchParams(fragment);
  const retries = Number(values.get('rc') ?? 1);
  return {
    retries: Number.isInteger(retries) ? Math.min(5, Math.max(0, retries)) : 1,
    on: new Set((values.get('rp') ?? 'ct').split(',')),
    timeoutMs: 15_000,
  };
}

function retried(status: number, policy: Policy): boolean {
  if (policy.on.has('all')) return status === 0 || status >= 400;
  if (status === 0) return policy.on.has('ct') || policy.on.has('rt');
  return (
    (status >= 500 && policy.on.has('5xx')) ||
    (status >= 400 && status < 500 && policy.on.has('4xx'))
  );
}

async function post(
  url: string,
  headers: Record<string, string>,
  parameters: Readonly<Record<string, string>>,
  { attempt, policy }: { attempt: number; policy: Policy },
): Promise<WebhookAnswer> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body: new URLSearchParams({ ...parameters }),
      redirect: 'manual',
      signal: AbortSignal.timeout(policy.timeoutMs),
    });
    const body = (await response.text()).slice(0, MAX_BODY);
    return { status: response.status, body, attempts: attempt, problem: null };
  } catch (error) {
    const problem = error instanceof Error ? error.message : 'failed';
    return { status: 0, body: '', attempts: attempt, problem };
  }
}
