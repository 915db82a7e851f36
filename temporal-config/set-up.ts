import type { Connection } from '@temporalio/client';

import { GRPC, hasGrpcCode } from './grpc.ts';
import { SEARCH_ATTRIBUTES } from './names.ts';

type SetUpConnection = Pick<Connection, 'operatorService' | 'workflowService'>;

const NOT_ALLOWED = [GRPC.permissionDenied, GRPC.unimplemented, GRPC.unauthenticated];
const KEYWORD = 2;
const KEYWORD_LIST = 7;
const RETENTION_DAYS = 30;

/** Type of each custom search attribute, by name. */
const types: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(SEARCH_ATTRIBUTES).map(([key, name]) => [
    name,
    key === 'assignees' ? KEYWORD_LIST : KEYWORD,
  ]),
);

/**
 * Makes the namespace, where that is allowed, and registers the search attributes; both only where missing.
 * Temporal Cloud allows neither by this way: see temporal-config/README.md for its commands.
 * @throws Error that names the attributes that are missing and could not be added.
 */
export async function setUpNamespace(
  connection: SetUpConnection,
  namespace: string,
): Promise<void> {
  await makeNamespace(connection, namespace);
  const missing = await missingAttributes(connection, namespace);
  if (missing.length === 0) return;
  try {
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, types[name] ?? KEYWORD])),
    });
  } catch (error) {
    // Another process may just have done the same.
    if (hasGrpcCode(error, GRPC.alreadyExists)) return;
    throw new Error(
      `The search attributes ${missing.join(', ')} are missing in namespace ${namespace} and could not be added.`,
      { cause: error },
    );
  }
}

async function makeNamespace(
  { workflowService }: SetUpConnection,
  namespace: string,
): Promise<void> {
  try {
    await workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: { seconds: (RETENTION_DAYS * 86_400) as never },
    });
  } catch (error) {
    if (hasGrpcCode(error, GRPC.alreadyExists, ...NOT_ALLOWED)) return;
    throw error;
  }
}

async function missingAttributes(
  connection: SetUpConnection,
  namespace: string,
): Promise<readonly string[]> {
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({
      namespace,
    });
    return Object.keys(types).filter((name) => customAttributes[name] === undefined);
  } catch (error) {
    // Temporal Cloud: nothing can be listed; a missing attribute shows at the first start of a workflow.
    if (hasGrpcCode(error, ...NOT_ALLOWED)) return [];
    throw error;
  }
}
