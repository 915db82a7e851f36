import type { Request } from 'express';
import type { z } from 'zod';

import type { Permission } from '../domain/permissions.ts';
import type { Requester } from './origin.ts';

type Parsed<T> = T extends z.ZodType ? z.infer<T> : undefined;

/** What a handler answers; no body with 204. */
export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RouteInput<P, Q, B> {
  readonly params: Parsed<P>;
  readonly query: Parsed<Q>;
  readonly body: Parsed<B>;
  /** Who asks; on a `public` route nobody is known and reading it throws. */
  readonly actor: Requester;
  readonly requestId: string;
  readonly traceparent: string | null;
  readonly request: Request;
}

/**
 * One operation of the REST api: express, the OpenAPI description and the authorization tests are all
 * made from it, so none of them can be forgotten.
 */
export interface RouteSpec<
  P extends z.ZodType | undefined,
  Q extends z.ZodType | undefined,
  B extends z.ZodType | undefined,
> {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** OpenAPI form: `/users/{id}`. */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly tag: string;
  readonly permission: Permission | 'public';
  /** Who acts is said elsewhere in the request, so that an account key needs no `From` even for `incidents:write`. */
  readonly fromOptional?: true;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly responses: Readonly<
    Record<number, { readonly description: string; readonly schema?: z.ZodType }>
  >;
  readonly handle: (input: RouteInput<P, Q, B>) => Promise<Answer>;
}

export type Route = Omit<
  RouteSpec<z.ZodType | undefined, z.ZodType | undefined, z.ZodType | undefined>,
  'handle'
> & {
  readonly handle: (input: never) => Promise<Answer>;
};

/** Keeps the types of one route together and forgets them for the list of all. */
export function defineRoute<
  P extends z.ZodType | undefined = undefined,
  Q extends z.ZodType | undefined = undefined,
  B extends z.ZodType | undefined = undefined,
>(spec: RouteSpec<P, Q, B>): Route {
  return spec;
}
