// Dates, numbers and sizes as people read them. Values stay half-width in every language.

const two = (n: number) => String(n).padStart(2, '0');

/** formatters keeps what make makes for each zone: a new one costs as much as a hundred uses, and a table has hundreds. */
function formatters(make: (zone?: string) => Intl.DateTimeFormat): (zone?: string) => Intl.DateTimeFormat {
  const made = new Map<string | undefined, Intl.DateTimeFormat>();
  return (zone) => {
    let one = made.get(zone);
    if (!one) made.set(zone, (one = make(zone)));
    return one;
  };
}

const dated = formatters((timeZone) => new Intl.DateTimeFormat('en-CA', {
  year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23', timeZone,
}));
const clocked = formatters((timeZone) => new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23', timeZone }));
const dayed = formatters((timeZone) => new Intl.DateTimeFormat('en-CA', { month: '2-digit', day: '2-digit', timeZone }));
const zoned = ['en-US', 'ja-JP', 'en-GB'].map((locale) => formatters((timeZone) => new Intl.DateTimeFormat(locale, { timeZoneName: 'short', timeZone })));

/** formatTime gives "2026-11-22 20:15 JST": sortable, with its zone. Empty for no date. */
export function formatTime(iso: string | undefined, zone?: string, seconds = false): string {
  const date = parse(iso);
  if (!date) return '';
  if (zone === undefined) { // the reader's own: the date knows it
    const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
    const clock = `${two(date.getHours())}:${two(date.getMinutes())}${seconds ? ':' + two(date.getSeconds()) : ''}`;
    return `${day} ${clock} ${zoneName(date)}`;
  }
  const parts = dated(zone).formatToParts(date);
  const of = (type: string) => parts.find((p) => p.type === type)?.value ?? '';
  const clock = `${of('hour')}:${of('minute')}${seconds ? ':' + of('second') : ''}`;
  return `${of('year')}-${of('month')}-${of('day')} ${clock} ${zoneName(date, zone)}`;
}

/** formatClock gives "20:15:07", for lists that live minutes. */
export function formatClock(date: Date, zone?: string): string {
  return clocked(zone).format(date);
}

/**
 * formatMoment labels a point of a time axis (seconds since the epoch): the clock, or the day where marks are at least a
 * day apart; with a step of 0 both.
 */
export function formatMoment(at: number, step: number, seconds = false, zone?: string): string {
  const date = new Date(at * 1000);
  const day = dayed(zone).format(date).replace('/', '-');
  const clock = seconds && step < 60 ? formatClock(date, zone) : formatClock(date, zone).slice(0, 5);
  if (step >= 86_400) return day;
  return step === 0 || (step >= 3600 && clock === '00:00') ? `${day} ${clock}` : clock;
}

const ownNames = new Map<string, string>(); // by year and offset: a zone is called otherwise in summer

/** zoneName prefers a short name such as JST, which only some locales know, over GMT+9. */
function zoneName(date: Date, zone?: string): string {
  const key = `${date.getFullYear()} ${date.getTimezoneOffset()}`;
  const known = zone === undefined ? ownNames.get(key) : undefined;
  if (known !== undefined) return known;
  let name = '';
  for (const format of zoned) {
    const said = format(zone).formatToParts(date).find((p) => p.type === 'timeZoneName')?.value ?? '';
    name ||= said;
    if (!/^[A-Z]{2,5}$/.test(said)) continue;
    name = said;
    break;
  }
  if (zone === undefined) ownNames.set(key, name);
  return name;
}

let fractions: Intl.NumberFormat | undefined;

/** formatNumber groups digits: 1,234,567. */
export function formatNumber(n: number | undefined): string {
  if (n === undefined || Number.isNaN(n)) return '–';
  if (Number.isSafeInteger(n)) return String(n).replace(/\B(?=(\d{3})+$)/g, ',');
  return (fractions ??= new Intl.NumberFormat('en-US')).format(n);
}

/** formatBytes gives SI sizes with at most three digits: 950 B, 1.2 kB, 64 MB. */
export function formatBytes(n: number | undefined): string {
  if (n === undefined || Number.isNaN(n)) return '–';
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = n;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** formatMiB shows a memory bound the way it's configured. */
export function formatMiB(n: number): string {
  return `${formatNumber(n)} MiB`;
}

/** formatPercent shows a share in percent; 100 is one whole, such as one processor. */
export function formatPercent(n: number): string {
  return `${formatNumber(n)} %`;
}

/** formatFingerprint writes a SHA-256 as AB:CD:…, whatever way the server wrote it. */
export function formatFingerprint(hex: string): string {
  const bytes = hex.replace(/[^0-9a-f]/gi, '').toUpperCase();
  return bytes.match(/../g)?.join(':') ?? hex;
}

/** formatReason shows an MQTT reason code the way the standard does: 0x87. */
export function formatReason(code: number): string {
  return '0x' + code.toString(16).toUpperCase().padStart(2, '0');
}

/** toLocalInput is a time as <input type="datetime-local"> wants it; fromLocalInput the other way round. */
export function toLocalInput(iso: string | undefined): string {
  const date = parse(iso);
  if (!date) return '';
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

export function fromLocalInput(text: string): string {
  const date = text ? new Date(text) : undefined;
  return date && !Number.isNaN(date.getTime()) ? date.toISOString() : '';
}

function parse(iso: string | undefined): Date | undefined {
  if (!iso) return undefined;
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) || date.getFullYear() < 1971 ? undefined : date;
}
