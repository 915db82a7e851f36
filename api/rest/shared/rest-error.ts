/**
 * An error that the REST api answers in PagerDuty's form: `{"error":{"message","code","errors":[]}}`.
 * Whatever else a handler throws is a 500.
 */
export class RestError extends Error {
  override readonly name = 'RestError';
  readonly status: number;
  /** PagerDuty's code: 1001 resolved already, 2001 invalid input, 2010 denied, 2100 and 5001 not found. */
  readonly code: number;
  /** What is wrong, one sentence a field. */
  readonly errors: readonly string[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: number,
    message: string,
    more: {
      readonly errors?: readonly string[];
      readonly headers?: Readonly<Record<string, string>>;
    } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.errors = more.errors ?? [];
    this.headers = more.headers ?? {};
  }
}

/** 400 with PagerDuty's words for it; `errors` names what is wrong. */
export function invalidInput(...errors: readonly string[]): RestError {
  return new RestError(400, 2001, 'Invalid Input Provided', { errors });
}

/** 404 for configuration; incidents have their own code, 5001. */
export function notFound(): RestError {
  return new RestError(404, 2100, 'Not Found');
}

/** 403 with the reason; for what a handler decides, the mount answers the rest. */
export function accessDenied(reason: string): RestError {
  return new RestError(403, 2010, 'Access Denied', { errors: [reason] });
}
