import { z } from 'zod';
import { field } from './field.ts';

/** Shared by worker and agent, which nobody can ask over HTTP. */
export const readyFields = {
  readyFile: field(z.string().startsWith('/', 'an absolute path').optional(), {
    title: 'Ready file',
    description:
      'An empty file that is there while the worker or agent serves its queues and gone while Temporal is away: for health checks',
    example: '/run/holdfast/ready',
    since: '0.1',
  }),
};
