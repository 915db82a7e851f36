import { z } from 'zod';

const ID_MAX = 64;

/** An id as it stands in paths and references. */
export const idSchema = z.string().min(1).max(ID_MAX);
export const idParams = z.object({ id: idSchema });
/** A reference in a body; only its id counts, `type` is looked at where kinds differ. */
export const referenceInput = z.object({ id: idSchema, type: z.string().max(100).optional() });
/** A name: one line, 1 to 100 characters. */
export const nameSchema = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .regex(/^\P{Cc}*$/u, 'must be one line without control characters');
export const descriptionSchema = z.string().max(1024).nullish();
/** An IANA time zone name. */
export const timeZoneSchema = z.string().max(64).refine(isTimeZone, 'is not a known time zone');
/** `time_zone`, in which the mount shows the instants of an answer; UTC without it. */
export const timeZoneParam = timeZoneSchema.optional();
/** An ISO 8601 instant with an offset; kept in UTC. */
export const instantSchema = z.iso
  .datetime({ offset: true, message: 'must be an ISO 8601 date and time with an offset' })
  .transform((text) => new Date(text).toISOString());
export const includeParam = z.array(z.string().max(50)).max(20).optional();

/** A reference in an answer. */
export const referenceSchema = z.looseObject({
  id: z.string(),
  type: z.string(),
  summary: z.string().nullable(),
  self: z.string().nullable(),
  html_url: z.string().nullable(),
});

/** An object of the api as answered: a reference's fields and its own. */
export function resourceSchema<S extends z.ZodRawShape>(shape: S) {
  return referenceSchema.extend(shape);
}

/** `{"user": …}` */
export function wrapped(name: string, schema: z.ZodType) {
  return z.object({ [name]: schema });
}

/** `{"users": […], "limit", "offset", "more", "total"}` */
export function pageSchema(name: string, schema: z.ZodType) {
  return z.object({
    [name]: z.array(schema),
    limit: z.int(),
    offset: z.int(),
    more: z.boolean(),
    total: z.int().nullable(),
  });
}

/** One answer in a route's list of responses. */
export function ok(description: string, schema?: z.ZodType) {
  return schema ? { description, schema } : { description };
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
