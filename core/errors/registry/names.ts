import type { ErrorSpec } from '../error-spec.ts';

/** Errors of names that nothing of their kind has; `near`: those that may have been meant, '' when there are none. */
export const nameErrors = {
  host_unknown: {
    class: 'input',
    http: 404,
    message: 'There is no host {host}',
    hint: 'Did you mean {near}? `holdfast host ls` lists the hosts.',
    messageZh: '不存在主机 {host}',
    hintZh: '是否指 {near}?`holdfast host ls` 可查看主机列表。',
    hintWhen: {
      param: 'near',
      is: '',
      hint: 'List the hosts with `holdfast host ls`.',
      hintZh: '请用 `holdfast host ls` 查看主机列表。',
    },
  },
  resource_unknown: {
    class: 'input',
    http: 404,
    message: 'There is no resource {resource}',
    hint: 'Did you mean {near}? `holdfast resource ls` lists the resources, `holdfast resource discover` finds new ones.',
    messageZh: '不存在资源 {resource}',
    hintZh: '是否指 {near}?`holdfast resource ls` 可查看资源,`holdfast resource discover` 可发现新资源。',
    hintWhen: {
      param: 'near',
      is: '',
      hint: 'List the resources with `holdfast resource ls`, find new ones with `holdfast resource discover`.',
      hintZh: '请用 `holdfast resource ls` 查看资源,或用 `holdfast resource discover` 发现新资源。',
    },
  },
  pool_not_found: {
    class: 'input',
    http: 404,
    message: 'There is no pool {pool}',
    hint: 'Did you mean {near}? `holdfast pool ls` lists the pools.',
    messageZh: '不存在存储池 {pool}',
    hintZh: '是否指 {near}?`holdfast pool ls` 可查看存储池列表。',
    hintWhen: {
      param: 'near',
      is: '',
      hint: 'List the pools with `holdfast pool ls`.',
      hintZh: '请用 `holdfast pool ls` 查看存储池列表。',
    },
  },
  job_unknown: {
    class: 'input',
    http: 404,
    message: 'There is no job {job}',
    hint: 'Did you mean {near}? `holdfast job ls` lists jobs; each run names its job.',
    messageZh: '不存在作业 {job}',
    hintZh: '是否指 {near}?`holdfast job ls` 可列出作业;每个运行都标明其作业。',
    hintWhen: {
      param: 'near',
      is: '',
      hint: '`holdfast job ls` lists jobs; each run names its job.',
      hintZh: '`holdfast job ls` 可列出作业;每个运行都标明其作业。',
    },
  },
} as const satisfies Record<string, ErrorSpec>;
