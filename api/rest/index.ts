import type { ApiDeps } from '../deps.ts';
import type { Route } from '../route.ts';

/** Makes one part of the REST api. */
type RoutesOf = (deps: ApiDeps) => readonly Route[];

const PARTS: readonly RoutesOf[] = [];

/** Every operation of the REST api. */
export function createRestRoutes(deps: ApiDeps): readonly Route[] {
  return PARTS.flatMap((part) => part(deps));
}
