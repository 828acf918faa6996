/** @file Times, ages, counts and commands as text. */

const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const day = new Intl.DateTimeFormat("sv-SE", { year: "numeric", month: "2-digit", day: "2-digit" });
const number = new Intl.NumberFormat("en", { useGrouping: true });

/** @typedef {string | number | Date} Moment RFC 3339, milliseconds since the epoch, or a date */

/** `09:15:02`, with the date if it isn't today. @param {Moment} at */
export function time(at) {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return String(at);
  const isToday = day.format(date) === day.format(new Date());
  return isToday ? clock.format(date) : `${day.format(date)} ${clock.format(date)}`;
}

/** `12 s`, `3 min`, `26 h`, `5 days`. @param {number} seconds */
export function span(seconds) {
  if (seconds < 120) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 120 * 60) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 72 * 3600) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} days`;
}

/** `3 min ago`. @param {Moment} at */
export function ago(at) {
  return `${span((Date.now() - new Date(at).getTime()) / 1000)} ago`;
}

/** `12 345`. @param {number} amount */
export function count(amount) {
  return number.format(amount).replaceAll(",", "\u202f");
}

/** A rate: `0`, `0.4`, `12`. @param {number} perSecond */
export function rate(perSecond) {
  return perSecond === 0 || perSecond >= 10 ? count(Math.round(perSecond)) : perSecond.toFixed(1);
}

/** `1 event`, `3 events`. @param {number} amount @param {string} noun */
export function plural(amount, noun) {
  return `${count(amount)} ${noun}${amount === 1 ? "" : "s"}`;
}

/** `1.26 USD`. @param {number} usd */
export function money(usd) {
  return `${usd.toFixed(2)} USD`;
}

/** As it is typed in a shell. @param {string[]} args */
export function command(args) {
  return ["wab", ...args]
    .map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`))
    .join(" ");
}
