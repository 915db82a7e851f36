// 3GPP TS 23.038: the default alphabet, and what takes two places in it.
const BASIC = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡' +
    'ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
);
const EXTENDED = new Set('^{}\\[~]|€\f');

/** Places of one part of a long message, and of a message that is one part. */
const SEVEN_BIT = { part: 153, alone: 160 } as const;
const SIXTEEN_BIT = { part: 67, alone: 70 } as const;

/** Parts of a message that people are sent at most: other letters than Latin ones take twice the room. */
const PARTS_MAX = { sevenBit: 2, sixteenBit: 3 } as const;

/** How many parts an SMS with this text has, each of which is paid for and may be lost. */
export function smsParts(text: string): number {
  const septets = septetsOf(text);
  const { part, alone } = septets === null ? SIXTEEN_BIT : SEVEN_BIT;
  const places = septets ?? text.length;
  return places <= alone ? 1 : Math.ceil(places / part);
}

/** Null when the text has a character that the default alphabet lacks. */
function septetsOf(text: string): number | null {
  let septets = 0;
  for (const character of text) {
    if (BASIC.has(character)) septets += 1;
    else if (EXTENDED.has(character)) septets += 2;
    else return null;
  }
  return septets;
}

/** Whether the text is short enough for an SMS of ours: two parts, or three where its letters are not Latin. */
export function fitsSms(text: string): boolean {
  const most = septetsOf(text) === null ? PARTS_MAX.sixteenBit : PARTS_MAX.sevenBit;
  return smsParts(text) <= most;
}
