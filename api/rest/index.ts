import type { ApiDeps } from '../deps.ts';
import type { Route } from '../route.ts';
import { createAbilityRoutes } from './abilities.ts';
import { createAccountRoutes } from './account.ts';
import { createAuditRoutes } from './audit-records.ts';
import { createApiKeyRoutes } from './api-keys.ts';
import { createEscalationPolicyRoutes } from './escalation-policies.ts';
import { createIntegrationRoutes } from './integrations.ts';
import { createOnCallRoutes } from './oncalls.ts';
import { createServiceRoutes } from './services.ts';
import { createVerificationRoutes } from './contact-method-verification.ts';
import { createContactMethodRoutes } from './contact-methods.ts';
import { createIncidentRoutes } from './incidents.ts';
import { createNotificationRuleRoutes } from './notification-rules.ts';
import { createOverrideRoutes } from './schedule-overrides.ts';
import { createScheduleRoutes } from './schedules.ts';
import { createTeamRoutes } from './teams.ts';
import { createUserRoutes } from './users.ts';

/** Makes one part of the REST api. */
type RoutesOf = (deps: ApiDeps) => readonly Route[];

const PARTS: readonly RoutesOf[] = [
  createUserRoutes,
  createContactMethodRoutes,
  createVerificationRoutes,
  createNotificationRuleRoutes,
  createTeamRoutes,
  createScheduleRoutes,
  createOverrideRoutes,
  createAbilityRoutes,
  createAccountRoutes,
  createApiKeyRoutes,
  createAuditRoutes,
  createEscalationPolicyRoutes,
  createIntegrationRoutes,
  createOnCallRoutes,
  createServiceRoutes,
  createIncidentRoutes,
];

/** Every operation of the REST api. */
export function createRestRoutes(deps: ApiDeps): readonly Route[] {
  return PARTS.flatMap((part) => part(deps));
}
