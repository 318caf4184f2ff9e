import type { HostId } from '../id.ts';

/** POST /agent/v1/enrol: a one-time token for a place on the host list (K-007). */
export interface EnrolmentRequest {
  readonly token: string;
  readonly hostname: string;
  readonly agentVersion: string;
}

/** What a host keeps in `host.json` (0600). The host key authenticates every later call as `Authorization: Bearer`. */
export interface Enrolment {
  readonly hostId: HostId;
  /** `hfh_<32 hex>_<secret>` */
  readonly hostKey: string;
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  readonly queuePrefix: string;
  /** Base64 of the 32-byte key of the Temporal payload codec. */
  readonly payloadKey: string;
}
