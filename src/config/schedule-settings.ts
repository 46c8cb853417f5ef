import { parseCrontab } from '../shared/crontab.ts';
import { durationBetween } from './parse-duration.ts';
import { parseListenAddress } from './parse-listen-address.ts';
import { parseTimeZone } from './parse-time-zone.ts';
import { optional, withDefault } from './setting.ts';

/** When a worker that stays up runs, and where it tells how it is. */
export const scheduleSettings = {
  cron: withDefault({
    env: ['SYNC_CRON'],
    flag: '--cron',
    placeholder: 'CRONTAB',
    parse: parseCrontab,
    default: '30 2 * * *',
    commands: ['schedule'],
    description:
      'When a sync starts: minute, hour, day of the month, month, weekday, as in a crontab, or `@daily` and its like. Several lines are several schedules.',
    allows:
      'lines of five fields of numbers, names, ranges, steps and lists; @hourly, @daily, @weekly, @monthly, @yearly',
    example: '0 3 * * mon-fri',
  }),
  timezone: withDefault({
    env: ['SYNC_TIMEZONE'],
    flag: '--timezone',
    placeholder: 'ZONE',
    parse: parseTimeZone,
    default: 'UTC',
    commands: ['schedule'],
    description: 'Time zone of the schedule. Windows are UTC days in any zone.',
    allows: 'the IANA name of a time zone',
    example: 'Europe/Berlin',
  }),
  jitterMs: withDefault({
    env: ['SYNC_JITTER'],
    flag: '--jitter',
    placeholder: 'DURATION',
    parse: durationBetween('0s', '6h'),
    default: '0s',
    commands: ['schedule'],
    description:
      'Each start waits for a random time below this, so that many workers do not ask at the same moment.',
    allows: 'a duration up to 6h',
    example: '10m',
  }),
  listen: optional({
    env: ['SYNC_LISTEN'],
    flag: '--listen',
    placeholder: 'HOST:PORT',
    parse: parseListenAddress,
    commands: ['schedule'],
    description:
      'Address that answers /healthz, /readyz and /metrics over HTTP, to anyone who reaches it. Not set: none.',
    allows: 'HOST:PORT',
    example: '127.0.0.1:8080',
  }),
} as const;
