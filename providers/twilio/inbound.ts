import twilio from 'twilio';

import type { Config } from '../../platform/config.ts';

/** Where Twilio calls back, below PUBLIC_URL. */
export const TWILIO_PATH = '/inbound/twilio';

/** Fields of a form; a repeated one as a list. */
export type Form = Readonly<Record<string, string | string[]>>;

/**
 * Whether Twilio signed this form for this URL, with the token of one of the configured accounts.
 * False when no account is configured, or the form is of another account.
 */
export function isSignedByTwilio(
  config: Pick<Config, 'PROVIDERS'>,
  { signature, url, form }: { signature: string; url: string; form: Form },
): boolean {
  if (signature === '') return false;
  return config.PROVIDERS.some(
    (item) =>
      item.kind === 'twilio' &&
      item.accountSid === form['AccountSid'] &&
      twilio.validateRequest(item.authToken, signature, url, form),
  );
}

/** TwiML that answers a text message; null answers nothing. */
export function messagingTwiml(text: string | null): string {
  const response = new twilio.twiml.MessagingResponse();
  if (text !== null) response.message(text);
  return response.toString();
}

/** TwiML that says something and hangs up. */
export function goodbyeTwiml(text: string): string {
  const response = new twilio.twiml.VoiceResponse();
  response.say(text);
  response.hangup();
  return response.toString();
}

/** TwiML that says something twice, and posts the first key that is pressed to `action`. */
export function listeningTwiml(text: string, action: string, goodbye: string): string {
  const response = new twilio.twiml.VoiceResponse();
  for (let time = 0; time < 2; time += 1)
    response
      .gather({ input: ['dtmf'], numDigits: 1, timeout: 10, action, method: 'POST' })
      .say(text);
  response.say(goodbye);
  response.hangup();
  return response.toString();
}
