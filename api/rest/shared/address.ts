import parsePhoneNumber from 'libphonenumber-js';
import { z } from 'zod';

import type { Channel } from '../../../domain/model.ts';
import { invalidInput } from './rest-error.ts';

const ADDRESS_MAX = 320;
const URL_MAX = 2048;
// ntfy's own rule for topics
const TOPIC = /^[-_A-Za-z0-9]{1,64}$/;
const FIELD = 'contact_method.address';

/**
 * An address as it is kept: lower-case e-mail, E.164 number, ntfy topic or https URL without credentials.
 * Whether a URL leads to a public host is decided right before each delivery, not here.
 * @throws RestError 400
 */
export function normalAddress(
  channel: Channel,
  address: string,
  countryCode: number | undefined,
): string {
  switch (channel) {
    case 'email':
      return emailAddress(address);
    case 'sms':
    case 'voice':
      return phoneNumber(address, countryCode);
    case 'push':
      if (!TOPIC.test(address)) {
        throw invalidInput(`${FIELD}: must be a topic of 1 to 64 letters, digits, - and _`);
      }
      return address;
    case 'webhook':
      return webhookUrl(address);
  }
}

function emailAddress(address: string): string {
  const email = address.trim().toLowerCase();
  if (email.length > ADDRESS_MAX || !z.email().safeParse(email).success) {
    throw invalidInput(`${FIELD}: is not an e-mail address`);
  }
  return email;
}

function phoneNumber(address: string, countryCode: number | undefined): string {
  const text = address.trim().startsWith('+') ? address : `+${countryCode ?? 1}${address}`;
  const phone = parsePhoneNumber(text);
  if (!phone?.isValid()) {
    throw invalidInput(`${FIELD}: is not a phone number of the country with that country_code`);
  }
  return phone.number;
}

function webhookUrl(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : null;
  const plain = url?.protocol === 'https:' && url.username === '' && url.password === '';
  if (!url || !plain || address.length > URL_MAX) {
    throw invalidInput(`${FIELD}: must be an https URL without credentials`);
  }
  url.hash = '';
  return url.href;
}
