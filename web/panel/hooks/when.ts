// What a rule waits for, between a form's fields and the texts that the API has.
import { formatNumber, formatTime } from '../base/format';
import { currentLanguage, t } from '../base/i18n.svelte';
import type { Hook, HookEvent } from './hooks';

export type Kind = 'events' | 'silence' | 'schedule';

export const kindOf = (events: HookEvent[]): Kind => (events.includes('schedule') ? 'schedule' : events.includes('silence') ? 'silence' : 'events');

/** Timing is a schedule as a form has it. */
export interface Timing {
  mode: 'daily' | 'every' | 'once' | 'cron';
  clock: string; // HH:MM of daily
  days: number[]; // of daily: 0 is Sunday; all seven for every day
  count: string; // of every
  unit: 'm' | 'h';
  at: string; // of once: as <input type="datetime-local"> has it
  cron: string;
}

const week = [0, 1, 2, 3, 4, 5, 6];

/** readTiming reads a schedule of the API; what no simple form has is a cron expression. */
export function readTiming(schedule: string): Timing {
  const timing: Timing = { mode: 'daily', clock: '23:00', days: week, count: '15', unit: 'm', at: '', cron: '' };
  if (!schedule) return timing;
  const every = /^every (\d+)([mh])$/.exec(schedule);
  if (every) return { ...timing, mode: 'every', count: every[1]!, unit: every[2] as 'm' | 'h' };
  if (schedule.startsWith('at ')) return { ...timing, mode: 'once', at: schedule.slice(3) };
  const daily = /^(\d{1,2}) (\d{1,2}) \* \* (\*|[0-6](?:,[0-6])*)$/.exec(schedule);
  if (!daily || Number(daily[1]) > 59 || Number(daily[2]) > 23) return { ...timing, mode: 'cron', cron: schedule };
  const clock = daily[2]!.padStart(2, '0') + ':' + daily[1]!.padStart(2, '0');
  return { ...timing, clock, days: daily[3] === '*' ? week : daily[3]!.split(',').map(Number), cron: schedule };
}

/** writeTiming is the way back. */
export function writeTiming(timing: Timing): string {
  switch (timing.mode) {
    case 'every':
      return `every ${timing.count.trim()}${timing.unit}`;
    case 'once':
      return `at ${timing.at}`;
    case 'cron':
      return timing.cron;
    case 'daily': {
      const [hour, minute] = timing.clock.split(':').map(Number);
      const days = [...new Set(timing.days)].sort();
      return `${minute ?? 0} ${hour ?? 0} * * ${days.length === 7 || days.length === 0 ? '*' : days.join(',')}`;
    }
  }
}

/** dayNames are the short names of the days, from Sunday. */
export function dayNames(): string[] {
  const format = new Intl.DateTimeFormat(currentLanguage(), { weekday: 'short', timeZone: 'UTC' });
  return week.map((day) => format.format(new Date(Date.UTC(2023, 0, 1 + day)))); // 1 January 2023 was a Sunday
}

/** timingText words a schedule. */
export function timingText(schedule: string, zone: string): string {
  const timing = readTiming(schedule);
  const at = zone || 'UTC';
  const once = timing.at.replace('T', ' ');
  const days = timing.days.map((day) => dayNames()[day]).join(', ');
  switch (timing.mode) {
    case 'every':
      return timing.unit === 'm' ? t('hooks.every_minutes', { count: timing.count }) : t('hooks.every_hours', { count: timing.count });
    case 'once':
      return t('hooks.at_once', { time: once, zone: at });
    case 'cron':
      return `${schedule} (${at})`;
    case 'daily':
      if (timing.days.length === 7) return t('hooks.at_daily', { clock: timing.clock, zone: at });
      return t('hooks.at_days', { days, clock: timing.clock, zone: at });
  }
}

export type Unit = 's' | 'm' | 'h' | 'd';
export const unitSeconds: Record<Unit, number> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** readSpan splits seconds into a count and the largest unit that leaves no rest. */
export function readSpan(seconds: number): { count: string; unit: Unit } {
  const unit = (['d', 'h', 'm'] as const).find((one) => seconds > 0 && seconds % unitSeconds[one] === 0) ?? (seconds === 0 ? 'm' : 's');
  return { count: String(seconds / unitSeconds[unit]), unit };
}

/** spanText words seconds: "10 min". */
export function spanText(seconds: number): string {
  const { count, unit } = readSpan(seconds);
  switch (unit) {
    case 's':
      return t('hooks.span_s', { count });
    case 'm':
      return t('hooks.span_m', { count });
    case 'h':
      return t('hooks.span_h', { count });
    case 'd':
      return t('hooks.span_d', { count });
  }
}

/** ownZone is the time zone of the browser. */
export const ownZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

export const zones = (): string[] => ['UTC', ...Intl.supportedValuesOf('timeZone')];

/** sources word what a rule waits for, one for each of its events. */
export function sources(hook: Hook): string[] {
  const client = hook.client || '*';
  return hook.events
    .filter((event) => event !== 'back')
    .map((event) => {
      switch (event) {
        case 'message':
          return hook.filter;
        case 'connect':
          return t('hooks.on_connect', { client });
        case 'disconnect':
          return t('hooks.on_disconnect', { client });
        case 'quota':
          return t('hooks.on_quota');
        case 'schedule':
          return timingText(hook.schedule, hook.zone);
        default:
          return t('hooks.on_silence', { filter: hook.filter, time: spanText(hook.silence) });
      }
    });
}

/** firing words when a rule has worked and when it will: "next 23:00 · last … · 12 times". Empty while it is off. */
export function firing(hook: Hook): string[] {
  const { state } = hook;
  if (state.state === 'off') return [];
  const list: string[] = [];
  const next = formatTime(state.next_run, hook.zone || 'UTC');
  if (hook.events.includes('schedule')) {
    list.push(next ? t('hooks.next_run', { time: next }) : t('hooks.never_again'));
  }
  const fired = formatNumber(state.fired);
  if (state.last_fired) list.push(t('hooks.last_fired', { time: formatTime(state.last_fired) }));
  if (state.fired) list.push(t('hooks.fired', { count: fired }));
  return list;
}
