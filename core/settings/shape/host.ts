import { z } from 'zod';
import type {
  AgentReport,
  DiscoveredInstance,
  Finding,
  PreflightReport,
  ScratchFound,
} from '../../agent/inspection.ts';
import type { Enrolment, EnrolmentRequest } from '../../agent/enrolment.ts';
import { countShape, idShape, lsnShape, pathShape } from './words.ts';

/** What agents tell about their host. Fields of newer agents are kept. */
export const discoveredInstanceShape: z.ZodType<DiscoveredInstance> = z.looseObject({
  engine: z.string().max(40),
  dataDirectory: pathShape,
  port: z.number().int().min(0).max(65535),
  socket: z.string().max(500),
  serverMajor: countShape,
  systemId: z.string().regex(/^\d{1,20}$/),
  isRunning: z.boolean(),
});

export const agentReportShape: z.ZodType<AgentReport> = z.looseObject({
  agentVersion: z
    .string()
    .regex(/^\d+\.\d+\.\d+/)
    .max(40),
  hostname: z.string().min(1).max(253),
  disks: z.array(z.looseObject({ path: z.string(), freeBytes: countShape, totalBytes: countShape })).max(1000),
  instances: z.array(discoveredInstanceShape).max(1000),
});

export const findingShape: z.ZodType<Finding> = z.looseObject({
  check: z.string(),
  verdict: z.enum(['ok', 'warn', 'fail']),
  detail: z.string(),
  hint: z.string(),
});

export const scratchFoundShape: z.ZodType<ScratchFound> = z.looseObject({
  root: pathShape,
  findings: z.array(findingShape),
});

export const preflightShape: z.ZodType<PreflightReport> = z.looseObject({
  serverVersion: countShape,
  systemId: z.string(),
  timeline: countShape,
  hasChecksums: z.boolean(),
  role: z.enum(['primary', 'standby']),
  walLevel: z.string(),
  archiveMode: z.string(),
  archiveDirectory: z.string().exactOptional(),
  segmentBytes: countShape,
  insertLsn: lsnShape,
  findings: z.array(findingShape),
});

export const enrolmentRequestShape: z.ZodType<EnrolmentRequest> = z.object({
  token: z.string().min(1).max(200),
  hostname: z.string().min(1).max(253),
  agentVersion: z
    .string()
    .regex(/^\d+\.\d+\.\d+/)
    .max(40),
});

export const enrolmentShape: z.ZodType<Enrolment> = z.looseObject({
  hostId: idShape('host'),
  hostKey: z.string(),
  temporalAddress: z.string(),
  temporalNamespace: z.string(),
  queuePrefix: z.string(),
  payloadKey: z.string(),
});
