/**
 * What an event says of the thing it speaks of: `problem` wants somebody to act, `warning` to look, `relief` ends a problem,
 * `news` is none of these.
 */
export type Tone = 'news' | 'relief' | 'warning' | 'problem';

export interface EventTypeSpec {
  readonly tone: Tone;
  /** What happened, as the subject of a message. */
  readonly title: string;
  readonly titleZh: string;
}

/** Every type of event. Names are durable: receivers filter by them. */
export const eventTypes = {
  'run.queued': { tone: 'news', title: 'Run recorded', titleZh: '运行已登记' },
  'run.started': { tone: 'news', title: 'Run started', titleZh: '运行已开始' },
  'run.succeeded': { tone: 'news', title: 'Run succeeded', titleZh: '运行成功' },
  'run.warning': { tone: 'warning', title: 'Run succeeded with warnings', titleZh: '运行成功,但有警告' },
  'run.failed': { tone: 'problem', title: 'Run failed', titleZh: '运行失败' },
  'run.cancelled': { tone: 'news', title: 'Run cancelled', titleZh: '运行已取消' },
  'run.skipped': { tone: 'warning', title: 'Run skipped', titleZh: '运行被跳过' },
  'schedule.missed': { tone: 'problem', title: 'A due run never began', titleZh: '到期的运行未能开始' },
  'lane.mended': { tone: 'warning', title: 'A stuck lane was begun anew', titleZh: '卡住的作业通道已重新开始' },
  'log.gap_detected': { tone: 'problem', title: 'Log is missing', titleZh: '日志缺失' },
  'log.gap_closed': { tone: 'relief', title: 'Log is complete again', titleZh: '日志已恢复连续' },
  'set.quarantined': { tone: 'warning', title: 'Backup set put into quarantine', titleZh: '备份集已隔离' },
  'set.damaged': { tone: 'problem', title: 'Backup set is damaged', titleZh: '备份集已损坏' },
  'resource.login_required': { tone: 'problem', title: 'Login required', titleZh: '需要重新登录' },
  'resource.logged_in': { tone: 'relief', title: 'Login works again', titleZh: '登录已恢复' },
  'slot.left': { tone: 'problem', title: 'A replication slot keeps log', titleZh: '复制槽正在保留日志' },
  'slot.gone': { tone: 'relief', title: 'A replication slot keeps no log any more', titleZh: '复制槽不再保留日志' },
  'host.offline': { tone: 'problem', title: 'Host is offline', titleZh: '主机离线' },
  'host.online': { tone: 'relief', title: 'Host is online again', titleZh: '主机恢复在线' },
  'rpo.breached': { tone: 'problem', title: 'RPO target is breached', titleZh: '未达到 RPO 目标' },
  'rpo.recovered': { tone: 'relief', title: 'RPO target is kept again', titleZh: '已恢复 RPO 目标' },
  'rto.breached': { tone: 'problem', title: 'RTO target is breached', titleZh: '未达到 RTO 目标' },
  'rto.recovered': { tone: 'relief', title: 'RTO target is kept again', titleZh: '已恢复 RTO 目标' },
  'drill.passed': { tone: 'news', title: 'Drill passed', titleZh: '演练通过' },
  'drill.failed': { tone: 'problem', title: 'Drill failed', titleZh: '演练失败' },
  'drill.stale': { tone: 'problem', title: 'Last passed drill is too old', titleZh: '最近一次通过的演练已过期' },
  'drill.fresh': { tone: 'relief', title: 'A fresh drill has passed', titleZh: '已有新的演练通过' },
  'channel.disabled': { tone: 'problem', title: 'Channel was disabled', titleZh: '通知渠道已停用' },
  'channel.test': { tone: 'news', title: 'Test of a channel', titleZh: '通知渠道测试' },
} as const satisfies Record<string, EventTypeSpec>;

export type EventType = keyof typeof eventTypes;

export const eventTypeNames = Object.keys(eventTypes) as readonly EventType[];
export const isEventType = (text: string): text is EventType => Object.hasOwn(eventTypes, text);

/** Everything that wants somebody to look, and the ends of it: what a person subscribes to. */
export const problemsPattern = 'problems';

/** What a channel may ask for: `*`, `problems`, a group as `run.*`, or one type. */
export const isEventPattern = (text: string): boolean =>
  text === '*' ||
  text === problemsPattern ||
  isEventType(text) ||
  eventTypeNames.some((type) => `${groupOf(type)}.*` === text);

const groupOf = (type: EventType): string => type.slice(0, type.indexOf('.'));

/** Whether one of the patterns of a channel asks for a type. A test goes to the channel that is tested only. */
export const asksFor = (patterns: readonly string[], type: EventType): boolean =>
  type !== 'channel.test' &&
  patterns.some(
    (pattern) =>
      pattern === '*' ||
      pattern === type ||
      pattern === `${groupOf(type)}.*` ||
      (pattern === problemsPattern && eventTypes[type].tone !== 'news'),
  );
