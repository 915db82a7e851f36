import { isGrpcServiceError, ServiceError } from '@temporalio/client';

/** Status codes of gRPC, as far as they are asked for. Source: https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
export const GRPC = {
  cancelled: 1,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** Whether a call to Temporal ended with one of these codes, be it wrapped by the client or not. */
export function hasGrpcCode(error: unknown, ...codes: readonly number[]): boolean {
  if (error instanceof ServiceError) return hasGrpcCode(error.cause, ...codes);
  return isGrpcServiceError(error) && codes.includes(error.code);
}
