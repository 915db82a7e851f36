/** Characters (code points) of a summary; PagerDuty's limit. */
export const MAX_SUMMARY = 1024;
/** Characters of a dedup key; PagerDuty's limit. */
export const MAX_DEDUP_KEY = 255;
/** Characters of source, component, group, class, client and link texts; longer ones are cut. */
export const MAX_TEXT = 1024;
/** Characters of a URL; links and images with longer ones are dropped. */
export const MAX_URL = 2048;
/** Links, and images, of one event; the rest is dropped. */
export const MAX_LINKS = 20;
/** Characters of an integration key, as the Events API has it. */
export const KEY_LENGTH = 32;
/**
 * Bytes of one event as JSON: below the 256 KB at which Temporal warns. Custom details are cut to fit, and
 * links and images are dropped when that is not enough.
 */
export const MAX_EVENT_BYTES = 200_000;
/** Alerts of one Alertmanager post; a post with more is refused. */
export const MAX_ALERTS_PER_POST = 1000;
/** Errors named in one answer. */
export const MAX_PROBLEMS = 20;
