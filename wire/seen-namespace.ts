import type { Client } from '@temporalio/client';
import { isGrpcServiceError } from '@temporalio/client';

/** The namespace of a client as its server describes it; undefined when there is none of that name. */
export async function seenNamespace({
  options: { namespace },
  workflowService,
}: Client): Promise<{ readonly namespace: string; readonly id: string } | undefined> {
  try {
    const { namespaceInfo } = await workflowService.describeNamespace({ namespace });
    return { namespace, id: namespaceInfo?.id ?? '' };
  } catch (cause) {
    if (isGrpcServiceError(cause) && isNotFound(cause.code)) return undefined;
    throw cause;
  }
}

/** Status codes of gRPC: NOT_FOUND. */
const isNotFound = (code: number): boolean => code === 5;
