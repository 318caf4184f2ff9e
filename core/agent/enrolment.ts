import type { HostId } from '../id.ts';

/** Body of `POST /agent/v1/enrol`: the one-time token and who asks. */
export interface EnrolmentRequest {
  readonly token: string;
  readonly agentVersion: string;
  readonly hostname: string;
}

/** Its answer (201), once: all an agent needs to live. `hostKey` is the bearer token of every later `/agent/v1` call. */
export interface Enrolment {
  readonly hostId: HostId;
  readonly hostKey: string;
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  /** Base64 of the 32-byte payload key (wire/payload-key.ts). */
  readonly payloadKey: string;
  /** Task-queue prefix, '' in production. */
  readonly queuePrefix: string;
}
