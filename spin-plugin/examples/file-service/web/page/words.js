// How sizes and times are written.

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

export function size(bytes) {
  const unit = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), UNITS.length - 1);
  const value = bytes / 1024 ** unit;
  return `${unit && value < 10 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}

export function count(number, one, many) {
  return `${number} ${number === 1 ? one : many}`;
}

// A <time> of milliseconds since 1970; `clock` leaves out the day.
export function time(milliseconds, clock = false) {
  const element = document.createElement('time');
  const date = new Date(milliseconds);
  element.dateTime = date.toISOString();
  element.textContent = (clock ? CLOCK : MOMENT).format(date);
  return element;
}
